"""A dialog that writes a file: where to, a few choices, what will be written, and a question before one is replaced."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from mechamap.errors import MechaMapError
from mechamap.exports.target import check_target
from mechamap.system.paths import user_path
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.choice import Choice, Option

__all__ = ["EXCEL", "Field", "FileContents", "FileDialog", "cells_field"]

EXCEL = "excel"


@dataclass(frozen=True, slots=True)
class Field:
    """A choice below the path: its id, its label, what there is to choose, and what is chosen."""

    id: str
    label: str
    options: Sequence[Option]
    value: str


def cells_field(format: str, excel: bool) -> Field:
    """The choice whether a CSV is for programs or for a spreadsheet, which would run some cells as formulas."""
    options = [Option("plain", "as they are"), Option(EXCEL, "for a spreadsheet", format == "csv")]
    return Field("cells", "Cells", options, EXCEL if excel else "plain")


class FileContents(Protocol):
    """What a dialog writes to a file, as it was chosen so far."""

    @property
    def heading(self) -> str:
        """The title of the dialog."""

    @property
    def suffixes(self) -> Mapping[str, str]:
        """The suffix of each format; the field ``format`` chooses one."""

    def fields(self) -> Sequence[Field]:
        """The choices below the path."""

    def choose(self, field: str, value: str) -> None:
        """Take a choice; it may change what else there is to choose."""

    def suggested(self) -> Path:
        """The path that stands there unless the user writes another."""

    def amount(self) -> str:
        """How much would be written, in words."""

    def write(self, dialog: FileDialog, target: Path, *, overwrite: bool) -> None:
        """Write the file, or have it written.

        Raises:
            MechaMapError: it cannot be.
        """


class FileDialog(ModalScreen[None]):
    """Asks for a path and the choices that its contents have."""

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "close"),
        Binding("q", "close", "close", show=False),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("enter", "write", "write", show=False),
        Binding("f1", "app.help_here", "help"),
    ]

    def __init__(self, contents: FileContents) -> None:
        super().__init__()
        self.contents = contents
        self.title = contents.heading

    @property
    def path(self) -> Input:
        return self.query_one("#path", Input)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = clean(self.contents.heading)
            dialog.border_subtitle = key_hints(self, ("write", "writes"), ("close", "closes"))
            with Horizontal(classes="field"):
                yield Label("File")
                yield Input(str(self.contents.suggested()), id="path", compact=True, select_on_focus=False)
            for field in self.contents.fields():
                with Horizontal(classes="field"):
                    yield Label(field.label)
                    yield Choice(field.options, field.value, id=field.id)
            yield Static(id="summary", classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Write", id="write", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self.call_after_refresh(self.show_end_of_path)
        self.show()

    def show_end_of_path(self) -> None:
        """Show the end of a long path, its file name: a field scrolls only when its cursor moves."""
        self.path.cursor_position = 0
        self.path.cursor_position = len(self.path.value)

    def show(self) -> None:
        """Show what will be written where, or what prevents it."""
        summary = self.query_one("#summary", Static)
        try:
            target = check_target(user_path(self.path.value), overwrite=True)
        except MechaMapError as error:
            summary.set_class(True, "-wrong")
            summary.update(Text(clean(error_text(error))))
            return
        summary.set_class(False, "-wrong")
        exists = " (already exists)" if target.exists() else ""
        summary.update(Text(f"{self.contents.amount()}, into{exists}\n{clean(str(target))}"))

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        """Take a choice; a generated path follows it, of one that the user typed only the suffix."""
        ours = self.path.value == str(self.contents.suggested())
        self._take(event.choice.id or "", event.value)
        if ours:
            self.path.value = str(self.contents.suggested())
            self.show_end_of_path()
        elif event.choice.id == "format":
            self.path.value = with_format(self.path.value, self.contents.suffixes, event.value)
        self.show()

    @on(Input.Changed, "#path")
    def _typed(self, event: Input.Changed) -> None:
        named = format_of(event.value, self.contents.suffixes)
        if named is not None:
            self._take("format", named)
            self.query_one("#format", Choice).value = named
        self.show()

    def _take(self, chosen: str, value: str) -> None:
        self.contents.choose(chosen, value)
        for field in self.contents.fields():
            if field.id != chosen:
                choice = self.query_one(f"#{field.id}", Choice)
                choice.options, choice.value = tuple(field.options), field.value
                choice.refresh()

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
        try:
            target = check_target(user_path(self.path.value), overwrite=True)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return
        if not target.exists():
            self._write(target, overwrite=False)
            return
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self._write(target, overwrite=True)

        question = f"The file {clean(str(target))} already exists."
        self.app.push_screen(ConfirmScreen("Overwrite?", question, yes="Overwrite", no="Keep it"), answered)

    def _write(self, target: Path, *, overwrite: bool) -> None:
        try:
            self.contents.write(self, target, overwrite=overwrite)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
        else:
            self.dismiss(None)

    def action_close(self) -> None:
        self.dismiss(None)


def format_of(path: str, suffixes: Mapping[str, str]) -> str | None:
    """The format that a path's suffix means; None where it means none of them."""
    suffix = Path(path).suffix.lower()
    return next((name for name, known in suffixes.items() if known == suffix), None)


def with_format(path: str, suffixes: Mapping[str, str], format: str) -> str:
    """A path with the suffix of a format, in place of another format's."""
    stem = path[: -len(Path(path).suffix)] if format_of(path, suffixes) is not None else path
    return stem + suffixes[format] if path else ""
