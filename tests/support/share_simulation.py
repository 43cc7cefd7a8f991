"""Words drawn from a population that is known, so that the share of neurons that all its words would give is known.

A neuron's placement of a word is a normal number squeezed into 0 to 1: the neuron's mean (most near the middle, a few
far out), what the word has in common for all neurons that heed it, and chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import ndtr

from mechamap.compare.words.placements import PlacedWords

__all__ = ["Population", "percentile_interval"]

FACTORS, HEED, CHANCE = 3, 0.4, 0.6


@dataclass(frozen=True)
class Population:
    """``neurons`` and ``categories`` of a model; ``seed`` makes the neurons, not the words."""

    neurons: int
    categories: int
    seed: int = 0

    def _neurons(self) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        rng = np.random.default_rng(self.seed)
        means = rng.standard_t(3, (self.categories, self.neurons)) * 0.35
        return means, rng.normal(0, HEED, (self.categories, self.neurons, FACTORS))

    def shares(self, threshold: float) -> dict[str, float]:
        """The shares that all words would give."""
        means, heed = self._neurons()
        auroc = ndtr(means / np.sqrt(1 + (heed**2).sum(axis=2) + CHANCE**2))  # [categories, neurons]
        holds = np.abs(2 * auroc - 1) >= threshold
        times = holds.sum(axis=0)
        found = {"exactly one": (times == 1).mean(), "at least one": (times > 0).mean()}
        return found | {f"c{at}": its.mean() for at, its in enumerate(holds)}

    def drawn(self, words: int, seed: int) -> PlacedWords:
        """Placements of so many words a category, each occurring once."""
        rng = np.random.default_rng((self.seed, seed))
        means, heed = self._neurons()
        sums = []
        for mean, its in zip(means, heed, strict=True):
            shared = its @ rng.normal(size=(FACTORS, words))
            sums.append(ndtr(mean[:, None] + shared + rng.normal(0, CHANCE, shared.shape)))
        return PlacedWords(
            tuple(f"c{at}" for at in range(self.categories)),
            np.repeat(np.arange(self.categories), words),
            tuple(f"w{at}" for at in range(words)) * self.categories,
            np.concatenate(sums, axis=1).astype(np.float32),
            np.ones((1, words * self.categories), np.float32),
        )


def percentile_interval(placed: PlacedWords, threshold: float, draws: int, seed: int) -> tuple[float, float]:
    """What many would give for ``at least one``: quantiles of resamples, in the plainest numpy."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(draws):
        holds = np.zeros(len(placed.sums), bool)
        for number in range(len(placed.categories)):
            columns = rng.choice(placed.of_category(number), int((placed.category == number).sum()))
            auroc = placed.sums[:, columns].sum(axis=1) / placed.counts[0, columns].sum()
            holds |= np.abs(2 * auroc - 1) >= threshold
        found.append(holds.mean())
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
