"""Two runs' neurons over the same words: what takes activations, and so the models or what runs kept of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mechamap.compare.bootstrap import THRESHOLD, Shares, specialised_shares
from mechamap.compare.matching import Matches, MatchSettings, closest_neurons
from mechamap.compare.word_activations import ModelWords, aligned, has_kept
from mechamap.errors import UsageError
from mechamap.events import ScanEvent, StageEntered
from mechamap.run import Run

__all__ = ["USUAL", "Closest", "cannot_match", "closest_of", "kept_of_one_text", "usual_words"]

USUAL = MatchSettings()
LEAST_WORDS = 200  # over fewer, chance alone makes some of many neurons alike
_USUAL_WORK = 1e12  # multiplications and additions: some ten seconds on two cores


@dataclass(frozen=True)
class Closest:
    """The closest neurons of two runs.

    Attributes:
        a, b: the activations over the words that both have read.
        matches: rows are the runs' own.
        every: how many words both have read; fewer are compared where the user said so.
        shares: of specialised neurons; None where the activations came without placements.
    """

    a: ModelWords
    b: ModelWords
    matches: Matches
    every: int
    shares: Shares | None = None


def cannot_match(a: Run, b: Run) -> str:
    """Why no activations of these runs can be had, neither kept nor from a model; empty where they may be."""
    for run in (a, b):
        if run.record.source == "csv" or run.path is None:
            return f"{run.name} is a CSV, with no model behind it."
        if not run.has_context or not run.record.config.get("texts"):
            return f"{run.name} keeps no text."
    return ""


def kept_of_one_text(a: Run, b: Run) -> bool:
    """Whether both runs kept their activations, of the same text, so that no model need be run."""
    return a.record.config.get("texts") == b.record.config.get("texts") and has_kept(a) and has_kept(b)


def closest_of(
    a: ModelWords,
    b: ModelWords,
    settings: MatchSettings = USUAL,
    words: int | None = None,
    *,
    specialised: float = THRESHOLD,
    device: str | None = None,
    on_event: Callable[[ScanEvent], None] = lambda event: None,
    cancel: threading.Event | None = None,
) -> Closest:
    """Find the closest neurons of two runs over the words that both have read.

    Args:
        words: only so many of them, evenly spread over the text; all where not given (or 0), which takes minutes
            for tens of thousands of neurons: see :func:`usual_words`.
        specialised: from which \\|selectivity\\| on a neuron is specialised, for the shares.
        device: see :func:`mechamap.compare.matching.closest_neurons`.

    Raises:
        UsageError: different texts, too few words, or settings that make no sense.
        Cancelled: ``cancel`` was set.
    """
    if words and words < 3:
        raise UsageError(f"Neurons cannot be matched over {words} words.", f"{LEAST_WORDS} is a good number; 0: all.")
    on_event(StageEntered("match", "words that both have read"))
    one, other = aligned(a, b)
    every = len(one.numbers)
    if words and words < every:
        chosen = one.numbers[np.linspace(0, every - 1, words).round().astype(np.intp)]
        one, other = one.at(chosen), other.at(chosen)
    matches = closest_neurons(one, other, settings, device=device, on_event=on_event, cancel=cancel)
    shares = None
    if a.placed is not None and b.placed is not None:
        on_event(StageEntered("match", "shares of specialised neurons"))
        shares = specialised_shares(a.placed, b.placed, threshold=specialised)
    return Closest(one, other, matches, every, shares)


def usual_words(neurons_a: int, neurons_b: int) -> int:
    """How many words to compare on a CPU where the user does not say: what takes seconds, but not too few."""
    # Two products: the closest, and the baseline of A.
    return max(LEAST_WORDS, int(_USUAL_WORK / (2 * 2 * neurons_a * neurons_b)))
