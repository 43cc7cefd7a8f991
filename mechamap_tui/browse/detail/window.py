"""The tokens that a run keeps around a context, whole, each coloured by the neuron's activation there."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from mechamap.errors import MechaMapError
from mechamap.figures.contexts import Context
from mechamap.runs.corpus.tokens import Stretches
from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap.words.stretch_text import StretchText
from mechamap.words.token_text import TokenText
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.terminal.key_hints import key_hints
from mechamap_tui.terminal.terminal_text import clean, piece_label
from mechamap_tui.widgets.coloured_text import LEGEND, activation_levels, append_token, wrap_pieces
from mechamap_tui.widgets.line_view import LineView

__all__ = ["WindowPage"]


_ASKING = "Asking the model for the activations in this window ..."
_PART = "Only a part of the window is kept, so activations differ a little from those of the scan, which read it whole."


class WindowPage(ModalScreen[None]):
    """A context's window over the screen, to read to its end and close."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,enter", "close", "close")]

    DEFAULT_CSS = """
    WindowPage { align: center middle; }
    WindowPage > LineView { width: 90%; max-width: 110; height: 90%; border: round $accent; padding: 0 1;
                            background: $surface; }
    """

    def __init__(self, run: Run, row: int, context: Context) -> None:
        super().__init__()
        self._view = WindowView(run, row, context)
        self._view.border_title = f"{run.neuron_name(row)} in its context"

    def compose(self) -> ComposeResult:
        self._view.border_subtitle = key_hints(self, ("close", "closes"))
        yield self._view

    def action_close(self) -> None:
        self.dismiss()


class WindowView(LineView):
    """What is known of the window, and its tokens.

    Everything that is shown of the run is read when this is made, as a running scan may publish it anew meanwhile.
    """

    def __init__(self, run: Run, row: int, context: Context) -> None:
        super().__init__()
        text, stretches = run.token_text, run.record.tokens.windows
        assert isinstance(text, StretchText)
        assert isinstance(stretches, Stretches)
        self._run, self._row, self._about = run, row, context
        self._document, self._first, self._length, self._place = stretches.at(context.position)
        _, self._text = text.stretch_at(context.position)
        self._name = clean(run.document_names[self._document]) if run.document_names is not None else ""
        self._kept = run.record.corpus.kept if run.record.corpus is not None else ""
        self._message = ""
        self._values: NDArray[np.float32] | None = None  # [tokens of the window]
        self._levels: NDArray[np.int8] | None = None  # [tokens of the window]
        self._head: list[tuple[str, str]] = []
        self._wrapped: list[list[tuple[int, str]]] = []

    @property
    def _here(self) -> int:
        """The context's token, counted in the window."""
        return self._about.position - self._first

    def on_mount(self) -> None:
        run = self._run
        if (job := explorer_of(self).job) is not None:
            self._message = f"{job.title} is running; the activations in this window are available when it ends."
        elif reason := run.why_no_model():
            self._message = reason
        else:
            self._message = _ASKING
            self.run_worker(self._fetch(), group="window", exit_on_error=False)
        self.renew()

    async def _fetch(self) -> None:
        run = self._run
        assert run.path is not None
        try:
            answer = await explorer_of(self).engine.window(
                run.path, str(run.neuron_name(self._row)), self._about.position, self._kept
            )
        except MechaMapError as error:
            self._message = error_text(error)
        else:
            self._take(answer.first, answer.values)
        self.renew(keep_scroll=True)

    def _take(self, first: int, values: tuple[float | None, ...]) -> None:
        if (first, len(values)) != (self._first, self._length):
            self._message = "The run was published anew meanwhile; close this and open the context again."
            return
        self._message = ""
        self._values = np.array([np.nan if value is None else value for value in values], np.float32)
        scored = np.isfinite(self._values)
        self._levels = activation_levels(self._values, scored, self._text.home)

    # --- lines -----------------------------------------------------------------------------------------------

    def measure(self, width: int) -> int:
        self._head = [(line, look) for text, look in self._facts() for line in wrap(text, width)] + [("", "dim")]
        self._wrapped = wrap_pieces(_marked(self._text, self._here), range(self._length), width)
        return len(self._head) + len(self._wrapped)

    def _facts(self) -> list[tuple[str, str]]:
        """Lines above the text, with their looks."""
        piece = piece_label(self._text.shown[self._here])
        end = self._place + self._length
        place = f"{self._name}, tokens {self._place + 1:,} to {end:,}".removeprefix(", ")
        facts = [(f"{place}; the context is [{piece}]", "title")]
        recorded = f"recorded by the scan {magnitude(self._about.value)}"
        if self._values is None:
            return [*facts, (f"{recorded}. {self._message}", "dim")]
        high, low = float(np.nanmax(self._values)), float(np.nanmin(self._values))
        now = f"here {magnitude(float(self._values[self._here]))}"
        facts.append((f"{recorded}, {now} · window from {magnitude(low)} to {magnitude(high)} · {LEGEND}", "dim"))
        corpus = self._run.record.corpus
        if corpus is not None and not corpus.whole_windows:
            facts.append((_PART, "falling"))
        return facts

    def line(self, index: int, width: int) -> Text:
        if index < len(self._head):
            line, look = self._head[index]
            return Text(line, self.look(look))
        text, background = Text(), self.background_colors[1]
        for token, shown in self._wrapped[index - len(self._head)]:
            level = 0 if self._levels is None else int(self._levels[token])
            style = self.look("strong") + _UNDERLINE if token == self._here else Style()
            append_token(text, shown, level, style, background)
        return text


_UNDERLINE = Style(underline=True)


def _marked(text: TokenText, token: int) -> tuple[str, ...]:
    """``[tokens]`` what is drawn of each; one of them in brackets, so that it is told without colour too."""
    drawn = list(text.drawn)
    home = int(text.home[token])
    piece = drawn[home]
    start = len(piece) - len(piece.lstrip())
    drawn[home] = f"{piece[:start]}[{piece[start:].rstrip() or piece_label(piece)}]{piece[len(piece.rstrip()) :]}"
    return tuple(drawn)
