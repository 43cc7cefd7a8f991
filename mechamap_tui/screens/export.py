"""The export dialog: what, in which format, and where to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import numpy as np
from numpy.typing import NDArray
from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from mechamap.errors import MechaMapError
from mechamap.export import FORMATS, check_target, format_of
from mechamap.run import Run
from mechamap_tui.engine_values import ExportOrder
from mechamap_tui.terminal_text import clean
from mechamap_tui.widgets.choice import Choice, Option

if TYPE_CHECKING:
    from mechamap_tui.app import MechaMapApp

__all__ = ["ExportChoices", "ExportScreen", "default_path", "row_count", "with_format"]


@dataclass(frozen=True, slots=True)
class ExportChoices:
    """What was chosen last, remembered for the session; ``folder`` None: where the program was started."""

    format: str = "csv"
    wide: bool = False
    scope: str = "all"
    folder: Path | None = None


class ExportScreen(ModalScreen[None]):
    """Writes an export through the engine.

    Args:
        run: what to export from.
        scopes: row numbers by scope (all, filtered, marked), each in the order to write them.
        category: the current one, for the file's name.
        choices: what was chosen last.
    """

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "close"),
        Binding("q", "close", "close", show=False),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("enter", "write", "write", show=False),
        Binding("f1", "app.help_here", "help"),
    ]

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

    def compose(self) -> ComposeResult:
        chosen = self.choices
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Export {clean(self.run.name)}"
            dialog.border_subtitle = "enter writes · esc or ctrl+g closes"
            with Horizontal(classes="field"):
                yield Label("File")
                path = default_path(self.run, self._told_category(), chosen)
                yield Input(str(path), id="path", compact=True, select_on_focus=False)
            for label, choice in self._fields():
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield choice
            yield Static(id="summary", classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Write", id="write", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    def _fields(self) -> list[tuple[str, Choice]]:
        chosen = self.choices
        scopes = [Option(name, f"{name} ({len(rows):,})", bool(len(rows))) for name, rows in self.scopes.items()]
        layouts = [Option("long", "the original's"), Option("wide", "every figure")]
        return [
            ("Format", Choice([Option(name, name) for name in FORMATS], chosen.format, id="format")),
            ("Columns", Choice(layouts, "wide" if chosen.wide else "long", id="columns")),
            ("Neurons", Choice(scopes, chosen.scope, id="scope")),
        ]

    def on_mount(self) -> None:
        self.call_after_refresh(self._show_end_of_path)
        self.show()

    def _show_end_of_path(self) -> None:
        """The file's name is what one wants to see of a long path; a field scrolls only when its cursor moves."""
        path = self.query_one("#path", Input)
        path.cursor_position = 0
        path.cursor_position = len(path.value)

    def show(self) -> None:
        """Say what will be written where, or what keeps it from being written."""
        chosen, summary = self.choices, self.query_one("#summary", Static)
        rows = self.scopes[chosen.scope]
        if (chosen.scope, chosen.wide) not in self._counted:
            self._counted[chosen.scope, chosen.wide] = row_count(self.run, rows, chosen.wide)
        count = self._counted[chosen.scope, chosen.wide]
        try:
            target = check_target(self.query_one("#path", Input).value, overwrite=True)
        except MechaMapError as error:
            summary.set_class(True, "-wrong")
            summary.update(Text(clean(f"{error.message} {error.hint}")))
            return
        summary.set_class(False, "-wrong")
        there = " (there already)" if target.exists() else ""
        summary.update(Text(f"{len(rows):,} neurons, {count:,} rows, into{there}\n{clean(str(target))}"))

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        match event.choice.id:
            case "format":
                self._choose(replace(self.choices, format=event.value))
                path = self.query_one("#path", Input)
                path.value = with_format(path.value, event.value)
            case "columns":
                self._choose(replace(self.choices, wide=event.value == "wide"))
            case "scope":
                self._rename(replace(self.choices, scope=event.value))

    def _choose(self, choices: ExportChoices) -> None:
        self.choices = choices
        self.show()

    def _rename(self, choices: ExportChoices) -> None:
        """Take another scope; a file name that we made follows it, one that the user wrote stays."""
        path = self.query_one("#path", Input)
        ours = path.value == str(default_path(self.run, self._told_category(), self.choices))
        self.choices = choices
        if ours:
            path.value = str(default_path(self.run, self._told_category(), choices))
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

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_write()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "write":
            self.action_write()
        else:
            self.action_close()

    def action_write(self) -> None:
        """Write the file; asks first where there is one already."""
        app = cast("MechaMapApp", self.app)
        try:
            target = check_target(self.query_one("#path", Input).value, overwrite=True)
        except MechaMapError as error:
            app.show_error(error)
            return
        if not target.exists():
            self._write(target, overwrite=False)
            return
        from mechamap_tui.screens.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self._write(target, overwrite=True)

        question = f"There is a file {clean(str(target))} already."
        app.push_screen(ConfirmScreen("Overwrite?", question, yes="Overwrite", no="Keep it"), answered)

    def _write(self, target: Path, *, overwrite: bool) -> None:
        chosen = replace(self.choices, folder=target.parent)
        rows = None if chosen.scope == "all" else tuple(self.scopes[chosen.scope].tolist())
        assert self.run.path is not None
        order = ExportOrder(
            self.run.path, target, chosen.format, wide=chosen.wide, scope=chosen.scope, rows=rows, overwrite=overwrite
        )
        app = cast("MechaMapApp", self.app)
        app.export_choices = chosen
        self.dismiss(None)
        app.export(order)

    def action_close(self) -> None:
        self.dismiss(None)


def default_path(run: Run, category: str, choices: ExportChoices) -> Path:
    """Where an export goes unless said otherwise: ``<run>-<category or all>`` with the format's suffix."""
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

    return ExportTable(run, rows, float(run.record.config.get("threshold", 0.2)), "").long_rows
