"""Two runs' neurons over the same words: the part of a comparison that needs activations."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace

import numpy as np

from mechamap.compare.closest.matching import Matches, closest_neurons
from mechamap.compare.closest.settings import ENOUGH_WORDS, LEAST_WORDS, MatchSettings
from mechamap.compare.closest.specialised_shares import THRESHOLD, Shares, specialised_shares
from mechamap.compare.words.activations import ModelWords, aligned
from mechamap.compare.words.placements import PlacedWords
from mechamap.errors import UsageError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.runs.run import Run

__all__ = ["USUAL", "Closest", "closest_of"]


USUAL = MatchSettings()


@dataclass(frozen=True)
class Closest:
    """The closest neurons of two runs.

    Attributes:
        matches: rows are the runs' own.
        words_in_common: how many words both have read; fewer are compared where the user asked for fewer.
        shares: of specialised neurons; None where the activations came without placements.
        placed: the placements that the shares were counted from, to count again from another threshold on: 4 bytes a
            neuron and word of a category, in a temporary file where they are large
            (:mod:`mechamap.compare.words.scratch_array`).
    """

    a: Run
    b: Run
    matches: Matches
    words_in_common: int
    shares: Shares | None = None
    placed: tuple[PlacedWords, PlacedWords] | None = None

    def specialised_from(
        self,
        threshold: float,
        on_event: Listener = lambda event: None,
        cancel: threading.Event | None = None,
    ) -> Closest:
        """The same with neurons specialised from that \\|selectivity\\| on; itself where they were counted so.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        if self.placed is None or (self.shares is not None and self.shares.threshold == threshold):
            return self
        shares = specialised_shares(*self.placed, threshold=threshold, on_event=on_event, cancel=cancel)
        return replace(self, shares=shares)


def closest_of(
    a: ModelWords,
    b: ModelWords,
    settings: MatchSettings = USUAL,
    *,
    specialised: float = THRESHOLD,
    device: str | None = None,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Closest:
    """Find the closest neurons of two runs over the words that both have read.

    Their activations are not held on to.

    Args:
        specialised: from which \\|selectivity\\| on a neuron is specialised.
        device: see :func:`mechamap.compare.closest.matching.closest_neurons`.

    Raises:
        UsageError: different texts, too few words, or settings that make no sense.
        Cancelled: ``cancel`` was set.
    """
    words = settings.words
    if words and words < LEAST_WORDS:
        raise UsageError(
            f"Neurons cannot be matched over {words} words.", f"{ENOUGH_WORDS} is a good number; 0 means all."
        )
    on_event(StageEntered(Stage.MATCH, "words that both have read"))
    one, other = aligned(a, b)
    words_in_common = len(one.numbers)
    if words and words < words_in_common:
        chosen = one.numbers[np.linspace(0, words_in_common - 1, words).round().astype(np.intp)]
        one, other = one.at(chosen), other.at(chosen)
    matches = closest_neurons(one, other, settings, device=device, on_event=on_event, cancel=cancel)
    placed = (a.placed, b.placed) if a.placed is not None and b.placed is not None else None
    closest = Closest(a.run, b.run, matches, words_in_common, placed=placed)
    return closest.specialised_from(specialised, on_event, cancel)
