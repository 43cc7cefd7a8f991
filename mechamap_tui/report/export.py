"""The export of a report, or of one of its tables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from mechamap.exports.target import write_whole
from mechamap.tables.formats import written
from mechamap.tables.table import Report, Table
from mechamap.wording.amounts import quantity
from mechamap_tui.dialogs.file import EXCEL, Field, FileDialog, cells_field
from mechamap_tui.widgets.choice import Option

__all__ = ["ReportExport"]


THIS, ALL = "this", "all"


class ReportExport:
    """Writes what is on the screen; CSV holds one table, the others hold all.

    Args:
        report, table: what there is to write, and which of its tables is on the screen.
        name: what the file is named after.
    """

    heading = "Export the report"
    suffixes: ClassVar[Mapping[str, str]] = {"csv": ".csv", "json": ".json", "md": ".md"}

    def __init__(self, report: Report, table: Table, name: str) -> None:
        self.report, self.table = report, table
        self.format, self.scope, self.excel = "csv", THIS, False
        self._name = re.sub(r"[^\w.+-]+", "-", name).strip("-")

    def suggested(self) -> Path:
        table = "" if self.scope == ALL else f"-{self.table.key}"
        return Path.cwd() / f"{self._name}{table}{self.suffixes[self.format]}"

    def fields(self) -> list[Field]:
        tables = [
            Option(THIS, self.table.key.replace("_", " ")),
            Option(ALL, f"all {len(self.report.tables)}", self.format != "csv"),
        ]
        return [
            Field("format", "Format", [Option(name, name) for name in self.suffixes], self.format),
            Field("scope", "Tables", tables, self.scope),
            cells_field(self.format, self.excel),
        ]

    def choose(self, field: str, value: str) -> None:
        if field == "scope":
            self.scope = value
        elif field == "cells":
            self.excel = value == EXCEL
        else:
            self.format, self.excel = value, self.excel and value == "csv"
            self.scope = THIS if value == "csv" else self.scope

    def amount(self) -> str:
        if self.scope == ALL:
            return quantity(len(self.report.tables), "table")
        return quantity(len(self.table.rows), "row")

    def write(self, dialog: FileDialog, target: Path, *, overwrite: bool) -> None:
        keys = None if self.scope == ALL else [self.table.key]
        text = written(self.report, self.format, tables=keys, limit=0, excel=self.excel)
        data = text.encode("utf-8", errors="backslashreplace")  # a lone surrogate cannot be encoded otherwise
        write_whole(target, lambda stream: stream.write(data), overwrite=overwrite)
        dialog.notify(str(target), title=f"Exported {target.name}", timeout=10, markup=False)
