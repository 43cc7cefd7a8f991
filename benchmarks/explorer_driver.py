"""What a benchmark of the explorer runs in a terminal of its own: an app that measures itself and exits.

``python -m benchmarks.explorer_driver RESULT empty|start|browse|keys|report [RUN] [MODEL]`` writes to RESULT, as JSON,
when the first frame was painted (seconds of the system's monotonic clock, which the parent reads too), the seconds
from each key to the paint that shows it, and whether torch was loaded.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.app import App
    from textual.screen import Screen

    from mechamap.protocol.messages import Progress
    from mechamap_tui.app import MechaMapApp

# What a user does most: moves, pages, sorts, changes the category.
KEYS = (*["down"] * 12, *["pagedown"] * 4, *["up"] * 4, "c", "c", "s", "s", "s", "G", "g", "right", "left", "2")
# And in a report: through a long table, a heat map and its numbers, and from table to table.
REPORT_KEYS = ("3", *["down"] * 8, "l", "l", "pagedown", "s", "4", *["down"] * 8, "l", "l", "G", "g", "v", "j", "l",
               "v", "8", *["down"] * 6, "G", *["right_square_bracket"] * 5)  # fmt: skip
SETTLE = 0.15  # seconds between keys, so that what follows the cursor after its rest is painted before the next one


class Painted:
    """Mixed into an app: tells when a frame of the wanted screen has been written to the terminal."""

    painted_at: float | None = None
    next_paint: asyncio.Event | None = None

    def wanted(self, screen: Screen[Any]) -> bool:
        return True

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, renderable)  # type: ignore[misc]
        if not screen.size or not self.wanted(screen):
            return
        if self.painted_at is None:
            self.painted_at = time.monotonic()
            self.first_frame()
        if self.next_paint is not None:
            self.next_paint.set()

    def first_frame(self) -> None:
        self.exit()  # type: ignore[attr-defined]


def empty() -> App[None]:
    """What Textual costs by itself."""
    from textual.app import App

    class Empty(Painted, App[None]):
        pass

    return Empty()


def explorer(mode: str, run: str, model: str, key_to_paint: list[float]) -> MechaMapApp:
    """The explorer; the seconds from key to paint are added to ``key_to_paint``."""
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.start.target import prepare, read_target

    prepare(target := read_target(run))

    class Explorer(Painted, MechaMapApp):
        def wanted(self, screen: Screen[Any]) -> bool:
            if type(screen).__name__ == "InterpretScreen":
                return True
            name = "StartScreen" if mode == "start" else "BrowseScreen"
            part = "#list" if mode == "start" else "#neurons"
            found = screen.query(part) if type(screen).__name__ == name else ()
            if not any(widget.region.height > 3 for widget in found):
                return False
            # A large table has a first frame without neurons, which does not count.
            return mode == "start" or any(getattr(widget, "row_count", 0) for widget in found)

        def first_frame(self) -> None:
            if mode in ("keys", "report"):
                self.run_worker(self.press_keys())
            else:
                self.exit()

        async def press_keys(self) -> None:
            scans = asyncio.create_task(_scan_again_and_again(self, model)) if model else None
            if scans is not None:
                await asyncio.sleep(6)  # torch and the weights are loaded by then
            await asyncio.sleep(1)
            if mode == "report":
                await self.open_report()
            for key in REPORT_KEYS if mode == "report" else KEYS:
                key_to_paint.append(await _key_to_paint(self, key))
                await asyncio.sleep(SETTLE)
            if scans is not None:
                scans.cancel()
            self.exit()

        async def open_report(self) -> None:
            from mechamap_tui.report.screen import ReportScreen

            await self.run_action("screen.interpret")
            while not (isinstance(self.screen, ReportScreen) and self.screen.report is not None):
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)

    return Explorer(target)


async def _key_to_paint(app: App[None], key: str) -> float:
    """Seconds from a key's event to the end of the paint after it."""
    from textual import events

    assert isinstance(app, Painted)
    app.next_paint = asyncio.Event()
    started = time.perf_counter()
    app.post_message(events.Key(key, key if len(key) == 1 else None))
    try:
        await asyncio.wait_for(app.next_paint.wait(), 2)
    except TimeoutError:
        return float("nan")  # a key that changed nothing
    return time.perf_counter() - started


async def _scan_again_and_again(app: MechaMapApp, model: str) -> None:
    from mechamap_tui.jobs.job import JobChanged
    from mechamap_tui.jobs.scan import ScanJob

    while True:
        job = ScanJob(model)

        def show(progress: Progress, job: ScanJob = job) -> None:
            job.progress = progress
            app.explorer.job_changes.publish(JobChanged(job, news=False))

        await job.ask(app.explorer.engine, show).answer


def main() -> None:
    result, mode, run, model = (*sys.argv[1:], "", "")[:4]
    key_to_paint: list[float] = []
    app: App[None] | None = None
    if mode == "empty":
        app = empty()
        app.run()
    else:
        from mechamap_tui.command import run_explorer

        def make() -> MechaMapApp:
            nonlocal app
            made = explorer(mode, run, model, key_to_paint)
            app = made
            return made

        run_explorer(make)
    assert isinstance(app, Painted)
    Path(result).write_text(
        json.dumps({"painted": app.painted_at, "keys": key_to_paint, "torch": "torch" in sys.modules}), encoding="utf-8"
    )


if __name__ == "__main__":
    main()
