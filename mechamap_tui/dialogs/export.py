"""The export of neurons: which of them, in which format, and where to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from mechamap.exports.registry import FORMATS
from mechamap.protocol.requests import ExportParams
from mechamap.runs.run import Run
from mechamap_tui.dialogs.file import EXCEL, Field, FileDialog, cells_field
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.choice import Option

__all__ = ["ExportChoices", "NeuronExport", "default_path", "row_count"]


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What was chosen last, remembered for the session; ``folder`` None: where the program was started."""

    format: str = "csv"
    wide: bool = False
    scope: str = "all"
    excel: bool = False
    folder: Path | None = None


class NeuronExport:
    """Has the engine write an export.

    Args:
        run: what to export from.
        scopes: row numbers by scope (all, filtered, marked), each in the order to write them.
        category: the current one, for the file's name.
        choices: what was chosen last.
    """

    suffixes: ClassVar[Mapping[str, str]] = {name: form.suffix for name, form in FORMATS.items()}

    def __init__(
        self, run: Run, scopes: Mapping[str, NDArray[np.int64]], category: str, choices: ExportChoices
    ) -> None:
        self.run, self.scopes, self.category = run, scopes, category
        self.heading = f"Export {run.name}"
        scope = choices.scope if len(scopes.get(choices.scope, ())) else "all"
        self.choices = replace(choices, scope=scope)
        self._counted: dict[tuple[str, bool], int] = {}

    def suggested(self) -> Path:
        category = "all" if self.choices.scope == "all" else self.category or "all"
        return default_path(self.run, category, self.choices)

    def fields(self) -> list[Field]:
        chosen = self.choices
        scopes = [Option(name, f"{name} ({len(rows):,})", bool(len(rows))) for name, rows in self.scopes.items()]
        layouts = [Option("long", "the original's"), Option("wide", "every figure")]
        return [
            Field("format", "Format", [Option(name, name) for name in FORMATS], chosen.format),
            Field("columns", "Columns", layouts, "wide" if chosen.wide else "long"),
            Field("scope", "Neurons", scopes, chosen.scope),
            cells_field(chosen.format, chosen.excel),
        ]

    def choose(self, field: str, value: str) -> None:
        match field:
            case "format":
                self.choices = replace(self.choices, format=value, excel=self.choices.excel and value == "csv")
            case "columns":
                self.choices = replace(self.choices, wide=value == "wide")
            case "scope":
                self.choices = replace(self.choices, scope=value)
            case "cells":
                self.choices = replace(self.choices, excel=value == EXCEL)

    def amount(self) -> str:
        chosen = self.choices
        rows = self.scopes[chosen.scope]
        if (chosen.scope, chosen.wide) not in self._counted:
            self._counted[chosen.scope, chosen.wide] = row_count(self.run, rows, chosen.wide)
        return f"{len(rows):,} neurons, {self._counted[chosen.scope, chosen.wide]:,} rows"

    def write(self, dialog: FileDialog, target: Path, *, overwrite: bool) -> None:
        chosen = self.choices
        rows = None if chosen.scope == "all" else tuple(self.scopes[chosen.scope].tolist())
        assert self.run.path is not None
        order = ExportParams(
            self.run.path,
            target,
            chosen.format,
            wide=chosen.wide,
            scope=chosen.scope,
            rows=rows,
            overwrite=overwrite,
            excel=chosen.excel,
        )
        explorer_of(dialog).export(order)


def default_path(run: Run, category: str, choices: ExportChoices) -> Path:
    """The default file of an export: ``<run>-<category or all>`` with the format's suffix."""
    name = re.sub(r"[^\w.+-]+", "-", f"{run.name.removesuffix('.csv')}-{category}")
    return (choices.folder or Path.cwd()) / f"{name}{FORMATS[choices.format].suffix}"


def row_count(run: Run, rows: NDArray[np.int64], wide: bool) -> int:
    """How many rows an export of these neurons has: one each, or one per neuron and category."""
    if wide:
        return len(rows)
    from mechamap.exports.table import ExportTable

    return ExportTable(run, rows, run.threshold, "").long_rows
