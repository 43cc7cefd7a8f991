"""An app that does nothing but show a run in the browse screen, as the tests of its panes need one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np
from textual.pilot import Pilot
from textual.widgets import Input

from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap.runs.writer import RunWriter
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.engine.client import EngineClient
from mechamap_tui.explorer import ExplorerApp
from mechamap_tui.widgets.prompt import Prompt
from support.explorer_double import ExplorerDouble
from support.waiting import painted, until

SIZES = [(160, 45), (90, 30), (70, 24), (80, 24)]


class BrowseHost(ExplorerApp):
    """Shows one run."""

    explorer: ExplorerDouble

    def __init__(self, run: Run, engine: EngineClient | None = None) -> None:
        super().__init__()
        self.explorer = ExplorerDouble(self, engine)
        self.screen_of_run = BrowseScreen(run)

    def on_mount(self) -> None:
        self.push_screen(self.screen_of_run)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.explorer.job is not None if action == "cancel_scan" else True

    async def action_cancel_scan(self) -> None:
        await self.explorer.cancel_job()


class Browser:
    """The screen and the keys, for a test to read like what it does."""

    def __init__(self, app: BrowseHost, pilot: Pilot[None]) -> None:
        self.app, self.pilot, self.screen = app, pilot, app.screen_of_run

    @property
    def table(self) -> NeuronTable:
        return self.screen.table

    @property
    def names(self) -> list[str]:
        """The neurons of the table, top to bottom."""
        return [str(self.screen.run.neuron_name(int(row))) for row in self.table.order.rows]

    @property
    def at(self) -> str:
        """The neuron under the cursor."""
        row = self.table.cursor_row
        return "" if row is None else str(self.screen.run.neuron_name(row))

    @property
    def title(self) -> str:
        """The title of the neuron table's border, as it is painted."""
        return str(self.table._border_title)

    @property
    def answer(self) -> str:
        """What the prompt says about what was typed."""
        return str(self.screen.query_one(".prompt--answer").render())

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def rest(self) -> None:
        """Wait until the other panes have followed the cursor."""
        await self.pilot.pause()
        await until(self.pilot, lambda: self.screen.panes._resting is None)
        await self.pilot.pause()

    async def ask(self, key: str, text: str) -> None:
        """Open the prompt with a key and type into it, without ending it."""
        await self.press(key)
        self.screen.query_one(Prompt).query_one(Input).value = text
        await self.pilot.pause()
        await until(self.pilot, lambda: self.screen.prompt._resting is None)
        await self.pilot.pause()

    def painted(self, selector: str) -> str:
        """The text of a widget as it stands on the screen now."""
        widget = self.screen.query_one(selector)
        lines = self.app.screen._compositor.render_strips()
        x, y, width, height = widget.region
        return "\n".join("".join(segment.text for segment in strip)[x : x + width] for strip in lines[y : y + height])

    def screen_text(self) -> str:
        return painted(self.app)


@asynccontextmanager
async def browsing(
    run: Run, size: tuple[int, int] = (160, 45), engine: EngineClient | None = None
) -> AsyncIterator[Browser]:
    """Show a run in a terminal of a size."""
    app = BrowseHost(run, engine)
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        browser = Browser(app, pilot)
        await browser.rest()
        yield browser


def finish_layer(part: Run, whole: Run, layer: int, state: str = "running") -> None:
    """Write a layer as a scan does, while the explorer looks on."""
    assert part.path is not None
    record: RunRecord = part.record
    with RunWriter(part.path, record, 5) as writer:
        rows = whole.layer_rows(layer).rows
        writer.write_layer(layer, {name: np.asarray(whole.figure(name)[rows]) for name in record.figures})
        writer.finish(state, "2026-01-02T03:04:07+00:00", {})
