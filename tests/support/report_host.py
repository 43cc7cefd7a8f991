"""Reports in the explorer, its engine answering with ones made by hand: the whole app, or nothing but the report."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.screen import Screen

from mechamap.runs.run import Run
from mechamap.tables.table import Cell
from mechamap_tui.app import MechaMapApp
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.explorer import ExplorerApp
from mechamap_tui.report.interpret import InterpretScreen
from mechamap_tui.report.screen import ReportScreen
from mechamap_tui.report.view import ReportView
from mechamap_tui.start.target import read_target
from support.engine_double import EngineDouble
from support.explorer_double import ExplorerDouble
from support.made_report import made_comparison, made_report
from support.waiting import painted, until


class ReportHost(ExplorerApp):
    """Shows one report."""

    CSS_PATH = MechaMapApp.CSS_PATH
    explorer: ExplorerDouble

    def __init__(self, run: Run, engine: EngineDouble) -> None:
        super().__init__()
        self.explorer = ExplorerDouble(self, engine)
        self.shown = InterpretScreen(run, ReportView())

    def on_mount(self) -> None:
        self.push_screen(self.shown)


class Reader:
    """The app and its keys, for a test to read like what it does."""

    def __init__(self, app: Any, engine: EngineDouble, pilot: Pilot[None]) -> None:
        self.app, self.engine, self.pilot = app, engine, pilot

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def until(self, condition: Callable[[], bool]) -> None:
        await until(self.pilot, condition)

    async def shows(self, screen: type[Screen[Any]]) -> None:
        await self.until(lambda: isinstance(self.app.screen, screen) and self.app.screen.is_mounted)
        await self.pilot.pause()

    async def shows_report(self, title: str = "") -> None:
        await self.until(lambda: isinstance(self.app.screen, ReportScreen) and self.app.screen.report is not None)
        await self.until(lambda: title in self.line(0))
        await self.pilot.pause()

    @property
    def report(self) -> ReportScreen:
        screen = self.app.screen
        assert isinstance(screen, ReportScreen)
        return screen

    @property
    def browse(self) -> BrowseScreen:
        screen = self.app.screen
        assert isinstance(screen, BrowseScreen)
        return screen

    @property
    def cell(self) -> Cell:
        """The cell under the cursor."""
        table, place = self.report.tables.table, self.report.tables.cells.place
        assert table is not None
        return table.rows[place.row][place.column]

    @property
    def column(self) -> str:
        """The title of the cursor's column."""
        table = self.report.tables.table
        assert table is not None
        return table.columns[self.report.tables.cells.place.column].title

    @property
    def names(self) -> set[str]:
        """The neurons that the browse screen shows."""
        return {str(self.browse.run.neuron_name(int(row))) for row in self.browse.table.order.rows}

    @property
    def told(self) -> str:
        return "\n".join(note.message for note in self.app._notifications)

    def text(self) -> str:
        """What the screen shows."""
        return painted(self.app)

    def line(self, at: int) -> str:
        return self.text().splitlines()[at]

    def rows(self) -> list[list[str]]:
        """The lines of the table, as words."""
        lines = [line.rpartition("┃")[0].rpartition("┃")[2] for line in self.text().splitlines()]
        return [line.replace("▸", " ").split() for line in lines if line.strip()]


def answering(run: Run) -> EngineDouble:
    """An engine that says of the run what is made by hand."""
    engine = EngineDouble()
    engine.interpreted = lambda _, by, threshold: made_report(run, by or "reads", threshold or 0.9)
    engine.compared = lambda paths, by, threshold: made_comparison(
        [Run.open(path) for path in paths], by or "reads", threshold or 0.9
    )
    return engine


@asynccontextmanager
async def reading(run: Run, size: tuple[int, int] = (120, 40), said_of: Run | None = None) -> AsyncIterator[Reader]:
    """Read the report of a run, or what is ``said_of`` another, in a terminal of a size."""
    engine = answering(said_of or run)
    app = ReportHost(run, engine)
    async with app.run_test(size=size) as pilot:
        reader = Reader(app, engine, pilot)
        await reader.shows_report()
        yield reader


@asynccontextmanager
async def exploring(run: Run, size: tuple[int, int] = (120, 40)) -> AsyncIterator[Reader]:
    """Browse a run in the whole app."""
    engine = answering(run)
    app = MechaMapApp(read_target(str(run.path)), engine=engine)
    async with app.run_test(size=size) as pilot:
        reader = Reader(app, engine, pilot)
        await reader.shows(BrowseScreen)
        yield reader
