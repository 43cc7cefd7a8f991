"""The dialog that writes a report, or one of its tables, to a file."""

from __future__ import annotations

import re
from pathlib import Path

from textual import on
from textual.widgets import Input

from mechamap.errors import MechaMapError
from mechamap.exports.target import write_whole
from mechamap.tables.formats import format_of, written
from mechamap.tables.table import Report, Table
from mechamap.wording.amounts import quantity
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.choice import Choice, Option

__all__ = ["ReportExport"]


SUFFIXES = {"csv": ".csv", "json": ".json", "md": ".md"}
THIS, ALL = "this", "all"


class ReportExport(FileDialog):
    """Writes what is on the screen; CSV holds one table, the others hold all.

    Args:
        report, table: what there is to write, and which of its tables is on the screen.
        name: what the file is named after.
    """

    def __init__(self, report: Report, table: Table, name: str) -> None:
        super().__init__()
        self.report, self.table = report, table
        self.format, self.scope = "csv", THIS
        self._name = re.sub(r"[^\w.+-]+", "-", name).strip("-")

    def heading(self) -> str:
        return "Export the report"

    def suggested(self) -> str:
        table = "" if self.scope == ALL else f"-{self.table.key}"
        return str(Path.cwd() / f"{self._name}{table}{SUFFIXES[self.format]}")

    def fields(self) -> list[tuple[str, Choice]]:
        return [
            ("Format", Choice([Option(name, name) for name in SUFFIXES], self.format, id="format")),
            ("Tables", Choice(self._scopes(), self.scope, id="scope")),
        ]

    def amount(self) -> str:
        if self.scope == ALL:
            return quantity(len(self.report.tables), "table")
        return quantity(len(self.table.rows), "row")

    def _scopes(self) -> list[Option]:
        return [
            Option(THIS, self.table.key.replace("_", " ")),
            Option(ALL, f"all {len(self.report.tables)}", self.format != "csv"),
        ]

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        path = self.path
        ours = path.value == self.suggested()
        if event.choice.id == "scope":
            self.scope = event.value
        else:
            self.format = event.value
            self.scope = THIS if self.format == "csv" else self.scope
            scope = self.query_one("#scope", Choice)
            scope.options = tuple(self._scopes())
            scope.value = self.scope
            scope.refresh()
        if ours:
            path.value = self.suggested()
            self.show_end_of_path()
        elif event.choice.id == "format" and format_of(path.value) is not None:
            path.value = str(Path(path.value).with_suffix(SUFFIXES[self.format]))
        self.show()

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        named = format_of(event.value)
        if named in SUFFIXES and named != self.format:
            self.query_one("#format", Choice).value = named
        self.show()

    def write(self, target: Path, *, overwrite: bool) -> None:
        keys = None if self.scope == ALL else [self.table.key]
        try:
            text = written(self.report, self.format, tables=keys, limit=0)
            data = text.encode("utf-8", errors="backslashreplace")  # a lone surrogate cannot be encoded otherwise
            write_whole(target, lambda stream: stream.write(data), overwrite=overwrite)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return
        self.dismiss(None)
        self.app.notify(str(target), title=f"Exported {target.name}", timeout=10, markup=False)
