"""Who may speak to the server: whoever has the token, through a page of this very server, on this machine.

The token stands in the path of the address, so that no cookie is needed, which browsers send to every port of a host.
A page of another site can make a browser ask for anything here, but knows no token; and a name of another site that was
made to lead to this machine (DNS rebinding) is refused by the ``Host`` header.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from aiohttp import web

    Handler: TypeAlias = Callable[[web.Request], Awaitable[web.StreamResponse]]
    Middleware: TypeAlias = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]

__all__ = ["HEADERS", "gate", "why_refused"]


_HOST = re.compile(r"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d{1,5})?")
# No other site is loaded from, none learns the address, and none may show the page in a frame.
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; script-src 'self' 'unsafe-inline'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws:; "
    "frame-ancestors 'none'; form-action 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def why_refused(token: str, path: str, host: str, origin: str | None, *, socket: bool) -> str:
    """Why a request is refused; empty where it is not.

    Args:
        token: the server's.
        path: of the request, from ``/`` on.
        host, origin: these headers.
        socket: whether it asks for a websocket, which browsers open for pages of any site.
    """
    if not _HOST.fullmatch(host):
        return "host"
    if origin is None:
        if socket:
            return "origin"
    elif origin != f"http://{host}":
        return "origin"
    given = path.lstrip("/").partition("/")[0]
    return "" if hmac.compare_digest(given.encode(), token.encode()) else "token"


def gate(token: str) -> Middleware:
    """A middleware that answers 403 to whoever is refused, whatever was asked for."""
    from aiohttp import web

    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        socket = request.headers.get("Upgrade", "").lower() == "websocket" or request.path.endswith("/ws")
        if why_refused(token, request.path, request.host, request.headers.get("Origin"), socket=socket):
            return web.Response(status=403, text="403: Open the address that mechamap-tui --web has printed.\n")
        return await handler(request)

    marked: Middleware = web.middleware(check)
    return marked
