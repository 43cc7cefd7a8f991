"""How well a direction of the residual stream reads a category: the difference of means, beside a random one.

The direction of a category is the mean of the stream at its words less the mean at all others. As with neurons
(:mod:`mechamap.scores.carriers.held_out`), one half of the words chooses and the other tests, over the same splits. A
direction is fitted to the half that chooses it and would separate that half in every layer; so the layer is chosen by
the AUROC of each word along the direction that the half's other words give.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.carriers.held_out import halves_of_words
from mechamap.scores.ranks import average_precision, sorted_bounds

__all__ = ["HeldOutDirections", "LayerChoice"]


@dataclass(frozen=True, slots=True)
class LayerChoice:
    """The layer that one half of the words chose for a category, and how its direction did on the other half."""

    layer: int
    strength: float  # what it was chosen by: AUROC - 1/2, without its sign where the sign is chosen too
    auroc: float
    ap: float


@dataclass(frozen=True, slots=True)
class _Half:
    """Some of the words, with their occurrences."""

    words: NDArray[np.intp]
    columns: NDArray[np.intp]  # the occurrences of these words among all
    labels: NDArray[np.bool_]  # [words of the half, categories]
    by_occurrence: NDArray[np.bool_]  # [occurrences of the half, categories]

    @property
    def inside(self) -> NDArray[np.intp]:
        """How many words of each category there are, ``[categories]``."""
        counts: NDArray[np.intp] = self.labels.sum(axis=0)
        return counts

    @property
    def outside(self) -> NDArray[np.intp]:
        """How many other words."""
        return len(self.words) - self.inside


class HeldOutDirections:
    """Directions of one layer after another, and which layer each half of the words chose.

    Args:
        members: ``[words, categories]``, which word is in which category.
        occurrences: how many vectors there are for each word.
        splits: random halvings, each used in both directions.
        seed: of the halvings and of the random directions.
    """

    def __init__(self, members: NDArray[np.bool_], occurrences: int, splits: int, seed: int) -> None:
        self._occurrences, self._seed = occurrences, seed
        self._halves = [_half(members, words, occurrences) for words in halves_of_words(members, splits, seed)]
        self._fitted: list[dict[int, LayerChoice]] = [{} for _ in self._halves]  # by the half that chose, by category
        self._random: list[dict[int, LayerChoice]] = [{} for _ in self._halves]

    def add(self, stream: NDArray[np.float32], layer: int) -> None:
        """Try the directions of another layer.

        Args:
            stream: ``[words * occurrences, d_model]``, a word's occurrences side by side, finite.
            layer: the layer's number.
        """
        centred = stream - stream.mean(axis=0)
        of_words = centred.reshape(-1, self._occurrences, centred.shape[1]).mean(axis=1)  # [words, d_model]
        products = centred @ of_words.T  # [words * occurrences, words]
        rng = np.random.default_rng((self._seed, layer))
        random = centred @ rng.standard_normal(
            (centred.shape[1], len(self._halves)), np.float32
        )  # [occurrences, halves]
        for number, choosing in enumerate(self._halves):
            halves = choosing, self._halves[number ^ 1]
            self._keep_fitted(products[:, choosing.words], halves, layer, self._fitted[number])
            self._keep_random(random[:, number], halves, layer, self._random[number])

    def _keep_fitted(
        self, products: NDArray[np.float32], halves: tuple[_Half, _Half], layer: int, best: dict[int, LayerChoice]
    ) -> None:
        """Take this layer's directions for those categories that the choosing half reads best in it so far.

        Args:
            products: ``[all occurrences, words of the choosing half]``, each occurrence times each word's mean.
            halves: the one that chooses, and the one that tests.
        """
        choosing, testing = halves
        # a word that is alone leaves no others to find its direction by
        usable = (choosing.inside >= 2) & (choosing.outside >= 2) & (testing.inside > 0) & (testing.outside > 0)
        left_out = _along_others(products[choosing.columns], choosing, self._occurrences)
        strengths = _aurocs(left_out, choosing.by_occurrence) - 0.5
        tested = products[testing.columns]
        for category in np.flatnonzero(usable).tolist():
            strength = float(strengths[category])
            if category not in best or best[category].strength < strength:
                inside = choosing.labels[:, category]
                values = tested[:, inside].mean(axis=1) - tested[:, ~inside].mean(axis=1)
                best[category] = _choice(layer, strength, values, testing.by_occurrence[:, category])

    def _keep_random(
        self, along: NDArray[np.float32], halves: tuple[_Half, _Half], layer: int, best: dict[int, LayerChoice]
    ) -> None:
        """The same for a random direction, of which the choosing half chooses the sign too.

        Args:
            along: ``[all occurrences]``, each occurrence along the direction.
            halves: the one that chooses, and the one that tests.
        """
        choosing, testing = halves
        usable = (choosing.inside > 0) & (choosing.outside > 0) & (testing.inside > 0) & (testing.outside > 0)
        above = _aurocs(along[choosing.columns, None], choosing.by_occurrence) - 0.5
        for category in np.flatnonzero(usable).tolist():
            strength = abs(float(above[category]))
            if category not in best or best[category].strength < strength:
                values = along[testing.columns] * np.float32(-1 if above[category] < 0 else 1)
                best[category] = _choice(layer, strength, values, testing.by_occurrence[:, category])

    def choices(self, category: int) -> list[LayerChoice]:
        """Each half's choice for a category over all layers so far; none of a half with fewer than two of its words."""
        return [best[category] for best in self._fitted if category in best]

    def random_choices(self, category: int) -> list[LayerChoice]:
        """The same among one random direction for each layer and half."""
        return [best[category] for best in self._random if category in best]


