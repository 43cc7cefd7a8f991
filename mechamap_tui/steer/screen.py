"""The steering screen: a ladder of strengths, its verdict, and what can be taken away of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mechamap.errors import MechaMapError
from mechamap.protocol.steer_requests import ControlVectorParams
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap.takeaway.forms import FORMS, taken_away
from mechamap_tui.data.logged_notes import LoggedNotes
from mechamap_tui.explorer import explorer_of
from mechamap_tui.steer import questions
from mechamap_tui.steer.asking import LadderAsking
from mechamap_tui.steer.lines import head_line
from mechamap_tui.steer.settings import Steered, SteerSettings
from mechamap_tui.steer.view import LadderView
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.progress import ScanProgress
from mechamap_tui.widgets.prompt import Prompt
from mechamap_tui.widgets.too_small import TooSmall

__all__ = ["SteerScreen"]


_VECTOR = "control vector"


class SteerScreen(Screen[None]):
    """Steers some neurons of a run as one.

    Args:
        run: on disk, with a model behind it.
        steered: the neurons.
        settings: how it was left; ``kept`` is called with how it is left this time.
    """

    AUTO_FOCUS = "#ladder"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p,enter,slash", "ask_prompt", "prompt", tooltip="write what the model goes on from"),
        Binding("m", "mode", "mode", tooltip="add, hold at a value, hold at zero or at the mean"),
        Binding("w", "where", "where", tooltip="at which tokens the neurons are steered"),
        Binding("s", "strengths", "strengths", tooltip="how strongly, one line for each strength"),
        Binding("c", "category(1)", "category", tooltip="judge by the next category"),
        Binding("C", "category(-1)", "previous category", show=False),
        Binding("t", "text", "temperature", tooltip="how the model chooses its words"),
        Binding("r", "reset", "reset", tooltip="all settings as they were at first; the prompt stays"),
        Binding("x", "cancel", "cancel", tooltip="stop what is being computed"),
        Binding("y", "take_away", "take away", tooltip="copy it as a command or as code, or write a control vector"),
        Binding("S", "save", "save as a set", tooltip="keep these neurons as a named set"),
        Binding("q,escape", "back", "back"),
    ]

    DEFAULT_CSS = """
    SteerScreen {
        #steer-head { height: 1; background: $panel; padding: 0 1; }
        #steer-head > Static { width: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }
        #steer-prompt, #steer-settings { height: 1; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis; }
        #steer-settings { color: $foreground 70%; }
        #steer-verdict { height: auto; max-height: 2; padding: 0 1; text-style: bold; }
        #ladder { height: 1fr; border: round $foreground 30%; padding: 0 1; background: $background; }
    }
    """

    def __init__(self, run: Run, steered: Steered, settings: SteerSettings) -> None:
        super().__init__()
        assert run.path is not None
        self.title = "Steer"
        self.run, self.steered, self.settings = run, steered, settings
        self.asking = LadderAsking(self, run.path, self.show)
        self.view = LadderView()
        self.prompt = Prompt(self, self.view.focus)
        self._prompt_line = Static(id="steer-prompt", markup=False)
        self._settings_line = Static(id="steer-settings", markup=False)
        self._verdict = Static(id="steer-verdict", markup=False)

    def compose(self) -> ComposeResult:
        with Horizontal(id="steer-head"):
            label = clean(f"{self.steered.label} · {self.run.label} · {self.run.name}")
            yield Static(Content.styled("Steer  ", "bold") + Content(label))
            yield ScanProgress()
        yield self._prompt_line
        yield self._settings_line
        yield self._verdict
        yield self.view
        yield KeyFooter()
        yield TooSmall()

    async def on_mount(self) -> None:
        self._fit()
        self.show()
        if self.settings.text.strip():
            self._ask(self.settings)
        else:
            await self.action_ask_prompt()

    # --- asking and showing ----------------------------------------------------------------------------------

    def _ask(self, settings: SteerSettings) -> None:
        self.settings = settings
        if settings.text.strip():
            self.asking.ask(settings, self.steered)
        self.show()

    def show(self) -> None:
        """Show the last answer, and what is going on."""
        ladder, message = self.asking.ladder, self.asking.message
        self._prompt_line.update(Text(clean(f"prompt: {self.settings.text}" if self.settings.text else "p: a prompt")))
        self._settings_line.update(Text(clean(self.settings.line)))
        verdict = "" if ladder is None else head_line(ladder)
        old = " (of the settings before)" if ladder is not None and self.asking.settings != self.settings else ""
        self._verdict.update(Text(f"● {clean(message)}  {verdict}{old}" if message else verdict + old))
        self.view.show(ladder, message or "Type a prompt (p).")
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel":
            return self.asking.busy
        if action == "take_away":
            return self.asking.ladder is not None
        if action == "strengths":
            return self.settings.mode in ("add", "set")
        if action == "category":
            return len(self.run.categories) > 1
        return True

    # --- settings --------------------------------------------------------------------------------------------

    async def action_ask_prompt(self) -> None:
        await self.prompt.ask(questions.prompt_question(self.settings, self._ask))

    async def action_where(self) -> None:
        await self.prompt.ask(questions.where_question(self.settings, self.asking.ladder, self._ask))

    async def action_strengths(self) -> None:
        await self.prompt.ask(questions.strengths_question(self.settings, self._ask))

    async def action_text(self) -> None:
        await self.prompt.ask(questions.text_question(self.settings, self._ask))

    def action_mode(self) -> None:
        self._ask(self.settings.next_mode())

    def action_category(self, steps: int) -> None:
        """Judge by another category; its selectivity says which way the neurons go."""
        names = self.run.categories
        ladder = self.asking.ladder
        current = self.settings.category or (ladder.category if ladder is not None else "")
        place = names.index(current) if current in names else -1
        self._ask(replace(self.settings, category=names[(place + steps) % len(names)]))

    def action_reset(self) -> None:
        """All settings as they are at first; the prompt stays."""
        self._ask(self.settings.reset())

    def action_cancel(self) -> None:
        self.asking.cancel()

    # --- what is taken away ----------------------------------------------------------------------------------

    def action_take_away(self) -> None:
        """Copy the step under the cursor as a command or as code, or write it as a control vector."""
        from mechamap_tui.dialogs.pick import PickScreen

        choices = [(form, what) for form, (what, _) in FORMS.items()]
        choices.append((_VECTOR, "a control vector for llama.cpp (GGUF)"))
        self.app.push_screen(PickScreen("Take away", choices), self._take)

    def _take(self, form: str | None) -> None:
        ladder, step = self.asking.ladder, self.view.step
        if form is None or ladder is None:
            return
        strength = None if step is None else step.strength
        if form == _VECTOR:
            self.run_worker(self._ask_file(strength), group="vector")
            return
        try:
            text = taken_away(ladder, form, strength)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return
        self.notify(f"{FORMS[form][0].capitalize()} is copied {copy_text(self.app, text)}.", markup=False)

    async def _ask_file(self, strength: float | None) -> None:
        name = self.steered.name or self.steered.neurons[0]
        place = Path.cwd() / f"{name.replace('/', '-')}.gguf"
        amount = 1.0 if strength is None else strength

        def chosen(path: Path) -> None:
            self.run_worker(self._write_vector(path, amount), group="vector")

        await self.prompt.ask(questions.file_question(place, chosen))

    async def _write_vector(self, path: Path, strength: float) -> None:
        ladder = self.asking.ladder
        assert self.run.path is not None and ladder is not None
        order = ControlVectorParams(
            run=self.run.path,
            neurons=self.steered.neurons,
            strength=strength,
            path=path.absolute(),
            category=ladder.category,
        )
        try:
            written = await explorer_of(self).engine.control_vector(order)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
        else:
            layers = ", ".join(map(str, written.layers))
            self.notify(f"{written.path}\nstrength {strength:g}, layers {layers}", title="Control vector", markup=False)

    async def action_save(self) -> None:
        """Keep the neurons as a named set, in the run's notes."""
        await self.prompt.ask(questions.name_question(self.steered.name, self._save))

    def _save(self, name: str) -> None:
        try:
            members = NeuronSet.of(name, self.steered.neurons)
            notes = LoggedNotes(self.run, explorer_of(self).did)
            before = next((each for each in notes.sets if each.name == members.name), None)
            if before is not None and before.neurons != members.neurons:
                self.notify(f"The set {members.name} is replaced.", markup=False)
            notes.write_set(members)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
        else:
            self.notify(f"{members.name}: {len(members.neurons):,} neurons are kept in the run's notes.", markup=False)

    # --- layout ----------------------------------------------------------------------------------------------

    def action_back(self) -> None:
        self.dismiss(None)

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        small = self.query_one(TooSmall).fit()
        for part in self.query("#steer-head, #steer-prompt, #steer-settings, #steer-verdict, #ladder, KeyFooter"):
            part.display = not small
        if not small and self.focused is None:
            self.set_focus(self.view)
