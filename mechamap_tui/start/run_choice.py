"""The dialog that asks which runs to compare with: a list, those of the same model first, or one by its path."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mechamap.runs.library import RunSummary, list_runs
from mechamap.runs.run import Run
from mechamap_tui.start.entries import StartEntry, entries, entry_line
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.glyphs import MARK

__all__ = ["RunChoice", "comparable"]


class RunChoice(ModalScreen[tuple[Path, ...]]):
    """Answers with the chosen folders or files; with none where it was cancelled.

    Args:
        run: the one to compare with.
    """

    AUTO_FOCUS = "#which"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+g", "leave", "leave"),
        Binding("q", "leave", "leave", show=False),
        Binding("space", "mark", "mark several"),
        Binding("slash,i", "type", "type a name", show=False),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
        Binding("f1", "app.help_here", "help"),
    ]

    DEFAULT_CSS = """
    RunChoice { align: center middle; }
    RunChoice #others { height: 1fr; border: none; background: transparent; scrollbar-size-vertical: 1; padding: 0; }
    RunChoice #which { border: none; height: 1; padding: 0; background: $boost; }
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run_to_compare = run
        self._all: list[StartEntry] = []
        self._shown: list[StartEntry] = []
        self._marked: dict[str, None] = {}
        self._read = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -tall") as dialog:
            dialog.border_title = f"Compare {clean(self.run_to_compare.name)} with"
            dialog.border_subtitle = (
                f"enter compares · {key_hints(self, ('mark', 'marks several'), ('leave', 'leaves'))}"
            )
            yield Input(placeholder="type to filter, or the path of a run or a CSV", id="which", compact=True)
            yield OptionList(id="others", markup=False)
            yield Static(id="note", classes="note")

    def on_mount(self) -> None:
        self._look()

    @work(exclusive=True)
    async def _look(self) -> None:
        runs = comparable(await asyncio.to_thread(list_runs), self.run_to_compare)
        if is_leaving(self):  # closed meanwhile: the list may be gone before the screen is
            return
        self._all, self._read = entries(runs, ()), True
        self._all = [entry for entry in self._all if entry.kind == "run"]
        self.show()

    def show(self) -> None:
        """List what matches the text; the highlight stays on its entry."""
        listed, typed = self.query_one("#others", OptionList), self.query_one("#which", Input).value.strip()
        before = self._highlighted()
        self._shown = [entry for entry in self._all if entry.matches(typed)]
        target = read_target(typed)
        known = {entry.value for entry in self._shown}
        if target.kind in ("run", "csv") and target.path is not None and str(target.path) not in known:
            kind = "the CSV" if target.kind == "csv" else "the run"
            self._shown.append(StartEntry("typed", str(target.path), (typed, kind, "")))
        listed.clear_options().add_options([Option(entry_line(entry, self._sign(entry))) for entry in self._shown])
        values = [entry.value for entry in self._shown]
        if values:
            listed.highlighted = values.index(before.value) if before is not None and before.value in values else 0
        self.query_one("#note", Static).update(Text(self._note()))

    def _note(self) -> str:
        if self._marked:
            names = ", ".join(clean(Path(value).name) for value in self._marked)
            return f"marked: {names}"
        if not self._read:
            return "looking ..."
        if self._shown:
            return ""
        if self._all or self.query_one("#which", Input).value.strip():
            return "No run matches, and there is no run or CSV at that path."
        return "There is no other run yet: scan another model, or type the path of a run or a CSV."

    def _sign(self, entry: StartEntry) -> str:
        return MARK if entry.value in self._marked else " "

    def _highlighted(self) -> StartEntry | None:
        index = self.query_one("#others", OptionList).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def on_key(self, event: events.Key) -> None:
        """Move from the text to the list with the down key."""
        if event.key in ("down", "pagedown") and self.focused is self.query_one("#which", Input):
            event.stop()
            listed = self.query_one("#others", OptionList)
            listed.focus()
            if event.key == "down":
                listed.action_cursor_down()

    @on(Input.Changed, "#which")
    def _typed(self) -> None:
        self.show()

    @on(Input.Submitted, "#which")
    def _submitted(self) -> None:
        self._choose()

    @on(OptionList.OptionSelected)
    def _selected(self) -> None:
        self._choose()

    def _choose(self) -> None:
        entry = self._highlighted()
        chosen = list(self._marked) or ([entry.value] if entry is not None else [])
        if chosen:
            self.dismiss(tuple(map(Path, chosen)))

    def action_mark(self) -> None:
        """Mark the run under the cursor to compare several at once, or remove its mark."""
        entry = self._highlighted()
        if entry is not None:
            if entry.value in self._marked:
                del self._marked[entry.value]
            else:
                self._marked[entry.value] = None
            self.show()

    def action_type(self) -> None:
        self.query_one("#which", Input).focus()

    def action_move(self, by: int) -> None:
        listed = self.query_one("#others", OptionList)
        (listed.action_cursor_down if by > 0 else listed.action_cursor_up)()

    def action_leave(self) -> None:
        self.dismiss(())


def comparable(runs: Sequence[RunSummary], run: Run) -> list[RunSummary]:
    """The runs that a run can be compared with, those of its model first; damaged ones and itself are left out."""
    own = run.path.resolve() if run.path is not None else None
    others = [other for other in runs if other.state != "damaged" and other.path.resolve() != own]
    return sorted(others, key=lambda other: other.model != run.label)