def _half(members: NDArray[np.bool_], words: NDArray[np.intp], occurrences: int) -> _Half:
    columns = (words[:, None] * occurrences + np.arange(occurrences)).ravel()
    return _Half(words, columns, members[words], np.repeat(members[words], occurrences, axis=0))


def _along_others(products: NDArray[np.float32], half: _Half, occurrences: int) -> NDArray[np.float32]:
    """Each occurrence along the directions that all words of the half but its own give, ``[occurrences, categories]``.

    Args:
        products: ``[occurrences of the half, words of the half]``, each occurrence times each word's mean.
        half: the half.
        occurrences: of each word.
    """
    # Each word has a direction of its own, along which what all occurrences have in common is not the same.
    centred = products - products.mean(axis=0)
    own = centred[np.arange(len(centred)), np.repeat(np.arange(len(half.words)), occurrences), None]
    inside, labels = half.by_occurrence, half.labels.astype(np.float32)
    of_category = (centred @ labels - own * inside) / (half.inside - inside).clip(1)
    of_others = (centred @ (1 - labels) - own * ~inside) / (half.outside - ~inside).clip(1)
    along: NDArray[np.float32] = (of_category - of_others).astype(np.float32)
    return along


def _choice(layer: int, strength: float, values: NDArray[np.float32], labels: NDArray[np.bool_]) -> LayerChoice:
    auroc = _aurocs(values[:, None], labels[:, None])[0]
    return LayerChoice(layer, strength, float(auroc), float(average_precision(values[None], labels)[0]))


def _aurocs(values: NDArray[np.float32], labels: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The AUROC for each column of labels, ``[categories]``; NaN where all or none are positive.

    Args:
        values: ``[n, categories]``, or ``[n, 1]`` for all categories.
        labels: ``[n, categories]``.
    """
    _, first, last = sorted_bounds(np.ascontiguousarray(values.T))
    ranks = (first + last) / 2  # [categories or 1, n], from 0
    inside = labels.sum(axis=0)
    above = (ranks * labels.T).sum(axis=1) - inside * (inside - 1) / 2  # pairs in the right order
    with np.errstate(invalid="ignore"):
        aurocs: NDArray[np.float64] = above / (inside * (len(labels) - inside))
    return aurocs
