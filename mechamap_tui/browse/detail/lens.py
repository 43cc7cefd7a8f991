"""What a neuron writes: the tokens that it pushes up and down most, and how far it pushes each category's words."""

from __future__ import annotations

from collections import OrderedDict
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.text import Text
from textual.timer import Timer

from mechamap.errors import MechaMapError
from mechamap.figures.findings import finding
from mechamap.runs.run import Run
from mechamap.tables.numbers import NONE, magnitude, small_probability
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.terminal.terminal_text import clean, pad, piece_label
from mechamap_tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from mechamap.protocol.messages import Lens

__all__ = ["ASK_AFTER", "LensView"]


ASK_AFTER = 0.4  # seconds of rest on a neuron before its tokens are asked from the engine
KEPT = 64  # answers, so that moving back costs nothing
NUMBER, GAP = 7, 3
THREE_COLUMNS = 66  # from this width on the categories stand beside the tokens, else above them

Column = list[tuple[str, str, str]]  # a line each: label, number, look


class LensView(LineView):
    """Two columns of tokens with their distances, and a third one, or a table above, for the categories."""

    def __init__(self, run: Run, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run = run
        self._row: int | None = None
        self._category = ""
        self._message = ""
        self._answers: OrderedDict[int, Lens] = OrderedDict()
        self._asking: Timer | None = None
        self._lines: list[list[tuple[str, str]]] = []  # pieces of a line with their look

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron; the engine is asked once the cursor rests on it."""
        same = row == self._row
        self._row, self._category = row, category
        if self._asking is not None:
            self._asking.stop()
        self._message = self._what_is_missing(row) if row is not None else ""
        self.renew(keep_scroll=same)

    def _what_is_missing(self, row: int) -> str:
        """Why there are no tokens to show, if there are none; requests them where possible."""
        run = self._run
        if row in self._answers:
            self._answers.move_to_end(row)
            return ""
        if no_model := run.why_no_model():
            return f"{no_model} Scan the model to see what its neurons write."
        if reason := run.record.undefined.get("write"):
            return f"Not defined for this model: {reason}"
        if (job := explorer_of(self).job) is not None:
            return f"{job.title} is running; the lens is available when it ends."
        self._asking = self.set_timer(ASK_AFTER, self._ask)
        return "Asking the model which tokens it pushes ..."

    def _ask(self) -> None:
        self.run_worker(self._fetch(), group="lens", exclusive=True, exit_on_error=False)

    async def _fetch(self) -> None:
        run, row = self._run, self._row
        if run.path is None or row is None:
            return
        try:
            lens = await explorer_of(self).engine.lens(run.path, str(run.neuron_name(row)))
        except MechaMapError as error:
            if row == self._row:
                self._message = error_text(error)
                self.renew()
            return
        self._answers[row] = lens
        if len(self._answers) > KEPT:
            self._answers.popitem(last=False)
        if row == self._row:  # the cursor may have moved on
            self._message = ""
            self.renew()

    # --- lines -----------------------------------------------------------------------------------------------

    def measure(self, width: int) -> int:
        self._lines = []
        run, row = self._run, self._row
        if row is None:
            return 0
        lens, categories = self._answers.get(row), _by_category(run, row, self._category)
        if self._message:
            self._lines += [[(line, "dim")] for line in wrap(clean(self._message), width)] + [[]]
        if lens is None:
            self._beside([categories], width)
            return len(self._lines)
        tokens = [_tokens("pushes up", lens.promoted), _tokens("pushes down", lens.suppressed)]
        if width >= THREE_COLUMNS or not categories:
            self._beside([*tokens, categories] if categories else tokens, width)
        else:
            self._beside(tokens, width)
            self._lines.append([])
            self._beside([categories], width)
        self._lines.append([(clean(lens.unit), "dim")])
        return len(self._lines)

    def _beside(self, columns: list[Column], width: int) -> None:
        room = min((width - GAP * (len(columns) - 1)) // len(columns), 34)
        for index in range(max(map(len, columns))):
            pieces = []
            for place, column in enumerate(columns):
                label, number, look = column[index] if index < len(column) else ("", "", "")
                gap = " " * GAP if place else ""
                text = pad(label, max(room - len(number) - 1, 1)) + " " + number
                pieces += [(gap, ""), (pad(text, room), look)]
            self._lines.append(pieces)

    def line(self, index: int, width: int) -> Text:
        text = Text()
        for piece, look in self._lines[index]:
            text.append(piece, self.look(look) if look else "")
        return text


def _tokens(title: str, tokens: tuple[tuple[str, float], ...]) -> Column:
    shown = ((_label(token), z) for token, z in tokens)
    return [(title, "", "title"), *((label, magnitude(z).rjust(NUMBER), "") for label, z in shown)]


def _label(token: str) -> str:
    """A token with its space in front, which is what tells "␣the" from "the"; visible where nothing of it is."""
    return clean(token) if clean(token).strip(" ") else piece_label(token)


def _by_category(run: Run, row: int, current: str) -> Column:
    """How far each category's words are pushed, and p where the run was confirmed."""
    if not run.has("write") or "write" in run.record.undefined:
        return []
    with_p = run.has("write_p")
    lines: Column = [("writes", "".join([" " * (NUMBER - 1) + "z", "     p" if with_p else ""]), "title")]
    for name in run.categories:
        scores = finding(run, row, name)
        p = small_probability(scores.write_p).rjust(6) if with_p else ""
        distance = magnitude(scores.writes)
        look = "dim" if distance == NONE else ""
        lines.append((name, distance.rjust(NUMBER) + p, "cursor" if name == current else look))
    return lines
