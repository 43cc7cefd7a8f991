"""A hub on this machine: serves folders over the routes of the hub that a download uses."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@contextmanager
def hub_serving(
    models: dict[str, Path], gated: tuple[str, ...] = (), expired: str = ""
) -> Iterator[tuple[str, list[str]]]:
    """Its address and the paths asked for so far, while the block runs.

    Args:
        models: folders by id; those of data sets by ``datasets/owner/name``.
        gated: ids that show only their list.
        expired: a token with which every request is refused.
    """

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        asked: ClassVar[list[str]] = []

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def log_message(self, *args: object) -> None:
            pass

        def answer(self, with_body: bool) -> None:
            path = self.path.partition("?")[0].strip("/")
            self.asked.append(path)
            if expired and self.headers.get("Authorization") == f"Bearer {expired}":
                self.refuse(401, "", "Invalid credentials in Authorization header")
                return
            parts = path.split("/")
            if parts[:2] in (["api", "models"], ["api", "datasets"]):
                model_id, _, revision = "/".join(parts[1 + (parts[1] == "models") :]).partition("/revision/")
                tree = False
                if "/tree/" in model_id:
                    model_id, _, revision = model_id.partition("/tree/")
                    tree = True
                folder = models.get(model_id)
                revision, _, below = revision.partition("/")
                if folder is None:
                    self.refuse(401, "RepoNotFound")
                elif below:
                    self.refuse(404, "EntryNotFound")
                elif revision not in {"", "main", COMMIT}:
                    self.refuse(404, "RevisionNotFound")
                elif tree:
                    self.send(json.dumps(self.tree(folder)).encode(), with_body)
                else:
                    names = [{"rfilename": name.name} for name in sorted(folder.iterdir())]
                    said_id = model_id.removeprefix("datasets/")
                    self.send(json.dumps({"id": said_id, "sha": COMMIT, "siblings": names}).encode(), with_body)
                return
            model_id, _, rest = path.partition("/resolve/")
            file = models.get(model_id, Path("nowhere")) / rest.partition("/")[2]
            if model_id not in models:
                self.refuse(401, "RepoNotFound")
            elif model_id in gated:
                self.refuse(403, "GatedRepo")
            elif not file.is_file():
                self.refuse(404, "EntryNotFound")
            else:
                self.send(file.read_bytes(), with_body)

        def tree(self, folder: Path) -> list[dict[str, object]]:
            return [
                {
                    "type": "file",
                    "path": file.name,
                    "size": file.stat().st_size,
                    "oid": hashlib.sha1(file.read_bytes()).hexdigest(),
                }
                for file in sorted(folder.iterdir())
            ]

        def refuse(self, status: int, code: str, message: str = "") -> None:
            self.send_response(status)
            if code:
                self.send_header("X-Error-Code", code)
            if message:
                self.send_header("X-Error-Message", message)
            self.send_header("X-Request-Id", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def send(self, body: bytes, with_body: bool) -> None:
            etag, wanted = hashlib.sha1(body).hexdigest(), self.headers.get("Range", "").removeprefix("bytes=")
            first, _, last = wanted.partition("-")
            if first and last and "/resolve/" in self.path:
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {wanted}/{len(body)}")
                body = body[int(first) : int(last) + 1]
            else:
                self.send_response(200)
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("ETag", f'"{etag}"')
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if with_body:
                self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", Handler.asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
