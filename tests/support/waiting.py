"""Waiting for what a test is about instead of for a time that a busy machine makes too short."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from textual.pilot import Pilot

LONGEST = 20.0  # seconds


def painted(app: Any) -> str:
    """The text of the screen on top."""
    return "\n".join("".join(segment.text for segment in strip) for strip in app.screen._compositor.render_strips())


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    """Wait for a condition.

    Raises:
        AssertionError: It does not come true; says what the screen shows instead.
    """
    try:
        async with asyncio.timeout(LONGEST):
            while not condition():
                await pilot.pause(0.02)
    except TimeoutError:
        raise AssertionError(f"waited {LONGEST:.0f} s in front of\n{painted(pilot.app)}") from None
