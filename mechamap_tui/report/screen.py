"""A report on the screen: its tables one at a time, as heat maps or numbers, and the neurons behind their cells."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import work
from textual.binding import BindingType

from mechamap.errors import Cancelled, MechaMapError
from mechamap.runs.run import Run
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.captions import link_at
from mechamap_tui.report.judging import Judging
from mechamap_tui.report.keys import JUDGING_KEYS, REPORT_KEYS, TABLE_KEYS
from mechamap_tui.report.request import ReportRequest
from mechamap_tui.report.subject import ReportSubject
from mechamap_tui.report.tables_screen import TablesScreen
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.terminal.textual_internals import is_leaving

__all__ = ["ReportScreen"]


class ReportScreen(TablesScreen[None], inherit_bindings=False):
    """Shows a report that the engine works out: goes through its tables and cells, and asks again by other figures.

    Args:
        subject: what it is about.
        view: what was looked at last time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*TABLE_KEYS, *JUDGING_KEYS, *REPORT_KEYS]

    def __init__(self, subject: ReportSubject, view: ReportView) -> None:
        super().__init__(view)
        self.subject, self.view = subject, view
        self.judging = Judging(subject.runs, view)
        self._request = ReportRequest(self, subject, view, self._show_busy)

    @property
    def of_runs(self) -> tuple[Run, ...]:
        """The runs it is about; not called ``run``, as none of them is refreshed while its report is open."""
        return self.subject.runs

    # --- the report ------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self._title.show(self.subject.title, 0)
        self._fit()
        self.load()

    @work(group="report", exclusive=True)
    async def load(self) -> None:
        """Request the report that the view describes; if that fails, the view is reset to that of the previous one."""
        try:
            report = await self._request.send(again=self.report is not None)
        except MechaMapError as error:
            if not is_leaving(self):
                self._request.restore_view()
                self._failed(error)
        else:
            if not is_leaving(self):
                self.show_report(report)

    def _failed(self, error: MechaMapError) -> None:
        if self.report is not None:
            explorer_of(self).show_error(error)
        elif isinstance(error, Cancelled):
            self._leave()
        else:
            from mechamap_tui.dialogs.error import ErrorScreen

            self._waiting.update(Text(clean(error.message)))
            self.app.push_screen(ErrorScreen(error), lambda _: self._leave())

    def _show_busy(self, text: str) -> None:
        if self.report is not None:
            self._title.show_busy(text)
        else:
            self._waiting.update(Text(text))

    # --- tables and cells ------------------------------------------------------------------------------------

    def on_report_table_cell_opened(self) -> None:
        """Show the neurons behind the cell; warn where their run has grown since."""
        link = link_at(self.tables.table, self.tables.cells.place)
        if link is None:
            self.notify("There are no neurons behind this cell.", markup=False)
            return
        self.tables.remember()
        try:
            explorer_of(self).open_link(self.of_runs[link.run], link)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return
        if link.where and (growth := self._request.growth(link.run)):
            self.notify(growth, severity="warning", timeout=10, markup=False)

    def action_copy_cell(self) -> None:
        self._copy("The cell", self.tables.cells.cell_under_cursor)

    # --- the figure and the threshold ------------------------------------------------------------------------

    def action_figure(self, steps: int) -> None:
        """Judge by the next figure, at its own threshold."""
        figure = self.judging.figure_after(steps)
        if figure is not None:
            self.view.by, self.view.threshold = figure, None
            self.load()

    async def action_threshold(self) -> None:
        question = self.judging.threshold_question(self.load)
        if question is not None:
            await self.prompt.ask(question)

    # --- other screens ---------------------------------------------------------------------------------------

    def action_back(self) -> None:
        self.tables.remember()
        self._leave()

    def _leave(self) -> None:
        if self.app.screen is self:
            explorer_of(self).back()

    def action_about(self) -> None:
        """Show everything that qualifies the table and the report."""
        report, table = self.report, self.tables.table
        if report is not None and table is not None:
            from mechamap_tui.dialogs.text_page import TextPage
            from mechamap_tui.report.about import about_lines

            self.app.push_screen(TextPage("This report", lambda _: about_lines(report, table)))

    def action_export_report(self) -> None:
        report, table = self.report, self.tables.table
        if report is not None and table is not None:
            from mechamap_tui.dialogs.file import FileDialog
            from mechamap_tui.report.export import ReportExport

            self.app.push_screen(FileDialog(ReportExport(report, table, self.subject.title)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "numbers":
            return self.tables.table is not None and self.tables.table.heat
        if action in ("about", "export_report", "copy", "copy_cell"):
            return self.report is not None
        if action == "figure":
            return len(self.judging.figures) > 1
        if action == "threshold":
            return self.judging.figure is not None and not self.prompt.asking
        return True
