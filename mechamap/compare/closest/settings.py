"""Whether closest neurons can be searched for, and over how many words: checked before any activation is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.config.choices import BASELINES
from mechamap.errors import UsageError
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = [
    "ENOUGH_WORDS",
    "LEAST_WORDS",
    "MatchSettings",
    "cannot_match",
    "has_kept",
    "kept_of_one_text",
    "usual_words",
]


LEAST_WORDS = 3  # any two rows of two values correlate by 1
ENOUGH_WORDS = 200  # over fewer, chance alone makes some of many neurons alike
_USUAL_WORK = 1e12  # multiplications and additions: some ten seconds on two cores


def cannot_match(a: Run, b: Run, *, text_given: bool = False) -> str:
    """Why activations of these runs are unavailable, neither kept nor from a model; empty where they may exist.

    Args:
        text_given: whether there is a text for both to read; otherwise one of them has to keep its own.
    """
    for run in (a, b):
        if reason := (run.why_no_model() if run.record.corpus is not None else run.why_not_rerun()):
            return reason
    if text_given or a.texts or b.texts:
        return ""
    return "Neither run keeps a whole text that both models could read."


def has_kept(run: Run) -> bool:
    """Whether a run keeps the activations of all its complete layers, so that its model need not be run again."""
    layers = run.complete_layers
    return bool(layers) and all(run.activations(layer.layer) is not None for layer in layers)


def kept_of_one_text(a: Run, b: Run) -> bool:
    """Whether both runs kept their activations, of the same text, so that no model need be run."""
    return bool(a.texts) and a.texts == b.texts and has_kept(a) and has_kept(b)


def usual_words(neurons_a: int, neurons_b: int) -> int:
    """How many words to compare on a CPU where the user does not say: what takes seconds, but not too few."""
    # Two products: the closest, and the baseline of A.
    return max(ENOUGH_WORDS, int(_USUAL_WORK / (2 * 2 * neurons_a * neurons_b)))


@dataclass(frozen=True, slots=True)
class MatchSettings:
    """How neurons are matched.

    Attributes:
        baseline: ``rotation``, ``shuffle`` or ``none``, see :mod:`mechamap.compare.closest.baseline`.
        draws: over how many random rotations or orders the baseline is averaged.
        seed: of those.
        signed: only the highest correlation is close, as in the paper; else one near -1 is as close.
        words: over only this many words, evenly spread over the text; None or 0: all, which takes minutes for tens of
            thousands of neurons (:func:`usual_words` says how many do not).
        both: work out the baseline of the other model's neurons too; with ``rotation`` it takes a third product.
    """

    baseline: str = "rotation"
    draws: int = 1
    seed: int = 0
    signed: bool = False
    both: bool = False
    words: int | None = None

    def check(self) -> None:
        """Raises UsageError where they make no sense."""
        if self.baseline not in BASELINES:
            raise UsageError(*unknown_name("baseline", self.baseline, BASELINES))
        if self.draws < 1:
            raise UsageError(f"A baseline cannot have {self.draws} draws.", "Give 1 or more, or the baseline none.")
