"""How well a reading holds on words that it was not chosen by.

The words of every category, and all others, are split in halves. Neuron and sign are chosen by the AUROC on one half
and scored on the other; then the halves swap. There are several random splits, each of which gives two choices.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.ranks import average_precision

__all__ = ["Choice", "HeldOut", "halves_of_words"]


STRONG = 0.4  # |AUROC - 1/2|, on every half, from which the average precision is worked out


@dataclass(frozen=True, slots=True)
class Choice:
    """The neuron that one half of the words chose for a category, and how it did on the other half."""

    row: int
    sign: int
    strength: float  # what it was chosen by
    auroc: float
    ap: float


@dataclass(frozen=True, slots=True)
class _Half:
    words: NDArray[np.intp]  # which
    labels: NDArray[np.float32]  # [words of the half, categories]
    occurrences: int  # of each word
    per_pair: NDArray[np.float64]  # [categories]; infinite where a half has no word of a category, or no other

    @property
    def defined(self) -> NDArray[np.bool_]:
        """Which categories are defined on the half."""
        return np.isfinite(self.per_pair)

    def auroc(self, ranks: NDArray[np.float32]) -> NDArray[np.float64]:
        """AUROC - 1/2, ``[neurons, categories]``, from the words' ranks within the half; 0 where not defined."""
        return np.where(self.defined, (ranks @ self.labels) * np.where(self.defined, self.per_pair, 0), 0.0)

    def precision(
        self, values: NDArray[np.float32], rows: NDArray[np.intp], signs: NDArray[np.int_], category: int
    ) -> NDArray[np.float64]:
        """Average precision of some rows of ``[neurons, all words * occurrences]``, each times its sign: ``[rows]``."""
        columns = (self.words[:, None] * self.occurrences + np.arange(self.occurrences)).ravel()
        signed = values[rows][:, columns] * signs[:, None].astype(np.float32)
        return average_precision(signed, np.repeat(self.labels[:, category] > 0, self.occurrences))


@dataclass(frozen=True, slots=True)
class _Turn:
    """One direction of a split: half number ``choosing`` chooses, half number ``testing`` tests; the best so far."""

    choosing: int
    testing: int
    by_auroc: dict[int, Choice] = field(default_factory=dict)  # by category
    by_mean: dict[int, Choice] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Layer:
    """The neurons of the layer that is added."""

    values: NDArray[np.float32]  # [neurons, words * occurrences]
    first_row: int
    word_means: NDArray[np.float32]  # [neurons, words]
    centred: list[NDArray[np.float64]]  # AUROC - 1/2 on each half, [neurons, categories]
    strong: NDArray[np.bool_]  # [neurons, categories] worth an average precision


