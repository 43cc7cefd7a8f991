"""Who may speak to the explorer's server, and who is refused whatever they ask for."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import pytest
from support.repository import ROOT
from support.served import served

from mechamap.errors import MissingExtra
from mechamap_tui.web.gate import why_refused
from mechamap_tui.web.server import serve_explorer

TOKEN = "8Hh3uW"
HOST = "127.0.0.1:8000"


@pytest.mark.parametrize("host", ["127.0.0.1:8000", "localhost:9000", "[::1]:8000", "localhost"])
def test_whoever_has_the_token_on_this_machine_is_let_in(host: str) -> None:
    assert why_refused(TOKEN, f"/{TOKEN}/", host, None, socket=False) == ""
    assert why_refused(TOKEN, f"/{TOKEN}/ws", host, f"http://{host}", socket=True) == ""


@pytest.mark.parametrize(
    "path", ["/", "/ws", "/static/js/textual.js", f"/{TOKEN}x/", f"/{TOKEN[:-1]}/", f"//x/{TOKEN}/"]
)
def test_a_path_without_the_token_is_refused(path: str) -> None:
    assert why_refused(TOKEN, path, HOST, None, socket=False) == "token"


@pytest.mark.parametrize(
    "host", ["evil.example:8000", "127.0.0.1.evil.example", "localhost@evil.example", "192.168.0.7", ""]
)
def test_a_name_that_merely_leads_here_is_refused(host: str) -> None:
    assert why_refused(TOKEN, f"/{TOKEN}/", host, None, socket=False) == "host"


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8001", "https://127.0.0.1:8000", "null"])
def test_pages_of_other_sites_are_refused(origin: str) -> None:
    assert why_refused(TOKEN, f"/{TOKEN}/ws", HOST, origin, socket=True) == "origin"
    assert why_refused(TOKEN, f"/{TOKEN}/", HOST, origin, socket=False) == "origin"


def test_a_websocket_that_names_no_page_is_refused() -> None:
    assert why_refused(TOKEN, f"/{TOKEN}/ws", HOST, None, socket=True) == "origin"


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "textual_serve.server", None)
    with pytest.raises(MissingExtra) as caught:
        serve_explorer([], 0, print)
    assert "pip install 'mechamap[web]'" in str(caught.value.hint)


# --- the server itself ---


def status(url: str, headers: Mapping[str, str] | None = None) -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_server_answers_to_its_address_and_to_nothing_else(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        base, token = address.rstrip("/").rsplit("/", 1)
        assert base.startswith("http://127.0.0.1:")
        assert len(token) >= 32
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}  # fmt: skip
        assert status(address) == status(f"{address}static/js/textual.js") == 200
        for path in ("/", "/wrong/", "/wrong/static/js/textual.js", "/static/js/textual.js", "/ws", "/no/such/page"):
            assert status(base + path) == 403
        assert status(f"{base}/wrong/ws", {**upgrade, "Origin": base}) == 403
        assert status(f"{address}ws", {**upgrade, "Origin": "http://evil.example"}) == 403
        assert status(address, {"Host": "evil.example"}) == 403
        with urllib.request.urlopen(address, timeout=10) as answer:
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        port = address.split(":")[2].partition("/")[0]
        done = subprocess.run(
            [sys.executable, "-m", "mechamap_tui", "--web", "--port", port],
            capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | {"MECHAMAP_HOME": str(tmp_path)}, cwd=ROOT,
        )  # fmt: skip
    assert done.returncode == 2
    assert f"Port {port} cannot be used" in done.stderr
    assert "--port" in done.stderr
