"""Everything that qualifies a report's numbers, on a page of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from mechamap.tables.table import Report, Table
from mechamap_tui.data.advice_text import report_text
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.line_view import LineView

__all__ = ["ReportAbout"]


INDENT = 2


class ReportAbout(ModalScreen[None]):
    """The report's remarks and what each table means; the one on the screen first."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,i,enter", "close", "close")]

    DEFAULT_CSS = """
    ReportAbout { align: center middle; }
    ReportAbout > LineView { width: 90%; max-width: 100; height: 80%; border: round $accent; padding: 0 1;
                             background: $surface; }
    """

    def __init__(self, report: Report, table: Table) -> None:
        super().__init__()
        self.report, self.table = report, table

    def compose(self) -> ComposeResult:
        view = _AboutView(self.report, self.table)
        view.border_title = "This report"
        view.border_subtitle = "q closes"
        yield view

    def action_close(self) -> None:
        self.dismiss()


class _AboutView(LineView):
    def __init__(self, report: Report, table: Table) -> None:
        super().__init__()
        self.report, self.table = report, table
        self._lines: list[Text] = []

    def measure(self, width: int) -> int:
        self._lines = []
        for kind, line in self._said():
            style = self.look("title") if kind == "title" else ""
            indent = 0 if kind == "title" else INDENT
            for piece in Text(clean(line), style).wrap(self.app.console, max(width - indent, 1)):
                self._lines.append(Text(" " * indent).append_text(piece))
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        return self._lines[index]

    def _said(self) -> Iterator[tuple[str, str]]:
        yield "title", self.report.title
        for remark in self.report.remarks:
            yield "text", report_text(remark)
        others = (table for table in self.report.tables if table.key != self.table.key)
        for table in (self.table, *others):
            if table.about:
                yield "title", table.title
                yield "text", report_text(table.about)