class HeldOut:
    """Held-out scores, one layer after another; see the module.

    Args:
        members: ``[words, categories]``, which word is in which category; other words are in none.
        occurrences: how many values there are for each word.
        splits: random halvings, each used in both directions.
        seed: of the halvings.
    """

    def __init__(self, members: NDArray[np.bool_], occurrences: int, splits: int, seed: int) -> None:
        self._occurrences = occurrences
        halves = halves_of_words(members, splits, seed)
        self._halves = [_half(members, words, occurrences) for words in halves]
        self._turns = [_Turn(number, number ^ 1) for number in range(len(halves))]  # halves 0 and 1, 2 and 3, ...

    @property
    def halves(self) -> list[NDArray[np.intp]]:
        """The words of each half, ascending; two that follow each other are complementary."""
        return [half.words for half in self._halves]

    def add(
        self, values: NDArray[np.float32], ranks: Sequence[NDArray[np.float32]], first_row: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Score another layer.

        Args:
            values: ``[neurons, words * occurrences]``, a word's occurrences side by side, finite.
            ranks: of each half's words within it, ``[neurons, words]``, see
                :func:`mechamap.scores.carriers.word_ranks.word_ranks`.
            first_row: the row of the first of these neurons.

        Returns:
            The held-out AUROC in the direction of the chosen sign, and the average precision likewise (NaN where the
            neuron is far from reading the category), means over all turns, ``[neurons, categories]`` each.
        """
        centred = [half.auroc(half_ranks) for half, half_ranks in zip(self._halves, ranks, strict=True)]
        strong = np.logical_and.reduce(
            [(np.abs(auroc) >= STRONG) | ~half.defined for auroc, half in zip(centred, self._halves, strict=True)]
        )
        word_means = values.reshape(len(values), -1, self._occurrences).mean(axis=2)  # [neurons, words]
        layer = _Layer(values, first_row, word_means, centred, strong)
        aurocs, precisions = zip(*(self._turn(turn, layer) for turn in self._turns), strict=True)
        return _mean_of(np.stack(aurocs)), _mean_of(np.stack(precisions))

    def _turn(self, turn: _Turn, layer: _Layer) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """One direction of one split: held-out AUROC and precision, ``[neurons, categories]``; infinite: undefined."""
        choosing, testing = self._halves[turn.choosing], self._halves[turn.testing]
        chosen, tested = layer.centred[turn.choosing], layer.centred[turn.testing]  # [neurons, categories]
        defined = choosing.defined & testing.defined  # [categories]
        signs = np.where(chosen < 0, -1, 1)
        strong = layer.strong & defined
        precision = np.full(chosen.shape, np.nan)
        for category in np.flatnonzero(strong.any(axis=0)).tolist():
            rows = np.flatnonzero(strong[:, category])
            precision[rows, category] = testing.precision(layer.values, rows, signs[rows, category], category)
        words = choosing.labels.sum(axis=0)  # [categories]
        means = layer.word_means[:, choosing.words] @ choosing.labels / words.clip(1)  # [neurons, categories]
        for category in np.flatnonzero(defined).tolist():
            furthest = int(np.abs(chosen[:, category]).argmax())
            strength = abs(float(chosen[furthest, category]))
            sign = int(signs[furthest, category])
            self._keep(turn.by_auroc, turn, layer, (furthest, category), sign=sign, strength=strength)
            highest = int(means[:, category].argmax())
            mean = float(means[highest, category])
            self._keep(turn.by_mean, turn, layer, (highest, category), sign=1, strength=mean)
        return np.where(defined, 0.5 + signs * tested, np.inf), np.where(defined, precision, np.inf)

    def _keep(
        self, best: dict[int, Choice], turn: _Turn, layer: _Layer, place: tuple[int, int], *, sign: int, strength: float
    ) -> None:
        """Take a neuron of this layer for a category, if it beats those of the layers before."""
        row, category = place
        if category in best and best[category].strength >= strength:
            return
        precision = self._halves[turn.testing].precision(layer.values, np.array([row]), np.array([sign]), category)
        auroc = 0.5 + sign * float(layer.centred[turn.testing][place])
        best[category] = Choice(layer.first_row + row, sign, strength, auroc, float(precision[0]))

    def choices(self, category: int) -> list[Choice]:
        """Each half's choice for a category over all layers so far; fewer than twice the splits where some could not
        choose."""
        return [turn.by_auroc[category] for turn in self._turns if category in turn.by_auroc]

    def choices_by_mean(self, category: int) -> list[Choice]:
        """What ranking by mean activation, as the original tool did, would have chosen from the same words."""
        return [turn.by_mean[category] for turn in self._turns if category in turn.by_mean]


def _half(members: NDArray[np.bool_], words: NDArray[np.intp], occurrences: int) -> _Half:
    labels = members[words]
    inside = labels.sum(axis=0)  # [categories]
    with np.errstate(divide="ignore"):
        per_pair = 1.0 / (inside * (len(words) - inside) * occurrences**2)
    return _Half(words, labels.astype(np.float32), occurrences, per_pair)


def _mean_of(turns: NDArray[np.float64]) -> NDArray[np.float32]:
    """Mean over the first dimension; what is infinite is left out, and NaN where anything is NaN or all is infinite."""
    counted = ~np.isinf(turns)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean: NDArray[np.float32] = (np.where(counted, turns, 0).sum(axis=0) / counted.sum(axis=0)).astype(np.float32)
    return mean


def halves_of_words(members: NDArray[np.bool_], splits: int, seed: int) -> list[NDArray[np.intp]]:
    """Which words are in each half: halves 0 and 1 are the first split, 2 and 3 the second, ...

    Args:
        members: ``[words, categories]``, which word is in which category.
        splits: random halvings.
        seed: of the halvings.
    """
    rng = np.random.default_rng(seed)
    return [words for _ in range(splits) for words in _halved(members, rng)]


def _halved(members: NDArray[np.bool_], rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Random halves of the words, each with half of every category's; an odd word goes to either side."""
    first = np.zeros(len(members), np.bool_)
    _, kind = np.unique(members, axis=0, return_inverse=True)
    for number in range(int(kind.max(initial=-1)) + 1):
        words = rng.permutation(np.flatnonzero(kind.ravel() == number))
        first[words[: (len(words) + int(rng.integers(2))) // 2]] = True
    return np.flatnonzero(first), np.flatnonzero(~first)
