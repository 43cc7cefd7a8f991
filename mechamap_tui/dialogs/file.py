"""A dialog that writes a file: where to, a few choices, what will be written, and a question before one is replaced."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

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
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.choice import Choice

__all__ = ["FileDialog"]


class FileDialog(ModalScreen[None]):
    """Asks for a path and some choices; what is written, and how, its subclasses know."""

    AUTO_FOCUS = "#path"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "close"),
        Binding("q", "close", "close", show=False),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("enter", "write", "write", show=False),
        Binding("f1", "app.help_here", "help"),
    ]

    # --- what subclasses know --------------------------------------------------------------------------------

    def heading(self) -> str:
        """The title of the dialog."""
        raise NotImplementedError

    def suggested(self) -> str:
        """The initial path."""
        raise NotImplementedError

    def fields(self) -> Sequence[tuple[str, Choice]]:
        """The choices below the path, each with its label."""
        raise NotImplementedError

    def amount(self) -> str:
        """How much would be written, in words."""
        raise NotImplementedError

    def write(self, target: Path, *, overwrite: bool) -> None:
        """Write the file and close."""
        raise NotImplementedError

    # --- the dialog ------------------------------------------------------------------------------------------

    @property
    def path(self) -> Input:
        return self.query_one("#path", Input)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = clean(self.heading())
            dialog.border_subtitle = "enter writes · esc or ctrl+g closes"
            with Horizontal(classes="field"):
                yield Label("File")
                yield Input(self.suggested(), id="path", compact=True, select_on_focus=False)
            for label, choice in self.fields():
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield choice
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
        summary.update(Text(f"{self.amount()}, into{exists}\n{clean(str(target))}"))

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
            self.write(target, overwrite=False)
            return
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes:
                self.write(target, overwrite=True)

        question = f"The file {clean(str(target))} already exists."
        self.app.push_screen(ConfirmScreen("Overwrite?", question, yes="Overwrite", no="Keep it"), answered)

    def action_close(self) -> None:
        self.dismiss(None)
