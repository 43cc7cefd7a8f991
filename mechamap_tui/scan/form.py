"""The form of a scan: one line per setting, checked while typing, and the command line that does the same."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Button, Input, Label, Static

from mechamap.errors import MechaMapError
from mechamap_tui.data.form_fields import FIELDS
from mechamap_tui.explorer import explorer_of
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.scan.plan_view import PlanView
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean

__all__ = ["ScanFormScreen"]


class ScanFormScreen(ModalScreen[None]):
    """The form of a scan; enter starts it from any line.

    Args:
        draft: what stands in the fields.
    """

    AUTO_FOCUS = "#field-model"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "close", "close"),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("ctrl+y", "copy", "copy the command"),
        Binding("f1", "app.help_here", "help"),
    ]

    DEFAULT_CSS = """
    ScanFormScreen {
        & #command { color: $text-accent; height: auto; max-height: 4; }
        & #about { height: auto; min-height: 3; }
    }
    """

    def __init__(self, draft: ScanDraft) -> None:
        super().__init__()
        self.draft = draft
        self._tried = False  # to start: then a missing model is a mistake

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "New scan"
            dialog.border_subtitle = (
                f"enter starts · {key_hints(self, ('close', 'closes'), ('copy', 'copies the command'))}"
            )
            with VerticalScroll(can_focus=False):
                for field in FIELDS:
                    with Horizontal(classes="field"):
                        yield Label(field.label)
                        yield Input(
                            getattr(self.draft, field.name),
                            placeholder=field.empty,
                            id=f"field-{field.name}",
                            compact=True,
                            select_on_focus=False,
                        )
            with Vertical(id="about"):  # a mistake, else what the scan takes; never both
                yield Static(id="problem", classes="note")
                yield PlanView()
            yield Static(id="command")
            with Horizontal(classes="buttons"):
                yield Button("Start", id="start", variant="primary", compact=True)
                yield Button("Copy the command", id="copy", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self.show()

    def show(self) -> None:
        """Show what is wrong, and the equivalent command line."""
        problems = self.draft.problems()
        if not self.draft.model and not self._tried:
            problems.pop("model", None)  # an empty form is not a mistake yet
        for field in FIELDS:
            self.query_one(f"#field-{field.name}", Input).set_class(field.name in problems, "-wrong")
        focused = (self.focused.id or "").removeprefix("field-") if self.focused is not None else ""
        first = problems.get(focused) or next(iter(problems.values()), "")
        note = self.query_one("#problem", Static)
        note.set_class(bool(first), "-wrong")
        note.update(Text(clean(first) or "Categories and texts of your own go into a config file."))
        self.query_one("#command", Static).update(Text(f"$ {clean(self.draft.command())}"))
        self.query_one(PlanView).follow(self.draft, fetch=focused != "model")

    @on(PlanView.Told)
    def _told(self, event: PlanView.Told) -> None:
        self.query_one("#problem", Static).display = not event.text

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        self.draft = self.draft.with_field((event.input.id or "").removeprefix("field-"), event.value)
        self.show()

    def on_descendant_focus(self) -> None:
        self.show()

    @on(Input.Submitted)
    def _submitted(self) -> None:
        self.action_start()

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        match event.button.id:
            case "start":
                self.action_start()
            case "copy":
                self.action_copy()
            case _:
                self.action_close()

    def action_start(self) -> None:
        """Start the scan, or go to the first field that keeps it from starting."""
        problems = self.draft.problems()
        self._tried = True
        if problems:
            name = next(iter(problems))
            self.query_one(f"#field-{name}", Input).focus()
            note = self.query_one("#problem", Static)
            note.set_class(True, "-wrong")
            note.update(Text(clean(problems[name])))
            return
        explorer = explorer_of(self)
        try:
            job = ScanJob(self.draft.model, self.draft.changes(), self.draft)
        except MechaMapError as error:  # what only shows when all fields are taken together
            explorer.show_error(error)
            return
        self.dismiss(None)
        explorer.start(job)

    def action_copy(self) -> None:
        self.notify(f"Copied {copy_text(self.app, self.draft.command())}.", markup=False)

    def action_close(self) -> None:
        explorer_of(self).keep_draft(self.draft)
        self.dismiss(None)
