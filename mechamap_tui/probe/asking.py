"""What the engine is asked while one types, and which of its answers are shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from textual.screen import Screen
from textual.timer import Timer

from mechamap.errors import Cancelled, MechaMapError
from mechamap.events import Stage
from mechamap.protocol.messages import Progress
from mechamap.protocol.probed import Moves, Probed
from mechamap.protocol.requests import ProbeParams
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.engine.client import LISTED
from mechamap_tui.explorer import explorer_of
from mechamap_tui.probe.sentence import token_at
from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.progress import stage_text

__all__ = ["Asking", "Wish", "waiting_text"]


REST = 0.06  # seconds without a key after which the engine is asked
NEXT = 12  # tokens


@dataclass(frozen=True, slots=True)
class Wish:
    """What the screen wants to show.

    Attributes:
        text: the sentence.
        character: the place of the cursor in it; next tokens are those behind the token in front of it.
        outliers: whether the neurons that stand out there are wanted.
        pair: two sentences to be compared; None: none are.
    """

    text: str = ""
    character: int = 0
    outliers: bool = False
    pair: tuple[str, str] | None = None


class Asking:
    """Asks for what is wanted last; every answer stays until the next one comes.

    Args:
        screen: whose timers and workers are used.
        run: folder of the run.
        neuron: its name.
        changed: called when there is something new to show.

    Attributes:
        values: the neuron's activations, of the sentence that was answered last.
        text: that sentence, as it was typed.
        details: next tokens, and neurons that stand out, at a token.
        moves: the comparison.
        message: why there is no answer, or not yet; empty: there is.
    """

    def __init__(self, screen: Screen[str | None], run: Path, neuron: str, changed: Callable[[], None]) -> None:
        self._screen, self._run, self._neuron, self._changed = screen, run, neuron, changed
        self.values: Probed | None = None
        self.details: Probed | None = None
        self.moves: Moves | None = None
        self.message = ""
        self._wish = Wish()
        self._moves_of: tuple[str, str] | None = None
        self._details_of: tuple[str, int | None, bool] | None = None  # sentence, token, whether with outliers
        self.text = ""
        self._resting: Timer | None = None
        self._number = 0  # of the last wish
        self._shown = 0  # of the wish whose answer is shown

    def want(self, wish: Wish) -> None:
        """Ask for something once no key has come for a moment."""
        if wish == self._wish:
            return
        self._wish = wish
        self._number += 1
        if self._resting is not None:
            self._resting.stop()
        if not wish.text.strip() and wish.pair is None:
            self.values = self.details = None
            self.text, self._details_of, self._shown = "", None, self._number
            self._tell("")
            return
        self._resting = self._screen.set_timer(REST, self._ask)

    @property
    def waits(self) -> bool:
        """Whether an answer is still to come."""
        wish = self._wish
        return bool(wish.text.strip()) and (self.text != wish.text or not self._has(self._details_wanted(wish)))

    def _details_wanted(self, wish: Wish) -> tuple[str, int | None, bool]:
        """What details are asked about, once the sentence is in tokens."""
        position = token_at(self.values.text, wish.character) if self.values is not None else None
        return wish.text, position, wish.outliers

    def _has(self, wanted: tuple[str, int | None, bool]) -> bool:
        """Whether such details are there already; those with outliers serve without as well."""
        return self._details_of in (wanted, (*wanted[:2], True))

    def _ask(self) -> None:
        self._resting = None
        self._screen.run_worker(self._answered(self._number, self._wish), group="probe", exit_on_error=False)

    async def _answered(self, number: int, wish: Wish) -> None:
        """Put the questions in the order in which their answers are needed, unless a newer wish comes."""
        if (job := explorer_of(self._screen).job) is not None:
            self._tell(f"{job.title} is running; the sentence is read when it ends.")
        try:
            if wish.text.strip() and wish.text != self.text:
                values = await self._probe(number, ProbeParams(text=wish.text, neurons=(self._neuron,)))
                if number < self._shown:  # a newer one was answered first
                    return
                self.values, self.text, self._shown = values, wish.text, number
                self._tell("")
            wanted = self._details_wanted(wish)
            if number == self._number and wish.text.strip() and not self._has(wanted):
                count = LISTED if wish.outliers else 0
                details = ProbeParams(text=wish.text, position=wanted[1], next=NEXT, outliers=count)
                answer = await self._probe(number, details)
                if number < self._shown:
                    return
                self.details, self._details_of, self._shown = answer, wanted, number
                self._tell("")
            if number == self._number and wish.pair is not None and wish.pair != self._moves_of:
                self.moves = await explorer_of(self._screen).engine.moves(self._run, wish.pair, self._neuron)
                self._moves_of = wish.pair
                self._tell("")
        except Cancelled:
            pass  # a newer question is on its way
        except MechaMapError as error:
            if number == self._number:
                self._tell(error_text(error))

    async def _probe(self, number: int, question: ProbeParams) -> Probed:
        from msgspec.structs import replace

        def progressed(progress: Progress) -> None:
            if number == self._number and self.values is None and progress.stage:
                self._tell(waiting_text(progress))

        engine = explorer_of(self._screen).engine
        return await engine.probe(replace(question, run=self._run, overtakes=True), on_progress=progressed)

    def _tell(self, message: str) -> None:
        self.message = message
        if self._screen.is_mounted:
            self._changed()


def waiting_text(progress: Progress) -> str:
    """What the engine does before it can answer: it loads the model, or reads the run's text."""
    if progress.stage == Stage.PASS and progress.detail:
        return f"reading {clean(progress.detail)} ..."
    return f"{stage_text(progress)} ..."
