"""The export dialog: what, in which format, and where to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from textual import on
from textual.widgets import Input

from mechamap.exports.registry import FORMATS, format_of
from mechamap.protocol.requests import ExportParams
from mechamap.runs.run import Run
from mechamap_tui.dialogs.file import FileDialog
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.choice import Choice, Option

__all__ = ["ExportChoices", "ExportScreen", "default_path", "row_count", "with_format"]


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What was chosen last, remembered for the session; ``folder`` None: where the program was started."""

    format: str = "csv"
    wide: bool = False
    scope: str = "all"
    folder: Path | None = None


class ExportScreen(FileDialog):
    """Writes an export through the engine.

    Args:
        run: what to export from.
        scopes: row numbers by scope (all, filtered, marked), each in the order to write them.
        category: the current one, for the file's name.
        choices: what was chosen last.
    """

    def __init__(
        self, run: Run, scopes: Mapping[str, NDArray[np.int64]], category: str, choices: ExportChoices
    ) -> None:
        super().__init__()
        self.run = run
        self.scopes = scopes
        self.category = category
        scope = choices.scope if len(scopes.get(choices.scope, ())) else "all"
        self.choices = replace(choices, scope=scope)
        self._counted: dict[tuple[str, bool], int] = {}

    def heading(self) -> str:
        return f"Export {self.run.name}"

    def suggested(self) -> str:
        return str(default_path(self.run, self._told_category(), self.choices))

    def fields(self) -> list[tuple[str, Choice]]:
        chosen = self.choices
        scopes = [Option(name, f"{name} ({len(rows):,})", bool(len(rows))) for name, rows in self.scopes.items()]
        layouts = [Option("long", "the original's"), Option("wide", "every figure")]
        return [
            ("Format", Choice([Option(name, name) for name in FORMATS], chosen.format, id="format")),
            ("Columns", Choice(layouts, "wide" if chosen.wide else "long", id="columns")),
            ("Neurons", Choice(scopes, chosen.scope, id="scope")),
        ]

    def amount(self) -> str:
        chosen = self.choices
        rows = self.scopes[chosen.scope]
        if (chosen.scope, chosen.wide) not in self._counted:
            self._counted[chosen.scope, chosen.wide] = row_count(self.run, rows, chosen.wide)
        return f"{len(rows):,} neurons, {self._counted[chosen.scope, chosen.wide]:,} rows"

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        match event.choice.id:
            case "format":
                self._choose(replace(self.choices, format=event.value))
                self.path.value = with_format(self.path.value, event.value)
            case "columns":
                self._choose(replace(self.choices, wide=event.value == "wide"))
            case "scope":
                self._rename(replace(self.choices, scope=event.value))

    def _choose(self, choices: ExportChoices) -> None:
        self.choices = choices
        self.show()

    def _rename(self, choices: ExportChoices) -> None:
        """Change the scope; a generated file name follows it, one that the user typed stays."""
        ours = self.path.value == self.suggested()
        self.choices = choices
        if ours:
            self.path.value = self.suggested()
        self.show()

    def _told_category(self) -> str:
        return "all" if self.choices.scope == "all" else self.category or "all"

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        named = format_of(event.value)
        if named is not None and named != self.choices.format:
            self.choices = replace(self.choices, format=named)
            self.query_one("#format", Choice).value = named
        self.show()

    def write(self, target: Path, *, overwrite: bool) -> None:
        chosen = self.choices
        rows = None if chosen.scope == "all" else tuple(self.scopes[chosen.scope].tolist())
        assert self.run.path is not None
        order = ExportParams(
            self.run.path, target, chosen.format, wide=chosen.wide, scope=chosen.scope, rows=rows, overwrite=overwrite
        )
        explorer = explorer_of(self)
        self.dismiss(None)
        explorer.export(order)


def default_path(run: Run, category: str, choices: ExportChoices) -> Path:
    """The default file of an export: ``<run>-<category or all>`` with the format's suffix."""
    name = re.sub(r"[^\w.+-]+", "-", f"{run.name.removesuffix('.csv')}-{category}")
    return (choices.folder or Path.cwd()) / f"{name}{FORMATS[choices.format].suffix}"


def with_format(path: str, format: str) -> str:
    """A file's name with the suffix of a format, in place of another format's."""
    stem = path[: -len(Path(path).suffix)] if format_of(path) is not None else path
    return stem + FORMATS[format].suffix if path else ""


def row_count(run: Run, rows: NDArray[np.int64], wide: bool) -> int:
    """How many rows an export of these neurons has: one each, or one per neuron and category."""
    if wide:
        return len(rows)
    from mechamap.exports.table import ExportTable

    return ExportTable(run, rows, run.threshold, "").long_rows
