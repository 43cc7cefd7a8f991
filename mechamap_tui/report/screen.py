"""A report on the screen: its tables one at a time, as heat maps or numbers, and the neurons behind their cells."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widgets import Static

from mechamap.errors import Cancelled, MechaMapError
from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.tables.table import Report, Table
from mechamap.wording.amounts import duration, quantity
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.captions import TableNote, border_subtitle, border_title, link_at
from mechamap_tui.report.cell_text import cell_text, row_text
from mechamap_tui.report.judging import Judging, typed_threshold
from mechamap_tui.report.subject import ReportSubject
from mechamap_tui.report.table import ReportTable
from mechamap_tui.report.table_names import TableNames
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.glyphs import JOINT, MARK
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.progress import ScanProgress
from mechamap_tui.widgets.prompt import Prompt, Question
from mechamap_tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress

__all__ = ["JUDGING_KEYS", "REPORT_KEYS", "TABLE_KEYS", "ReportScreen"]


TABLE_KEYS: tuple[BindingType, ...] = (
    Binding("right_square_bracket,tab", "step(1)", "next table", key_display="]"),
    Binding("left_square_bracket,shift+tab", "step(-1)", "previous table", key_display="[", show=False),
    *(Binding(str(n % 10), f"table({n - 1})", "table by its number", show=False) for n in range(1, 11)),
    Binding("v", "numbers", "map/numbers"),
)
JUDGING_KEYS: tuple[BindingType, ...] = (
    Binding("f", "figure(1)", "figure"),
    Binding("F", "figure(-1)", "previous figure", show=False),
    Binding("t,slash", "threshold", "threshold", key_display="t"),
)
REPORT_KEYS: tuple[BindingType, ...] = (
    Binding("i", "about", "about"),
    Binding("e", "export_report", "export"),
    Binding("y", "copy", "copy"),
    Binding("Y", "copy_cell", "copy the cell", show=False),
    Binding("q,escape", "back", "back"),
)


WIDE = 110  # columns from which the names of the tables stand beside the table
TICK = 0.25  # seconds
REST = 0.15  # seconds without another change after which a request is sent


class ReportScreen(Screen[None], inherit_bindings=False):
    """Shows a report that the engine works out: goes through its tables and cells, and asks again by other figures.

    Args:
        subject: what it is about.
        view: what was looked at last time.
    """

    AUTO_FOCUS = "#cells"
    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_KEYS, *JUDGING_KEYS, *REPORT_KEYS]
    DEFAULT_CSS = """
    ReportScreen {
        & > #title { height: 1; background: $panel; padding: 0 1;
                     & > #what { width: 1fr; height: 1; text-wrap: nowrap; text-overflow: ellipsis; }
                     & > #remarks { width: auto; height: 1; margin: 0 0 0 1; color: $text-warning; }
                     & > #busy { width: auto; height: 1; margin: 0 0 0 2; color: $text-accent; } }
        & > #tables { height: 1fr; }
        #cells { width: 1fr; border: round $foreground 30%; border-title-color: $foreground 80%;
                 border-subtitle-color: $foreground 80%; background: $background; }
        #cells:focus { border: heavy $accent; border-title-color: $foreground; border-title-style: bold; }
        #waiting { height: 1fr; content-align: center middle; color: $foreground 80%; }
    }
    """

    def __init__(self, subject: ReportSubject, view: ReportView) -> None:
        super().__init__()
        self.subject, self.view = subject, view
        self.judging = Judging(subject.runs, view)
        self.report: Report | None = None
        self.first: int | None = None  # the table requested before there were any
        self.cells = ReportTable()
        self.prompt = Prompt(self, self.cells.focus)
        self._note = TableNote()
        self._names, self._list = TableNames(id="names"), TableNames(id="list", classes="-list")
        self._layers = self._layers_now()  # that each run had when the report was requested
        self._asked_for: tuple[str | None, float | None] = (None, None)  # what the report on the screen is by
        self._since = 0.0
        self._step = ""  # what the engine says it is doing
        self._ticking: Timer | None = None

    def compose(self) -> ComposeResult:
        with Horizontal(id="title"):
            yield Static(id="what")
            yield Static(id="remarks")
            yield Static(id="busy")
            yield ScanProgress()
        yield self._names
        yield Static(id="waiting")
        with Horizontal(id="tables"):
            yield self._list
            yield self.cells
        yield self._note
        yield KeyFooter()
        yield TooSmall()

    @property
    def of_runs(self) -> tuple[Run, ...]:
        """The runs it is about; not called ``run``, as none of them is refreshed while its report is open."""
        return self.subject.runs

    # --- asking for the report -------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._fit()
        self.load()

    @work(group="report", exclusive=True)
    async def load(self) -> None:
        """Request the report that the view describes; if that fails, the view is reset to that of the previous one."""
        self._since, self._step = time.monotonic(), ""
        self._ticking = self._ticking or self.set_interval(TICK, self._tick)
        self._tick()
        try:
            if self.report is not None:
                await asyncio.sleep(REST)
            self._layers = self._layers_now()
            report = await self.subject.ask(explorer_of(self).engine, self.view, self._hear)
        except MechaMapError as error:
            if not is_leaving(self):
                self._stop()
                self._failed(error)
        else:
            if is_leaving(self):  # closed meanwhile: its parts may be gone before the screen is
                return
            self._stop()
            self._asked_for = (self.view.by, self.view.threshold)
            self.show_report(report)

    def _failed(self, error: MechaMapError) -> None:
        self.view.by, self.view.threshold = self._asked_for
        if self.report is not None:
            explorer_of(self).show_error(error)
        elif isinstance(error, Cancelled):
            self._leave()
        else:
            from mechamap_tui.dialogs.error import ErrorScreen

            self.query_one("#waiting", Static).update(Text(clean(error.message)))
            self.app.push_screen(ErrorScreen(error), lambda _: self._leave())

    def _layers_now(self) -> tuple[int, ...]:
        return tuple(len(run.complete_layers) for run in self.of_runs)

    def _hear(self, progress: Progress) -> None:
        """Show what the engine says it is doing, with the next tick."""
        self._step = progress.detail

    def _tick(self) -> None:
        self._entitle_screen()
        busy = ""
        if self._ticking is not None:
            activity = self.subject.activity(self.view.by, again=self.report is not None)
            step = JOINT + self._step if self._step else ""
            busy = f"{MARK} {activity}{step}  {duration(time.monotonic() - self._since, padded=True)}"
        self.query_one("#busy" if self.report is not None else "#waiting", Static).update(Text(busy))

    def _stop(self) -> None:
        if self._ticking is not None:
            self._ticking.stop()
            self._ticking = None
        self._tick()

    # --- its tables ------------------------------------------------------------------------------------------

    def show_report(self, report: Report, table: str = "") -> None:
        """Show a report and one of its tables: ``table``, else the current one where the report has it."""
        self.remember()
        if self.first is not None and self.first < len(report.tables):
            table = report.tables[self.first].key
        self.view.table, self.first = table or self.view.table, None
        self.report = report
        self._fit()
        self._entitle_screen()
        self.show_table()

    @property
    def table(self) -> Table | None:
        """The table on the screen."""
        return self.report.tables[self.table_index] if self.report is not None and self.report.tables else None

    @property
    def table_index(self) -> int:
        """The position of the table on the screen among the report's tables."""
        tables = self.report.tables if self.report is not None else ()
        return next((index for index, table in enumerate(tables) if table.key == self.view.table), 0)

    def show_table(self) -> None:
        """Show the table that the view names."""
        report, table = self.report, self.table
        if report is None or table is None:
            return
        for names in (self._names, self._list):
            names.show(report.tables, self.table_index)
        self.cells.show(table, self.view.place(table), heat=not self.view.numbers)
        self._note.show(table, self.cells.cut_text)
        self.refresh_bindings()

    def remember(self) -> None:
        """Remember where the cursor of the table is."""
        if self.cells.table is not None:
            self.view.places[self.cells.table.key] = self.cells.place

    def action_table(self, index: int) -> None:
        if self.report is None:
            self.first = index  # once it has come
        elif index < len(self.report.tables):
            self.remember()
            self.view.table = self.report.tables[index].key
            self.show_table()

    def action_step(self, steps: int) -> None:
        if self.report is not None and self.report.tables:
            self.action_table((self.table_index + steps) % len(self.report.tables))

    def action_numbers(self) -> None:
        """Switch between the heat map and its numbers."""
        self.remember()
        self.view.numbers = not self.view.numbers
        self.show_table()

    # --- the cell under the cursor ---------------------------------------------------------------------------

    def on_report_table_cell_highlighted(self) -> None:
        self._entitle_table()
        self._note.show(self.table, self.cells.cut_text)

    def on_report_table_cell_opened(self) -> None:
        link = link_at(self.table, self.cells.place)
        if link is None:
            self.notify("There are no neurons behind this cell.", markup=False)
            return
        self.remember()
        try:
            self._open(link)
        except MechaMapError as error:
            explorer_of(self).show_error(error)

    def _open(self, link: Link) -> None:
        """Show the neurons behind a cell; warn where their run has grown since."""
        run, reported = self.of_runs[link.run], self._layers[link.run]
        explorer_of(self).open_link(run, link)
        complete = len(run.complete_layers)
        if link.where and complete > reported:
            self.notify(
                f"{run.name} had {quantity(reported, 'layer')} when the report was requested and has {complete} "
                "now: there may be more neurons here than the report counts. In the report, t and enter count again.",
                severity="warning",
                timeout=10,
                markup=False,
            )

    def action_copy(self) -> None:
        """Copy the row under the cursor."""
        table = self.table
        if table is not None and table.rows:
            self._copy(row_text(table.rows[self.cells.place.row], table.columns), "The row")

    def action_copy_cell(self) -> None:
        table, place = self.table, self.cells.place
        if table is not None and table.rows:
            self._copy(cell_text(table.rows[place.row][place.column], table.columns[place.column].kind), "The cell")

    def _copy(self, text: str, subject: str) -> None:
        self.notify(f"{subject} is copied {copy_text(self.app, text)}.", markup=False)

    # --- the figure and the threshold ------------------------------------------------------------------------

    def action_figure(self, steps: int) -> None:
        """Judge by the next figure, at its own threshold."""
        figure = self.judging.figure_after(steps)
        if figure is not None:
            self._ask_again(figure, None)

    async def action_threshold(self) -> None:
        """Ask for the threshold from which neurons count."""
        figure, threshold = self.judging.figure, self.view.threshold
        if figure is not None:
            text, usual = "" if threshold is None else f"{threshold:g}", f"{figure.threshold(self.of_runs[0]):g}"
            placeholder, meaning = f"{usual} if left empty", self.judging.meaning
            await self.prompt.ask(Question(f"{figure.label} from", text, placeholder, meaning, self._count_from))

    def _count_from(self, text: str) -> None:
        self._ask_again(self.view.by, typed_threshold(text))

    def _ask_again(self, by: str | None, threshold: float | None) -> None:
        self.view.by, self.view.threshold = by, threshold
        self.load()

    # --- other screens ---------------------------------------------------------------------------------------

    def action_back(self) -> None:
        self.remember()
        self._leave()

    def _leave(self) -> None:
        if self.app.screen is self:
            explorer_of(self).back()

    def action_about(self) -> None:
        """Show everything that qualifies the table and the report."""
        report, table = self.report, self.table
        if report is not None and table is not None:
            from mechamap_tui.dialogs.text_page import TextPage
            from mechamap_tui.report.about import about_lines

            self.app.push_screen(TextPage("This report", lambda _: about_lines(report, table)))

    def action_export_report(self) -> None:
        if self.report is not None and self.table is not None:
            from mechamap_tui.dialogs.file import FileDialog
            from mechamap_tui.report.export import ReportExport

            self.app.push_screen(FileDialog(ReportExport(self.report, self.table, self.subject.title)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "numbers":
            return self.table is not None and self.table.heat
        if action in ("about", "export_report", "copy", "copy_cell"):
            return self.report is not None
        if action == "figure":
            return len(self.judging.figures) > 1
        if action == "threshold":
            return self.judging.figure is not None and not self.prompt.asking
        return True

    # --- layout ----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self._settle)

    def _settle(self) -> None:
        if self.focused is None:  # hidden widgets, in a window too small for them, lose the focus
            self.cells.focus()
        self._entitle_table()

    def _fit(self) -> None:
        width = self.app.size.width
        small, ready = self.query_one(TooSmall).fit(), self.report is not None
        for part in ("#title", "KeyFooter"):
            self.query_one(part).display = not small
        self.query_one("#waiting").display = not small and not ready
        self.query_one("#tables").display = not small and ready
        self._list.display = width >= WIDE
        self._names.display = not small and ready and width < WIDE
        self._note.show(self.table, self.cells.cut_text)

    def _entitle_screen(self) -> None:
        """Show what the report is about, cut where it is long, and beside it the number of remarks."""
        report = self.report
        title, remarks = (report.title, report.remarks) if report is not None else (self.subject.title, ())
        self.query_one("#what", Static).update(Content.styled("MechaMap  ", "bold") + Content(clean(title)))
        self.query_one("#remarks", Static).update(f"· {quantity(len(remarks), 'remark')} (i)" if remarks else "")

    def _entitle_table(self) -> None:
        """Show in the borders which cell this is, and what is behind it."""
        report, table, cells = self.report, self.table, self.cells
        if report is not None and table is not None:
            width = cells.outer_size.width or self.app.size.width
            cells.border_title = border_title(table, cells.place, width)
            cells.border_subtitle = border_subtitle(report, table, cells.place, width)
