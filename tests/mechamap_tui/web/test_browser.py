"""The explorer in a browser: a page in headless Chromium shows a run and takes keys."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from support.recorded_run import recorded_run
from support.served import served

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LONGEST = 60.0  # seconds


class Browser:
    """Headless Chromium with one page, spoken to by its DevTools protocol."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        self._profile = profile
        self._process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
             "--enable-unsafe-swiftshader", f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.received = bytearray()  # what websockets of the page have received
        self._number = 0

    async def open(self, session: Any, address: str) -> None:
        deadline, ports = time.monotonic() + LONGEST, self._profile / "DevToolsActivePort"
        while not (ports.exists() and len(ports.read_text().splitlines()) == 2):
            assert time.monotonic() < deadline, "Chromium has not started"
            await asyncio.sleep(0.1)
        port = ports.read_text().splitlines()[0]
        async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
            page = next(each for each in await answer.json() if each["type"] == "page")
        self._socket = await session.ws_connect(page["webSocketDebuggerUrl"], max_msg_size=0)
        for method in ("Network.enable", "Page.enable"):
            await self._tell(method)
        await self._tell("Page.navigate", url=address)

    async def shows(self, text: str) -> None:
        """Wait until the page has been sent a text; what came until then is forgotten."""
        deadline = time.monotonic() + LONGEST
        while text.encode() not in self.received:
            assert time.monotonic() < deadline, f"{text} has not come, but {bytes(self.received[-2000:])!r}"
            await self._next()
        self.received.clear()

    async def press(self, key: str) -> None:
        """Press a key in the terminal of the page."""
        await self._tell("Runtime.evaluate", expression="document.querySelector('textarea').focus()")
        for kind in ("rawKeyDown", "char", "keyUp"):
            await self._tell(
                "Input.dispatchKeyEvent", type=kind, key=key, text=key, windowsVirtualKeyCode=ord(key.upper())
            )

    async def _tell(self, method: str, **parameters: Any) -> None:
        """Give a command, and wait until it is done."""
        self._number += 1
        await self._socket.send_json({"id": self._number, "method": method, "params": parameters})
        while (await self._next()).get("id") != self._number:
            pass

    async def _next(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads((await self._socket.receive(timeout=LONGEST)).data)
        if message.get("method") == "Network.webSocketFrameReceived":
            frame = message["params"]["response"]
            data: str = frame["payloadData"]
            self.received += base64.b64decode(data) if frame["opcode"] == 2 else data.encode()
        return message

    def close(self) -> None:
        self._process.kill()
        self._process.wait(20)


@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
async def test_a_page_shows_a_run_and_takes_keys(tmp_path: Path) -> None:
    aiohttp = pytest.importorskip("aiohttp", reason="the extra web is not installed")
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    with served(tmp_path / "home", "tiny-1") as address:
        browser = Browser(tmp_path / "profile")
        try:
            async with aiohttp.ClientSession() as session:
                await browser.open(session, address)
                await browser.shows("tiny-1")
                await browser.press("i")
                await browser.shows("This run")
        finally:
            browser.close()
