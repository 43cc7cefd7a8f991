"""What is around a report's tables: asking the engine for it, and making room for it on the screen."""

from __future__ import annotations

import asyncio
import time
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from mechamap.errors import Cancelled, MechaMapError
from mechamap.protocol.messages import Progress
from mechamap.tables.table import Report, Table
from mechamap.wording.amounts import duration
from mechamap_tui.explorer import LEAST_HEIGHT, LEAST_WIDTH, explorer_of
from mechamap_tui.report.table import ReportTable
from mechamap_tui.report.table_names import TableList, TableNames
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.terminal_text import ELLIPSIS, clean, fit
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.progress import ScanProgress
from mechamap_tui.widgets.prompt import Prompt

__all__ = ["ReportFrame"]


WIDE = 110  # columns from which the names of the tables stand beside the table
TICK = 0.25  # seconds
REST = 0.15  # seconds without another wish after which one is passed on
_MORE = " … (i)"


class ReportFrame(Screen[None]):
    """Shows a report that the engine works out; a subclass asks for it.

    Args:
        view: what was looked at last time.
    """

    AUTO_FOCUS = "#cells"
    DEFAULT_CSS = """
    ReportFrame {
        & > #title { height: 1; background: $panel; padding: 0 1;
                     & > #what { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
                     & > #remarks { width: auto; height: 1; margin: 0 0 0 1; color: $text-warning; }
                     & > #busy { width: auto; height: 1; margin: 0 0 0 2; color: $text-accent; } }
        & > #tables { height: 1fr; }
        #cells { width: 1fr; border: round $foreground 30%; border-title-color: $foreground 80%;
                 border-subtitle-color: $foreground 80%; background: $background; }
        #cells:focus { border: heavy $accent; border-title-color: $foreground; border-title-style: bold; }
        #told { display: none; height: auto; padding: 0 2; color: $foreground 80%; }
        #waiting { height: 1fr; content-align: center middle; color: $foreground 80%; }
    }
    """

    def __init__(self, view: ReportView) -> None:
        super().__init__()
        self.view = view
        self.report: Report | None = None
        self.first: int | None = None  # the place of the table that was asked for before there were any
        self.cells = ReportTable(id="cells")
        self.prompt = Prompt(id="prompt")
        self._asked_for: tuple[str | None, float | None] = (None, None)  # what the report on the screen is by
        self._told = False, 0, ""  # whether and in how many lines something is said beneath the table, and what
        self._since = 0.0
        self._step = ""  # what the engine says it is at
        self._ticking: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="title"):
            yield Static(id="what")
            yield Static(id="remarks")
            yield Static(id="busy")
            yield ScanProgress()
        yield TableNames(id="names")
        yield Static(id="waiting")
        with Horizontal(id="tables"):
            yield TableList(id="list")
            yield self.cells
        yield Static(id="told")
        yield KeyFooter()
        yield Static(id="too-small")

    # --- the report ------------------------------------------------------------------------------------------

    async def asked(self) -> Report:
        """The report, from the engine.

        Raises:
            MechaMapError: there can be none.
        """
        raise NotImplementedError

    @property
    def subject(self) -> str:
        """What it is about, before there is a report to say so."""
        raise NotImplementedError

    @property
    def doing(self) -> str:
        """What the engine is asked for."""
        raise NotImplementedError

    def on_mount(self) -> None:
        self._fit()
        self.load()

    @work(group="report", exclusive=True)
    async def load(self) -> None:
        """Ask for the report, as the view says; where there can be none, the view is that of the one before again."""
        self._since, self._step = time.monotonic(), ""
        self._ticking = self._ticking or self.set_interval(TICK, self._tick)
        self._tick()
        try:
            if self.report is not None:
                await asyncio.sleep(REST)
            report = await self.asked()
        except MechaMapError as error:
            if not is_leaving(self):
                self._stop()
                self._failed(error)
        else:
            if is_leaving(self):  # left meanwhile, and its parts may be gone before the screen is
                return
            self._stop()
            self._asked_for = (self.view.by, self.view.threshold)
            self.show_report(report)

    def _failed(self, error: MechaMapError) -> None:
        self.view.by, self.view.threshold = self._asked_for
        if self.report is not None:
            explorer_of(self).show_error(error)
        elif isinstance(error, Cancelled):
            self.leave()
        else:
            from mechamap_tui.dialogs.error import ErrorScreen

            self.query_one("#waiting", Static).update(Text(clean(error.message)))
            self.app.push_screen(ErrorScreen(error), lambda _: self.leave())

    def show_report(self, report: Report, table: str = "") -> None:
        """Show a report, and of it a ``table``; else the one that is looked at now, where it has that too."""
        self.remember()
        if self.first is not None and self.first < len(report.tables):
            table = report.tables[self.first].key
        self.view.table, self.first = table or self.view.table, None
        self.report = report
        self._fit()
        self._entitle_screen()
        self.show_table()

    def hear(self, progress: Progress) -> None:
        """Show what the engine says it is at, with the next tick."""
        self._step = progress.detail

    def _tick(self) -> None:
        self._entitle_screen()
        step = f" · {self._step}" if self._step else ""
        busy = f"● {self.doing}{step}  {duration(time.monotonic() - self._since, padded=True)}" if self._ticking else ""
        shown = "#busy" if self.report is not None else "#waiting"
        self.query_one(shown, Static).update(Text(busy))

    def _stop(self) -> None:
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self._tick()

    # --- what a subclass shows of it -------------------------------------------------------------------------

    @property
    def table(self) -> Table | None:
        """The one on the screen."""
        return self.report.tables[self.at] if self.report is not None and self.report.tables else None

    @property
    def at(self) -> int:
        """Its place among the report's tables."""
        tables = self.report.tables if self.report is not None else ()
        return next((at for at, table in enumerate(tables) if table.key == self.view.table), 0)

    def show_table(self) -> None:
        """Show the table that the view names."""
        raise NotImplementedError

    def entitle(self) -> None:
        """Say in the borders which cell this is, and what is behind it."""
        raise NotImplementedError

    def remember(self) -> None:
        """Keep where the cursor of the table is."""
        if self.cells.table is not None:
            self.view.places[self.cells.table.key] = self.cells.place

    def action_back(self) -> None:
        self.remember()
        self.leave()

    def leave(self) -> None:
        if self.app.screen is self:
            explorer_of(self).back()

    # --- what there is room for ------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.focused is None:  # what is hidden, in a window that is too small for it, loses the keys
            self.cells.focus()
        self.entitle()

    def _fit(self) -> None:
        width, height = self.app.size
        small, ready = width < LEAST_WIDTH or height < LEAST_HEIGHT, self.report is not None
        self.query_one("#too-small").display = small
        for part in ("#title", "KeyFooter"):
            self.query_one(part).display = not small
        self.query_one("#waiting").display = not small and not ready
        self.query_one("#tables").display = not small and ready
        self.query_one("#list").display = width >= WIDE
        self.query_one("#names").display = not small and ready and width < WIDE
        if small:
            text = f"MechaMap needs {LEAST_WIDTH}x{LEAST_HEIGHT} cells; here are {width}x{height}."
            self.query_one("#too-small", Static).update(text)
        self.tell()

    def tell(self) -> None:
        """Say beneath the table all of a cell that is cut, else how the table was worked out."""
        table, (width, height) = self.table, self.app.size
        most, room = 1 if height < 20 else 2 if height < 30 else 4, width - 4
        about = _lines(clean(table.about), room) if table is not None else []
        text_columns = table is not None and any(column.kind in ("text", "tokens") for column in table.columns[1:])
        cut = self.cells.cut_text
        lines, more = (_lines(cut, room), ELLIPSIS) if cut else (about, _MORE)
        if len(lines) > most:
            lines[most - 1] = set_cell_size(lines[most - 1], room - len(more)).rstrip() + more
        shown = bool(about or text_columns) and height >= LEAST_HEIGHT and width >= LEAST_WIDTH
        # It takes as many lines for every cell of a table, and is written only where it changes: else the table would
        # jump, or be laid out again with every key.
        told = shown, most if text_columns else min(len(about), most), "\n".join(lines[:most])
        if told != self._told:
            self._told, widget = told, self.query_one("#told", Static)
            widget.display, widget.styles.height = told[:2]
            widget.update(Text(told[2], no_wrap=True))

    def _entitle_screen(self) -> None:
        """What it is about, cut where it is long, and apart from it how much there is to know."""
        report = self.report
        title, remarks = (report.title, report.remarks) if report is not None else (self.subject, ())
        self.query_one("#what", Static).update(Content.styled("MechaMap  ", "bold") + Content(clean(title)))
        self.query_one("#remarks", Static).update(f"· {len(remarks)} to know (i)" if remarks else "")


def _lines(text: str, width: int) -> list[str]:
    """A text wrapped; a word that is longer than a line is cut into several."""
    wrapped = wrap(text, width)
    return wrapped if all(cell_len(line) <= width for line in wrapped) else [fit(line, width) for line in wrapped]
