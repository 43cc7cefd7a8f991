"""How many neurons are specialised in a category, and how sure that is, given that other words could have been chosen.

The words of a category stand for all words that could be listed. Resampling them (all occurrences of a word together)
shows how much the share of neurons at or above a threshold depends on which were. Such a share is too high: chance
carries more neurons over a threshold far out than back; and a resample, noisy twice, is too high by about as much
again. So quantiles of resamples are not limits for the share that all words would give: in simulations they never
contain it. The basic bootstrap interval (Davison & Hinkley, 1997, section 5.2) turns them round and takes the bias off:
with S counted and M the mean over resamples, it surrounds 2 S - M. It is widened here by how much noisier 2 S - M is
than S: of the variance of resamples, the part that is linear in how often each word was drawn is in M as in S, while
the rest, neurons that happen to lie about the threshold, is averaged out of M and counts twice in 2 S, four times in
its variance. tests/planted/test_share_coverage.py measures how often the intervals contain the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest.specialised_counts import (
    ANY,
    ONE,
    CountedShares,
    Key,
    counted_shares,
    draw_weights,
    word_keys,
)
from mechamap.compare.words.placements import PlacedWords
from mechamap.errors import Cancelled
from mechamap.events import Listener, Stage, StageEntered

__all__ = ["DRAWS", "Share", "Shares", "specialised_shares"]


DRAWS = 1000
THRESHOLD = 0.9  # of |selectivity|
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a model's neurons, or a difference of two, with its interval.

    Attributes:
        name: a category; ``exactly one`` or ``at least one`` of them.
        counted: at or above the threshold with the words there are.
        corrected: less what chance carries over the threshold; not below 0.
        low, high: limits of the 95 % interval, around ``corrected``.

    All are NaN of a category that has no word in the text, ``exactly one`` and ``at least one`` where none has any; all
    but ``counted`` where there is a single word, since resamples of one word are all the same.
    """

    name: str
    counted: float
    corrected: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Shares:
    """Specialised neurons of one model or two.

    Attributes:
        a, b: for ``exactly one``, ``at least one`` and each category; ``b`` is empty for one model.
        difference: a's share less b's, of all that both have; the same words were drawn for both.
        neurons: how many the shares are of, of each model: those with scores.
    """

    a: tuple[Share, ...]
    b: tuple[Share, ...]
    difference: tuple[Share, ...]
    neurons: tuple[int, ...]
    threshold: float
    draws: int
    seed: int


def specialised_shares(
    a: PlacedWords,
    b: PlacedWords | None = None,
    *,
    threshold: float = THRESHOLD,
    draws: int = DRAWS,
    seed: int = 0,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Shares:
    """The share of neurons whose \\|selectivity\\| is at or above a threshold, with intervals over words.

    A neuron is specialised in exactly one category, in at least one, and in each, by itself. Words of the same category
    that are spelled alike are drawn equally often for both models.

    Args:
        a: a model's placements.
        b: another's.
        threshold: of \\|2 AUROC - 1\\|.
        draws: resamples.
        seed: of them.
        on_event: called with the progress.
        cancel: set it to stop.

    Raises:
        Cancelled: ``cancel`` was set.
    """

    def reached(model: PlacedWords, row: int) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The comparison was cancelled.")
        on_event(StageEntered(Stage.MATCH, f"shares of specialised neurons: {row:,} of {len(model.sums):,} neurons"))

    models = (a,) if b is None else (a, b)
    keys = sorted({key for model in models for key in word_keys(model)})
    weights = draw_weights(keys, draws, np.random.default_rng(seed))  # [keys, draws]
    counted = [counted_shares(model, weights, keys, threshold, reached) for model in models]
    shares = [tuple(_shares(of_model, weights, keys, limits=(0.0, 1.0))) for of_model in counted]
    difference: tuple[Share, ...] = ()
    if b is not None:
        alike = set(a.categories) == set(b.categories)
        names = [name for name in counted[0].names if name in counted[1].names and (alike or name not in (ONE, ANY))]
        both = CountedShares(
            tuple(names),
            counted[0].of(names) - counted[1].of(names),
            counted[0].draws_of(names) - counted[1].draws_of(names),
            0,
        )
        difference = tuple(_shares(both, weights, keys, limits=(-1.0, 1.0)))
    return Shares(
        a=shares[0],
        b=shares[1] if b is not None else (),
        difference=difference,
        neurons=tuple(of_model.neurons for of_model in counted),
        threshold=threshold,
        draws=draws,
        seed=seed,
    )


def _shares(
    counted: CountedShares, weights: NDArray[np.float32], keys: Sequence[Key], *, limits: tuple[float, float]
) -> Iterator[Share]:
    for name, share, drawn in zip(counted.names, counted.shares.tolist(), counted.drawn, strict=True):
        mine = [index for index, key in enumerate(keys) if name in (ONE, ANY, key[0])]
        if len(mine) < 2 or np.isnan(share):
            yield Share(name, share, np.nan, np.nan, np.nan)
            continue
        corrected, low, high = _interval(share, drawn, weights[mine])
        yield Share(name, share, *(float(np.clip(value, *limits)) for value in (corrected, low, high)))


def _interval(share: float, drawn: NDArray[np.float64], weights: NDArray[np.float32]) -> tuple[float, float, float]:
    """The corrected share and its limits, see above.

    Args:
        share: with the words as they are.
        drawn: ``[draws]``.
        weights: ``[words, draws]``, of the words that it depends on.
    """
    mean, variance = float(drawn.mean()), float(drawn.var())
    corrected = 2 * share - mean
    if variance == 0:
        return corrected, corrected, corrected
    # Efron (2014): the covariance with how often a word was drawn is the word's influence on the mean over draws;
    # each is measured with noise, of which the last term takes off what is expected.
    influence = (weights - 1) @ (drawn - mean) / len(drawn)  # [words]
    linear = float(np.clip(np.square(influence).sum() - len(weights) / len(drawn) * variance, 0, variance))
    wider = np.sqrt(4 - 3 * linear / variance)
    low, high = np.quantile(drawn, ((1 - LEVEL) / 2, (1 + LEVEL) / 2)).tolist()
    # Of a share that hardly any draw has, the mean can lie above the upper quantile.
    return corrected, corrected - wider * max(high - mean, 0.0), corrected + wider * max(mean - low, 0.0)
