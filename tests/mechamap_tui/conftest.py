"""What makes the explorer's tests say the same on a busy machine as on an idle one."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from textual.app import App
from textual.pilot import Pilot

from mechamap.errors import Unforeseen
from mechamap_tui.opening.failures import Failures

TURNS = 5  # of the event loop without anything to do, after which nothing comes on its own
LONGEST = 10.0  # seconds; a screen that never stops painting is tested for something else


@pytest.fixture(autouse=True)
def pauses_wait_for_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``pilot.pause()`` end when every message is handled and painted.

    Textual's own ends when the process has used little of the processor for a moment, which is also what a process
    looks like that other ones keep from working.
    """
    short = Pilot.pause

    async def pause(pilot: Pilot[object], delay: float | None = None) -> None:
        await short(pilot, delay)
        try:
            async with asyncio.timeout(LONGEST):
                await _settle(pilot)
        except TimeoutError:
            pass

    monkeypatch.setattr(Pilot, "pause", pause)


@pytest.fixture(autouse=True)
def nothing_fails(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test in which the explorer went on after a failure, unless the test is about one (``failing``)."""
    seen: list[str] = []
    note = Failures._note

    def noted(failures: Failures, error: Exception, where: str) -> object:
        failure = note(failures, error, where)
        if isinstance(failure.error, Unforeseen):
            seen.append(f"{failure.error} {where}")
        return failure

    monkeypatch.setattr(Failures, "_note", noted)
    yield
    assert not seen or request.node.get_closest_marker("failing"), seen


async def _settle(pilot: Pilot[object]) -> None:
    quiet = 0
    while quiet < TURNS and pilot.app.is_running:
        await pilot._wait_for_screen()
        await asyncio.sleep(0)
        quiet = 0 if _something_waits(pilot.app) else quiet + 1


def _something_waits(app: App[object]) -> bool:
    if not app.is_running or not app.screen_stack:
        return False
    if any(not node._message_queue.empty() or node._next_callbacks for node in [app, *app._registry]):
        return True
    if getattr(app, "_on_its_way", False):  # a key that others wait behind
        return True
    screen = app.screen
    if screen._layout_required or screen._repaint_required or screen._dirty_widgets or screen._callbacks:
        try:
            screen._on_timer_update()
        except Exception as error:
            app._handle_exception(error)  # as the timer does
        return True
    return False
