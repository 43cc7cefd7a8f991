"""The start screen: recent runs, the bundled model, cached models, and a line for anything else."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Footer, Input, OptionList, Static
from textual.widgets.option_list import Option

from mechamap import __version__
from mechamap.errors import MechaMapError
from mechamap.wording.amounts import size
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.start.entries import StartEntry, entries, entry_line
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.terminal.textual_internals import is_leaving
from mechamap_tui.widgets.progress import ScanProgress

if TYPE_CHECKING:
    from mechamap_tui.jobs.job import JobChanged

__all__ = ["StartScreen"]


_HEADINGS = {
    "example": "To look around",
    "run": "Recent runs",
    "model": "Models to scan",
    "typed": "What you typed",
}


class StartScreen(Screen[None]):
    """Lists what can be opened; typing filters the list, and the typed text can be opened itself."""

    AUTO_FOCUS = "#what"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", tooltip="open the run, or scan the model"),
        Binding("ctrl+n", "form", "scan with options"),
        Binding("delete", "remove", "remove run"),
        Binding("d", "compare", "compare run", show=False),
        Binding("x", "app.cancel_scan", "cancel scan"),
        Binding("f1,question_mark", "app.help_here", "help"),
        Binding("n", "form", "scan with options", show=False),
        Binding("slash,i", "type", "type a name", show=False),
        Binding("j", "move(1)", "down", show=False),
        Binding("k", "move(-1)", "up", show=False),
        Binding("q", "app.quit", "quit", show=False),
        Binding("escape", "leave", "back to the text", show=False),
        Binding("ctrl+q", "app.quit", "quit"),
    ]

    DEFAULT_CSS = """
    StartScreen {
        & > #title { height: 1; background: $panel; padding: 0 1; & > Static { width: 1fr; } }
        & > #what { border: round $accent; height: 3; margin: 1 1 0 1; }
        & > #list { height: 1fr; border: none; margin: 0 1; padding: 0 1; background: transparent;
                    scrollbar-size-vertical: 1; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self._all: list[StartEntry] = entries((), ())
        self._shown: list[StartEntry | None] = []
        self._read = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="title"):
            yield Static(_title(), id="name")
            yield ScanProgress()
        text = Input(placeholder="a model, a run or a CSV file: gpt2, ./model, model.gguf, results.csv", id="what")
        text.border_title = "Open or scan"
        text.border_subtitle = "type to filter · enter opens · ↓ list"
        yield text
        yield OptionList(id="list", markup=False)
        yield Footer(show_command_palette=False, compact=True)

    def on_mount(self) -> None:
        follow_jobs(self, self._job_changed)
        self.show()

    def _job_changed(self, change: JobChanged) -> None:
        if change.news and self.is_current:  # a run has come, or has more layers
            self.reload()

    def on_screen_resume(self) -> None:
        self.reload()

    @work(group="reload", exclusive=True)
    async def reload(self) -> None:
        """List the runs and models again; in a thread, for folders on slow disks."""
        from mechamap.catalog.hub_cache import cached_models  # not for the first frame, which waits for none of them
        from mechamap.runs.library import list_runs

        if is_leaving(self):
            return
        runs, models = await asyncio.gather(asyncio.to_thread(list_runs), asyncio.to_thread(cached_models))
        if is_leaving(self):  # closed meanwhile: the list may be gone before the screen is
            return
        self._all = entries(runs, models)
        # Until they were read, only the models were there to be highlighted.
        first, self._read = not self._read, True
        self.show(keep=not first or self.query_one("#list").has_focus)

    def show(self, *, keep: bool = True) -> None:
        """Draw what matches the text; the highlight stays on its entry."""
        listed = self.query_one("#list", OptionList)
        typed = self.query_one("#what", Input).value.strip()
        before = self._highlighted() if keep else None
        matches = [entry for entry in self._all if entry.matches(typed)]
        if typed and not any(entry.kind in ("model", "example") and entry.value == typed for entry in matches):
            matches.append(StartEntry("typed", typed, (typed, _would(typed), "")))
        self._shown = []
        options: list[Option | None] = []
        for kind, heading in _HEADINGS.items():
            group = [entry for entry in matches if entry.kind == kind]
            if kind == "run" and not group and not typed:
                options.append(Option(Text("Recent runs", "bold dim"), disabled=True))
                none_yet = "none yet" if self._read else "looking ..."
                options.append(Option(Text(f"  {none_yet}", "dim"), disabled=True))
                self._shown += [None, None]
            if group:
                options.append(Option(Text(heading, "bold dim"), disabled=True))
                self._shown.append(None)
                options += [Option(entry_line(entry)) for entry in group]
                self._shown += group
        listed.clear_options().add_options(options)
        values = [entry.value if entry else None for entry in self._shown]
        if before and before.value in values:
            listed.highlighted = values.index(before.value)
        else:
            listed.highlighted = self._first_choice()
        self.refresh_bindings()

    def _first_choice(self) -> int | None:
        """What enter opens where nothing was chosen: the newest run, before there is one the example."""
        places = [place for place, entry in enumerate(self._shown) if entry]
        runs = (place for place in places if (entry := self._shown[place]) is not None and entry.kind == "run")
        return next(runs, places[0] if places else None)

    @property
    def shown(self) -> tuple[StartEntry, ...]:
        """The entries that match what was typed."""
        return tuple(entry for entry in self._shown if entry is not None)

    def _highlighted(self) -> StartEntry | None:
        index = self.query_one("#list", OptionList).highlighted
        return self._shown[index] if index is not None and index < len(self._shown) else None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("remove", "compare"):
            entry = self._highlighted() if self.is_mounted else None
            return entry is not None and entry.run is not None
        return True

    def on_key(self, event: events.Key) -> None:
        """Move from the text to the list with the down key."""
        if event.key in ("down", "pagedown") and self.focused is self.query_one("#what", Input):
            event.stop()
            listed = self.query_one("#list", OptionList)
            listed.focus()
            listed.action_cursor_down()

    def action_leave(self) -> None:
        """From the list to the text; in the text, clear it."""
        text = self.query_one("#what", Input)
        if self.focused is text:
            text.value = ""
        text.focus()

    @on(Input.Changed, "#what")
    def _typed(self) -> None:
        self.show()

    @on(Input.Submitted, "#what")
    def _submitted(self) -> None:
        self.action_open()

    @on(OptionList.OptionSelected)
    def _selected(self, event: OptionList.OptionSelected) -> None:
        self.action_open()

    @on(OptionList.OptionHighlighted)
    def _moved(self) -> None:
        self.refresh_bindings()

    def action_open(self) -> None:
        entry = self._highlighted()
        if entry is None:
            return
        explorer = explorer_of(self)
        self.query_one("#what", Input).value = ""  # clear the filter: coming back shows everything again
        if entry.kind == "model":
            from mechamap_tui.jobs.scan import ScanJob

            explorer.start(ScanJob(entry.value))
        else:
            explorer.open_target(entry.value)

    def action_form(self) -> None:
        entry = self._highlighted()
        if entry is not None and entry.kind == "example":  # nothing was chosen yet: the first model, which is bundled
            entry = next((other for other in self._all if other.kind == "model"), None)
        explorer_of(self).open_new_form(entry.value if entry is not None and entry.kind != "run" else "")

    def action_type(self) -> None:
        self.query_one("#what", Input).focus()

    def action_move(self, by: int) -> None:
        listed = self.query_one("#list", OptionList)
        (listed.action_cursor_down if by > 0 else listed.action_cursor_up)()

    def action_compare(self) -> None:
        """Compare the run under the cursor with another, or with several."""
        from mechamap.runs.run import Run

        entry = self._highlighted()
        if entry is not None and entry.run is not None:
            explorer_of(self).open_comparison(Run.open(entry.run.path))

    def action_remove(self) -> None:
        entry = self._highlighted()
        if entry is None or entry.run is None:
            return
        from mechamap.runs.library import remove_run
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        run = entry.run
        question = (
            f"Delete the run {clean(run.name)} with its notes?\n{clean(str(run.path))}\n"
            f"{run.neurons:,} neurons of {clean(run.model)}, {size(run.bytes)}. This cannot be undone."
        )

        def answered(yes: bool | None) -> None:
            if not yes:
                return
            try:
                remove_run(run.path)
            except MechaMapError as error:
                explorer_of(self).show_error(error)
            self.reload()

        self.app.push_screen(ConfirmScreen("Remove a run", question, yes="Delete", no="Keep"), answered)


def _title() -> Text:
    return Text.assemble(("MechaMap", "bold"), f" {__version__}", ("  which neurons read what", "dim"))


def _would(typed: str) -> str:
    from mechamap_tui.start.target import read_target

    return {"csv": "open the CSV", "run": "open the run"}.get(read_target(typed).kind, "scan this model")
