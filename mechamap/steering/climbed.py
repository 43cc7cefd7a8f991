"""The steps of a ladder as they are shown, from what the rows of all its batches predict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mechamap.protocol.steering import LadderRow, Shift
from mechamap.steering.falling_apart import why_apart
from mechamap.steering.next_token import Predicted
from mechamap.steering.verdict import is_beyond

__all__ = ["Climbed", "finite"]


@dataclass(frozen=True, slots=True, eq=False)
class Climbed:
    """What a ladder's rows predict.

    Attributes:
        strengths: of the steps; None where the mode knows none.
        controls: how many there are.
        words: for each category the places of its words among the shifts.
        others: for each category the places of the other categories' words that it does not share.
        steps: of the steps, and of the untouched model behind them.
        beside: of each step's controls, step after step, and behind them of the steps with their signs turned round.
        texts: the tokens that each step goes on with, and behind them those of the untouched model.
        tokenizer: the model's.
    """

    strengths: Sequence[float | None]
    controls: int
    words: Mapping[str, Tensor]
    others: Mapping[str, Tensor]
    steps: Predicted
    beside: Predicted
    texts: Sequence[Sequence[int]]
    tokenizer: Any

    def rows(self) -> tuple[LadderRow, ...]:
        """The steps, in the order of their strengths."""
        return tuple(self._row(number, strength) for number, strength in enumerate(self.strengths))

    def untouched(self) -> LadderRow:
        """The model as it is."""
        return LadderRow(None, self._top(len(self.strengths)), kl=0.0, kl_mean=0.0, text=self._decoded(self.texts[-1]))

    def _row(self, number: int, strength: float | None) -> LadderRow:
        kl, kl_mean = float(self.steps.kl[number]), float(self.steps.kl_mean[number])
        text = self.texts[number]
        return LadderRow(
            strength=strength,
            top=self._top(number),
            kl=finite(kl),
            kl_mean=finite(kl_mean),
            control_kl=tuple(map(finite, self.beside.kl[self._controls_of(number)].tolist())),
            categories=self._shifts(number, strength),
            text=self._decoded(text),
            apart=why_apart(kl, kl_mean, text, self.texts[-1]),
        )

    def _controls_of(self, number: int) -> slice:
        return slice(number * self.controls, (number + 1) * self.controls)

    def _shifts(self, number: int, strength: float | None) -> dict[str, Shift]:
        """What a step did to each category."""
        place = len(self.strengths) * self.controls + number  # of the sign turned round
        beside = {name: self._specific(self.beside, name) for name in self.words}  # [rows] each
        controls: dict[str, list[float]] = {name: of[self._controls_of(number)].tolist() for name, of in beside.items()}
        every = [value for values in controls.values() for value in values]
        scatter = math.sqrt(sum(value * value for value in every) / len(every)) if every else math.nan
        shifts = {}
        for name, places in self.words.items():
            change = float(self.steps.shifts[number, places].mean())
            specific = float(self._specific(self.steps, name)[number])
            turned = None if strength is None else float(beside[name][place])
            beyond = strength != 0 and is_beyond(specific, controls[name], turned, scatter)
            shown = tuple(map(finite, controls[name]))
            shifts[name] = Shift(finite(change), finite(specific), shown, finite(turned), beyond)
        return shifts

    def _specific(self, predicted: Predicted, name: str) -> Tensor:
        """The change of a category's words beyond that of other categories' words, ``[rows]``.

        Where there are none, beyond that of the whole vocabulary.
        """
        others = self.others[name]
        rest = predicted.shifts[:, others].mean(dim=1) if len(others) else predicted.overall
        return predicted.shifts[:, self.words[name]].mean(dim=1) - rest

    def _top(self, number: int) -> tuple[tuple[str, float], ...]:
        pairs = zip(self.steps.top_p[number].tolist(), self.steps.top_ids[number].tolist(), strict=True)
        return tuple((self._decoded([token]), value) for value, token in pairs if math.isfinite(value))

    def _decoded(self, tokens: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(tokens))
        return text


def finite(value: float | None) -> float | None:
    """A number, None where it is not finite."""
    return value if value is not None and math.isfinite(value) else None
