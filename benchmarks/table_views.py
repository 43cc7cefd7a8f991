"""The neuron table on millions of neurons: sorting, undo and views, and how long keys wait meanwhile.

``python -m benchmarks.table_views [--neurons N] [--folder DIR]`` writes a run of random figures (1 GB for the 2.3
million neurons of a 70B model) and browses it in a terminal that is not painted anywhere.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from textual.pilot import Pilot

from benchmarks.figures import Figure, table
from benchmarks.opening_large import large_text_run
from mechamap.runs.run import Run
from mechamap.runs.views.column_choice import ColumnChoice
from mechamap.runs.views.sort_key import SortKey
from mechamap.runs.views.table_view import TableView
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.start.target import Target

__all__ = ["view_figures"]


MOST = 0.5  # seconds
TICK = 0.002
LATE = TableView(
    "reads > 0.5 and layer >= 20",
    "food",
    sort=(SortKey("layer", False), SortKey("ap"), SortKey("max")),
    columns=ColumnChoice(frozenset({"d"})),
)


class Took(NamedTuple):
    """Seconds of a change: all in all, of processor time, and the longest stretch in which no key was answered."""

    seconds: float
    processor: float
    held: float


async def view_figures(folder: Path, rounds: int) -> list[Figure]:
    """Each change as long as it takes to be on the screen, and the longest time in which no key was answered."""
    app = MechaMapApp(Target("run", str(folder), folder))
    async with app.run_test(size=(160, 45)) as pilot:
        await _settled(pilot)
        screen = _screen(app)
        keys = {
            "mean": SortKey("mean"),
            "layer": SortKey("layer", False),
            "max": SortKey("max"),
            "fire": SortKey("fire"),
        }
        changes: dict[str, Callable[[], object]] = {
            "sorted by a figure": lambda: screen.table.sort(keys["mean"]),
            "sorted by the layer, then by a figure": lambda: screen.table.sort(keys["layer"], keys["mean"]),
            "sorted by four columns": lambda: screen.table.sort(*keys.values()),
            "a sort undone": screen.action_undo,
            "a filter, three sort keys, a category and columns shown as a view": lambda: screen.show_view(LATE, "late"),
            "a view undone": screen.action_undo,
            "a view done again": screen.action_redo,
            "another category": lambda: screen.action_category(1),
            "a category undone": screen.action_undo,
        }
        took: dict[str, list[Took]] = {name: [] for name in changes}
        for _ in range(rounds):
            for name, change in changes.items():
                took[name].append(await _timed(pilot, change))
    return [_figure(name, times) for name, times in took.items()]


def _screen(app: MechaMapApp) -> BrowseScreen:
    screen = app.screen_stack[1]
    assert isinstance(screen, BrowseScreen)
    return screen


def _figure(name: str, times: list[Took]) -> Figure:
    whole, processor, held = (statistics.median(column) for column in zip(*times, strict=True))
    detail = f"{len(times)} times, {min(times)[0]:.2f} to {max(times)[0]:.2f} s; {processor:.2f} s of processor time; "
    detail += f"keys wait {held:.3f} s at most"
    return Figure(name, f"{whole:.2f} s", f"<= {MOST:g} s", whole <= MOST, detail)


async def _timed(pilot: Pilot[None], change: Callable[[], object]) -> Took:
    """How long it takes until a change is on the screen."""
    gaps: list[float] = []

    async def tick() -> None:
        before = time.perf_counter()
        while True:
            await asyncio.sleep(TICK)
            gaps.append((now := time.perf_counter()) - before)
            before = now

    ticking = asyncio.create_task(tick())
    await asyncio.sleep(5 * TICK)
    gaps.clear()
    started, used = time.perf_counter(), time.process_time()
    pilot.app.call_later(change)
    await _settled(pilot)
    took = Took(time.perf_counter() - started, time.process_time() - used, max(gaps, default=0.0))
    ticking.cancel()
    return took


async def _settled(pilot: Pilot[None]) -> None:
    """Wait until the table has its rows and every message is handled."""
    await _handled(pilot)
    app = pilot.app
    assert isinstance(app, MechaMapApp)
    while _screen(app).table.order.waits:
        await asyncio.sleep(TICK)
    await _handled(pilot)


async def _handled(pilot: Pilot[None]) -> None:
    handled: Callable[[], Awaitable[object]] = pilot._wait_for_screen
    await handled()
    await asyncio.sleep(0)
    await handled()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.table_views", description=__doc__)
    parser.add_argument("--neurons", type=int, default=2_300_000, help="a multiple of 40 (default: 2,300,000)")
    parser.add_argument("--rounds", type=int, default=5, help="times each (default: 5)")
    parser.add_argument("--folder", type=Path, help="where to write the run (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        run = large_text_run(Path(folder) / "run", arguments.neurons)
        for figure in ("selectivity", "ap", "mean", "max", "fire", "d"):  # into the disk cache
            np.asarray(Run.open(run).figure(figure)).sum()
        figures = asyncio.run(view_figures(run, arguments.rounds))
    print(table(f"The neuron table on {arguments.neurons:,} neurons", figures))


if __name__ == "__main__":
    main()
