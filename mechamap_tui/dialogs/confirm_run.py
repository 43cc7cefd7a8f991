"""What a confirmation of a run is to include: the same search in a random counterpart of its model, or none."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Label, Static

from mechamap.config.choices import RANDOMIZE
from mechamap.runs.run import Run
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.choice import Choice, Option

__all__ = ["ConfirmRunScreen"]


_NONE, _ALL = "none", "all"
_WHAT = "Checks every neuron on words that did not choose it, in sentences that are the same for all words."


class ConfirmRunScreen(ModalScreen["tuple[str, ...] | None"]):
    """Answers with the ways in which the model is to be made random for further searches; None: nothing is to start."""

    AUTO_FOCUS = "#randomize"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "close"),
        Binding("enter", "begin", "confirm"),
        Binding("down", "app.focus_next", "next field", show=False),
        Binding("up", "app.focus_previous", "previous field", show=False),
        Binding("f1", "app.help_here", "help"),
    ]

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    @property
    def chosen(self) -> str:
        """The option that is chosen."""
        return self.query_one(Choice).value

    def compose(self) -> ComposeResult:
        options = [Option(value, value) for value in (_NONE, *RANDOMIZE, _ALL)]
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = f"Confirm {clean(self.run.name)}"
            dialog.border_subtitle = key_hints(self, ("begin", "begins"), ("close", "closes"))
            yield Label("Random model that is searched too")
            yield Choice(options, _NONE, id="randomize")
            yield Static(id="meaning", classes="note")
            with Horizontal(classes="buttons"):
                yield Button("Begin", id="begin", variant="primary", compact=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self._explain(_NONE)

    @on(Choice.Changed)
    def _chose(self, event: Choice.Changed) -> None:
        self._explain(event.value)

    def _explain(self, chosen: str) -> None:
        if chosen == _NONE:
            text = _WHAT
        else:
            ways = "; ".join(RANDOMIZE[way] for way in _ways(chosen))
            before = "The run stays confirmed as it is." if self.run.record.confirmation else _WHAT
            text = (
                f"{before} Scan and confirmation are repeated where there is little or nothing to find: {ways}. "
                "Press i afterwards to compare."
            )
        self.query_one("#meaning", Static).update(Text(text))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "begin":
            self.action_begin()
        else:
            self.action_close()

    def action_begin(self) -> None:
        self.dismiss(_ways(self.chosen))

    def action_close(self) -> None:
        self.dismiss(None)


def _ways(chosen: str) -> tuple[str, ...]:
    return tuple(way for way in RANDOMIZE if chosen in (way, _ALL))
