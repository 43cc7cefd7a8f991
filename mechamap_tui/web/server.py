"""The server: textual-serve behind the gate, on the loopback interface, with an explorer for each page that is open."""

from __future__ import annotations

import asyncio
import secrets
import shlex
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mechamap.errors import MissingExtra, UsageError
from mechamap_tui.web.gate import HEADERS, gate

__all__ = ["serve_explorer"]

if TYPE_CHECKING:
    from aiohttp import web

_LOOPBACK = "127.0.0.1"


def serve_explorer(arguments: Sequence[str], port: int, tell: Callable[[str], object]) -> int:
    """Serve the explorer until the process is interrupted; returns the exit status.

    Args:
        arguments: of ``mechamap-tui``, for each page that is opened.
        port: 0 for any free one.
        tell: called with the address, once it answers.

    Raises:
        MissingExtra: textual-serve is not installed.
        UsageError: the port cannot be had.
    """
    command = shlex.join([sys.executable, "-m", "mechamap_tui", *arguments])
    with suppress(KeyboardInterrupt):
        asyncio.run(_serve(command, port, secrets.token_urlsafe(24), tell))
    return 0


async def _serve(command: str, port: int, token: str, tell: Callable[[str], object]) -> None:
    runner = await _ready(command, token)
    from aiohttp import web

    try:
        site = web.TCPSite(runner, _LOOPBACK, port)
        try:
            await site.start()
        except OSError as error:
            raise UsageError(
                f"Port {port} cannot be used: {error.strerror or error}.", "Choose another one with --port."
            ) from None
        port = runner.addresses[0][1]
        tell(f"http://{_LOOPBACK}:{port}/{token}/")
        stopped = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(NotImplementedError):
                loop.add_signal_handler(number, stopped.set)
        await stopped.wait()
    finally:
        await runner.cleanup()


async def _ready(command: str, token: str) -> web.AppRunner:
    """What runs the server, listening nowhere yet."""
    try:
        from aiohttp import web
        from textual_serve.server import Server
    except ImportError:
        raise MissingExtra(
            "The explorer in a browser needs textual-serve, which is not installed.",
            "Install it: pip install 'mechamap[web]'",
        ) from None

    class GuardedServer(Server):  # type: ignore[misc]
        async def on_startup(self, app: web.Application) -> None:
            """Say nothing: the address is told by the caller."""

        async def handle_index(self, request: web.Request) -> Any:
            self.public_url = f"http://{request.host}"  # the port may be another one, as through ssh -L
            return await super().handle_index(request)

    async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
        response.headers.update(HEADERS)

    server = GuardedServer(command, host=_LOOPBACK, title="MechaMap")
    outer = web.Application(middlewares=[gate(token)])
    outer.on_response_prepare.append(add_headers)
    outer.add_subapp(f"/{token}", await server._make_app())
    runner = web.AppRunner(outer, access_log=None, handle_signals=False)  # a log of requests would hold the token
    await runner.setup()
    return runner
