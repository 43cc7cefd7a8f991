"""JSON-RPC 2.0, one message per line: how the engine process and its client communicate.

Lines are ASCII (everything else escaped), so neither a broken terminal encoding nor a line separator inside a
token can cut a message in two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mechamap.protocol.messages import plain

__all__ = [
    "FAILED",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "Lines",
    "RpcFault",
    "encode",
    "error",
    "notification",
    "parse",
    "request",
    "result",
]


PARSE_ERROR = -32700
INVALID_REQUEST = -32600
METHOD_NOT_FOUND = -32601
INVALID_PARAMS = -32602
FAILED = -32000  # the request is valid but failed; ``data`` says why


class RpcFault(Exception):
    """A message that the protocol does not allow; ``code`` is JSON-RPC's."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def request(id: int | str, method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "method": method, "params": dict(params)}


def notification(method: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": dict(params)}


def result(id: int | str, value: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": id, "result": value}


def error(id: int | str | None, code: int, message: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        body["data"] = dict(data)
    return {"jsonrpc": "2.0", "id": id, "error": body}


def encode(message: Mapping[str, Any]) -> bytes:
    """One line, newline included; paths and messages in it become plain values.

    Raises:
        ValueError: a number that is not finite; JSON has none.
    """
    return json.dumps(message, allow_nan=False, separators=(",", ":"), default=plain).encode("ascii") + b"\n"


def parse(line: bytes) -> dict[str, Any]:
    """The message on a line, of the right outer shape.

    Raises:
        RpcFault: not JSON, or not a JSON-RPC 2.0 message.
    """
    try:
        message = json.loads(line)
    except (ValueError, RecursionError) as problem:
        raise RpcFault(PARSE_ERROR, f"This line is not JSON: {problem}.") from None
    if not isinstance(message, dict) or message.get("jsonrpc") != "2.0":
        raise RpcFault(INVALID_REQUEST, 'A message is an object with "jsonrpc": "2.0".')
    if isinstance(message.get("id"), bool) or not isinstance(message.get("id"), (int, str, type(None))):
        raise RpcFault(INVALID_REQUEST, "An id is a number or a string.")
    return message


class Lines:
    """Cuts a stream of chunks into lines of any length."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, chunk: bytes) -> list[bytes]:
        """The lines that ``chunk`` completes, without their newlines; empty ones left out."""
        first, *more = chunk.split(b"\n")
        self._rest.append(first)
        if not more:
            return []
        whole = [b"".join(self._rest), *more[:-1]]
        self._rest = [more[-1]]
        return [line for line in whole if line.strip()]
