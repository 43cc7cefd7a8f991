"""How many neurons are specialised in a category, and how sure that is, given that other words could have been chosen.

The words of a category stand for all words that could be listed. Resampling them (all occurrences of a word together)
shows how much the share of neurons at or above a threshold depends on which were. Such a share is too high: chance
carries more neurons over a threshold far out than back; and a resample, noisy twice, is too high by about as much
again. So quantiles of resamples are no limits for the share that all words would give: in simulations they never
contain it. The basic bootstrap interval (Davison & Hinkley, 1997, section 5.2) turns them round and takes the bias off:
with S counted and M the mean over resamples, it surrounds 2 S - M. It is widened here by how much noisier 2 S - M is
than S: of the variance of resamples, the part that is linear in how often each word was drawn is in M as in S, while
the rest, neurons that happen to lie about the threshold, is averaged out of M and counts twice in 2 S, four times in
its variance. tests/planted/test_share_coverage.py measures how often the intervals contain the truth.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.words.placements import PlacedWords
from mechamap.errors import Cancelled
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.catalogue import FEW_OCCURRENCES

__all__ = ["ANY", "DRAWS", "ONE", "Share", "Shares", "specialised_shares"]


ONE, ANY = "exactly one", "at least one"
DRAWS = 1000
THRESHOLD = 0.9  # of |selectivity|
LEVEL = 0.95
BLOCK_BYTES = 32 * 2**20
ROUNDING = 1e-6


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
        on_event: told of how far it is.
        cancel: set it to stop.

    Raises:
        Cancelled: ``cancel`` was set.
    """

    def reached(model: PlacedWords, row: int) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The comparison was cancelled.")
        on_event(StageEntered(Stage.MATCH, f"shares of specialised neurons: {row:,} of {len(model.sums):,} neurons"))

    models = (a,) if b is None else (a, b)
    keys = sorted({key for model in models for key in _keys(model)})
    weights = _weights(keys, draws, np.random.default_rng(seed))  # [keys, draws]
    counted = [_counted(model, weights, keys, threshold, reached) for model in models]
    shares = [tuple(_shares(of_model, weights, keys, limits=(0.0, 1.0))) for of_model in counted]
    difference: tuple[Share, ...] = ()
    if b is not None:
        alike = set(a.categories) == set(b.categories)
        names = [name for name in counted[0].names if name in counted[1].names and (alike or name not in (ONE, ANY))]
        both = _Counted(
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


Key = tuple[str, str]  # category and word


def _keys(model: PlacedWords) -> list[Key]:
    return [(model.categories[number], word) for number, word in zip(model.category.tolist(), model.words, strict=True)]


def _weights(keys: Sequence[Key], draws: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """How often each word is drawn, ``[keys, draws]``: of each category as many as it has."""
    times = np.zeros((len(keys), draws), np.float32)
    for category in sorted({category for category, _ in keys}):
        mine = [index for index, key in enumerate(keys) if key[0] == category]
        times[mine] = rng.multinomial(len(mine), np.full(len(mine), 1 / len(mine)), size=draws).T
    return times


@dataclass(frozen=True, slots=True)
class _Counted:
    """Shares by name, with the words as they are and in every draw."""

    names: tuple[str, ...]
    shares: NDArray[np.float64]  # [names]
    drawn: NDArray[np.float64]  # [names, draws]
    neurons: int

    def of(self, names: Sequence[str]) -> NDArray[np.float64]:
        return self.shares[[self.names.index(name) for name in names]]

    def draws_of(self, names: Sequence[str]) -> NDArray[np.float64]:
        return self.drawn[[self.names.index(name) for name in names]]


def _counted(
    model: PlacedWords,
    weights: NDArray[np.float32],
    keys: Sequence[Key],
    threshold: float,
    reached: Callable[[PlacedWords, int], None],
) -> _Counted:
    """Count neurons block by block, each said before; the first column is that of the words as they are."""
    place = {key: index for index, key in enumerate(keys)}
    mine = weights[[place[key] for key in _keys(model)]]  # [words, draws]
    mine = np.concatenate([np.ones((len(mine), 1), np.float32), mine], axis=1)  # [words, 1 + draws]
    neurons, counts = 0, np.zeros((2 + len(model.categories), mine.shape[1]))
    block = max(BLOCK_BYTES // (4 * mine.shape[1]), 1)
    for first in range(0, len(model.sums), block):
        reached(model, first)
        rows = first + np.flatnonzero(np.isfinite(model.sums[first : first + block]).any(axis=1))
        neurons += len(rows)
        several = np.zeros((len(rows), mine.shape[1]), np.uint16)
        for number in range(len(model.categories)):
            columns = model.of_category(number)
            holds = _holds(model, rows, columns, mine[columns], threshold)  # [block, 1 + draws]
            counts[2 + number] += np.count_nonzero(holds, axis=0)
            several += holds
        counts[0] += np.count_nonzero(several == 1, axis=0)
        counts[1] += np.count_nonzero(several, axis=0)
    counts /= max(neurons, 1)
    unknown = [not len(model.of_category(number)) for number in range(len(model.categories))]
    counts[[all(unknown), all(unknown), *unknown]] = np.nan
    return _Counted((ONE, ANY, *model.categories), counts[:, 0], counts[:, 1:], neurons)


def _holds(
    model: PlacedWords,
    rows: NDArray[np.intp],
    columns: NDArray[np.intp],
    weights: NDArray[np.float32],
    threshold: float,
) -> NDArray[np.bool_]:
    """Which neurons are specialised in a category in which draw: \\|2 AUROC - 1\\| = 2 \\|sum - n/2\\| / n."""
    routed = len(model.counts) > 1
    counts = model.counts[np.ix_(rows, columns)] if routed else model.counts[:, columns]  # [block or 1, words]
    centred = model.sums[np.ix_(rows, columns)] - np.float32(0.5) * counts  # [block, words]
    centred[~np.isfinite(centred).all(axis=1)] = 0.0
    if routed:  # experts: too few occurrences say nothing
        centred[counts.sum(axis=1) < FEW_OCCURRENCES] = 0.0
    least = counts @ weights  # [block or 1, draws]
    least *= np.float32(threshold / 2 * (1 - ROUNDING))
    least[least <= 0] = np.inf  # none of its words was drawn
    distance = centred @ weights  # [block, draws]
    np.abs(distance, out=distance)
    return distance >= least


def _shares(
    counted: _Counted, weights: NDArray[np.float32], keys: Sequence[Key], *, limits: tuple[float, float]
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
