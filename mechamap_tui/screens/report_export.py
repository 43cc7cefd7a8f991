"""The dialog that writes a report, or one of its tables, to a file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from mechamap.errors import MechaMapError
from mechamap.export import check_target, write_whole
from mechamap.tables.formats import format_of, written
from mechamap.tables.table import Report, Table
from mechamap_tui.terminal_text import clean
from mechamap_tui.widgets.choice import Choice, Option

if TYPE_CHECKING:
    from mechamap_tui.app import MechaMapApp

__all__ = ["ReportExport"]

SUFFIXES = {"csv": ".csv", "json": ".json", "md": ".md"}
THIS, ALL = "this", "all"


class ReportExport(ModalScreen[None]):
    """Writes what is on the screen; CSV holds one table, the others hold all.

    Args:
        report, table: what there is to write, and which of its tables is on the screen.
        name: what the file is named after.
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

    def __init__(self, report: Report, table: Table, name: str) -> None:
        super().__init__()
        self.report, self.table = report, table
        self.format, self.scope = "csv", THIS
        self._name = re.sub(r"[^\w.+-]+", "-", name).strip("-")

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Export the report"
            dialog.border_subtitle = "enter writes · esc or ctrl+g closes"
            with Horizontal(classes="field"):
                yield Label("File")
                yield Input(self._default_path(), id="path", compact=True, select_on_focus=False)
            with Horizontal(classes="field"):
                yield Label("Format")
                yield Choice([Option(name, name) for name in SUFFIXES], self.format, id="format")
            with Horizontal(classes="field"):
                yield Label("Tables")
                yield Choice(self._scopes(), self.scope, id="scope")
            yield Static(id="summary", classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Write", id="write", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

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
        summary = self.query_one("#summary", Static)
        try:
            target = check_target(self.query_one("#path", Input).value, overwrite=True)
        except MechaMapError as error:
            summary.set_class(True, "-wrong")
            summary.update(Text(clean(f"{error.message} {error.hint}")))
            return
        summary.set_class(False, "-wrong")
        what = f"{len(self.report.tables)} tables" if self.scope == ALL else f"{len(self.table.rows):,} rows"
        there = " (there already)" if target.exists() else ""
        summary.update(Text(f"{what}, into{there}\n{clean(str(target))}"))

    def _scopes(self) -> list[Option]:
        return [
            Option(THIS, self.table.key.replace("_", " ")),
            Option(ALL, f"all {len(self.report.tables)}", self.format != "csv"),
        ]

    def _default_path(self) -> str:
        table = "" if self.scope == ALL else f"-{self.table.key}"
        return str(Path.cwd() / f"{self._name}{table}{SUFFIXES[self.format]}")

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        path = self.query_one("#path", Input)
        ours = path.value == self._default_path()
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
            path.value = self._default_path()
            self._show_end_of_path()
        elif event.choice.id == "format" and format_of(path.value) is not None:
            path.value = str(Path(path.value).with_suffix(SUFFIXES[self.format]))
        self.show()

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        named = format_of(event.value)
        if named in SUFFIXES and named != self.format:
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
        app = cast("MechaMapApp", self.app)
        keys = None if self.scope == ALL else [self.table.key]
        try:
            text = written(self.report, self.format, tables=keys, limit=0)
            data = text.encode("utf-8", errors="backslashreplace")  # a lone surrogate has no other spelling
            write_whole(target, lambda stream: stream.write(data), overwrite=overwrite)
        except MechaMapError as error:
            app.show_error(error)
            return
        self.dismiss(None)
        app.notify(str(target), title=f"Exported {target.name}", timeout=10, markup=False)

    def action_close(self) -> None:
        self.dismiss(None)
