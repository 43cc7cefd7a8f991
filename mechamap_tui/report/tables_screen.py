"""A screen of a report's tables: going through them, and what of it a window has room for."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.screen import Screen, ScreenResultType
from textual.widgets import Static

from mechamap.tables.table import Report
from mechamap_tui.report.tables import ReportTables
from mechamap_tui.report.title import ReportTitle
from mechamap_tui.report.view import ReportView
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.prompt import Prompt
from mechamap_tui.widgets.too_small import TooSmall

__all__ = ["TablesScreen"]


class TablesScreen(Screen[ScreenResultType], inherit_bindings=False):
    """Shows the tables of a report one at a time, until there is one a line that says what is waited for.

    Args:
        view: what was looked at last time.
        waiting: that line.
    """

    AUTO_FOCUS = "#cells"
    DEFAULT_CSS = """
    TablesScreen > #waiting { height: 1fr; content-align: center middle; color: $foreground 80%; }
    """

    def __init__(self, view: ReportView, waiting: str = "") -> None:
        super().__init__()
        self.tables = ReportTables(view)
        self.prompt = Prompt(self, self.tables.cells.focus)
        self._title, self._waiting = ReportTitle(), Static(waiting, id="waiting")

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._waiting
        yield self.tables
        yield KeyFooter()
        yield TooSmall()

    @property
    def report(self) -> Report | None:
        """The report on the screen."""
        return self.tables.report

    def show_report(self, report: Report, table: str = "") -> None:
        """Show a report and one of its tables: ``table``, else the current one where the report has it."""
        self.tables.show(report, table)
        self._title.show(report.title, len(report.remarks))
        self._fit()

    def action_table(self, index: int) -> None:
        self.tables.go_to(index)

    def action_step(self, steps: int) -> None:
        self.tables.step(steps)

    def action_numbers(self) -> None:
        self.tables.switch_numbers()

    def action_copy(self) -> None:
        self._copy("The row", self.tables.cells.row_under_cursor)

    def _copy(self, subject: str, text: str) -> None:
        if self.tables.cells.order:
            self.notify(f"{subject} is copied {copy_text(self.app, text)}.", markup=False)

    # --- layout ----------------------------------------------------------------------------------------------

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self._keep_keys)

    def _keep_keys(self) -> None:
        if self.focused is None:  # hidden widgets, in a window too small for them, lose the focus
            self.tables.cells.focus()

    def _fit(self) -> None:
        small, ready = self.query_one(TooSmall).fit(), self.report is not None
        self._title.display = self.query_one(KeyFooter).display = not small
        self._waiting.display = not small and not ready
        self.tables.display = not small and ready
        self.tables.fit()
