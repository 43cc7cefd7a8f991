"""For each neuron of a model its closest one in another: the highest correlation over words that both have read.

As in "Universal Neurons in GPT2 Language Models" (Gurnee et al., 2024, arXiv:2401.12181), with one difference: a neuron
is as close to another whose activation is the opposite, since in gated models the sign of an activation is arbitrary
(turn the signs of a neuron's up-projection and of its output weights, and the model computes the same). So neurons are
matched by the magnitude of their correlation, unless :attr:`MatchSettings.signed`.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest.products import products_on
from mechamap.compare.closest.search import Search, nothing
from mechamap.compare.closest.settings import LEAST_WORDS, MatchSettings
from mechamap.compare.closest.unit_rows import NeuronRows
from mechamap.errors import OutOfMemory, UsageError
from mechamap.events import Listener
from mechamap.wording.advice import Advice, Setting

__all__ = ["UNIVERSAL", "Matches", "closest_neurons"]


UNIVERSAL = 0.5  # an excess above it counts as universal (Gurnee et al., section 4.1)
_NO_MEMORY = re.compile(r"OutOfMemory|out of memory|ALLOC_FAILED", re.I)  # as torch says it, on any device


@dataclass(frozen=True)
class Matches:
    """The closest neurons, one row per neuron; NaN and -1 where there is none.

    There is none for a neuron that does not vary over the words, or whose activations are not finite there, and none
    at all where no neuron of the other model varies. Of equally close ones the first counts.

    Attributes:
        best: ``[neurons of a]``, rows of b.
        correlation: ``[neurons of a]``, with it, with its sign.
        baseline: ``[neurons of a]``, the largest magnitude of a correlation (``signed``: the largest) with b's
            activations rotated or shuffled; NaN without a baseline.
        best_b, correlation_b: the same the other way round, rows of a for the neurons of b.
        baseline_b: likewise; NaN unless asked for (``both``).
        words: over how many.
    """

    best: NDArray[np.int64]
    correlation: NDArray[np.float32]
    baseline: NDArray[np.float32]
    best_b: NDArray[np.int64]
    correlation_b: NDArray[np.float32]
    baseline_b: NDArray[np.float32]
    words: int
    settings: MatchSettings

    @property
    def excess(self) -> NDArray[np.float32]:
        """``[neurons of a]``, how far the correlation is above the baseline."""
        return self._strength(self.correlation) - self.baseline

    @property
    def excess_b(self) -> NDArray[np.float32]:
        """``[neurons of b]``."""
        return self._strength(self.correlation_b) - self.baseline_b

    @property
    def mutual(self) -> NDArray[np.bool_]:
        """``[neurons of a]``, whether the neuron is the closest to its closest one."""
        return _mutual(self.best, self.best_b)

    @property
    def mutual_b(self) -> NDArray[np.bool_]:
        """``[neurons of b]``."""
        return _mutual(self.best_b, self.best)

    def _strength(self, correlation: NDArray[np.float32]) -> NDArray[np.float32]:
        return correlation if self.settings.signed else np.abs(correlation)


def closest_neurons(
    a: NeuronRows,
    b: NeuronRows,
    settings: MatchSettings = MatchSettings(),
    *,
    device: str | None = None,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Matches:
    """For each neuron of a model the closest of another, and the other way round, over the same words.

    Args:
        a: activations over words, ``[neurons, words]``.
        b: over the same words, in the same order.
        settings: what counts as close, and the baseline.
        device: where the products are worked out: the CPU with numpy where not given, else with torch.
        on_event: called with the progress.
        cancel: set it to stop.

    Raises:
        UsageError: the words are not as many on both sides, or too few, or the settings make no sense.
        OutOfMemory: the device has too little.
        Cancelled: ``cancel`` was set.
    """
    settings.check()
    words = a.shape[1]
    if words != b.shape[1]:
        raise UsageError(f"Neurons over {words:,} words cannot be matched with neurons over {b.shape[1]:,}.")
    if words < LEAST_WORDS:
        raise UsageError(
            f"Neurons cannot be matched over {words} words.",
            Advice.of("Have both read a longer text: {}.", Setting("text", "FILE")),
        )
    search = Search(products_on(device, signed=settings.signed), on_event, cancel)
    with _memory_of(device):
        best, best_b = search.closest(a, b)
        baseline, baseline_b = search.baselines(a, b, settings)
    return Matches(
        best=best,
        correlation=_correlations(a, b, best),
        baseline=baseline,
        best_b=best_b,
        correlation_b=_correlations(b, a, best_b),
        baseline_b=baseline_b,
        words=words,
        settings=settings,
    )


@contextmanager
def _memory_of(device: str | None) -> Iterator[None]:
    """Say which device's memory ran out, and what needs less."""
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        text = str(error).strip()
        if not isinstance(error, MemoryError) and not _NO_MEMORY.search(f"{type(error).__name__} {text}"):
            raise
        raise OutOfMemory(
            f"The search for closest neurons does not fit into the memory of {device or 'this computer'}: "
            f"{text.partition('. ')[0] or type(error).__name__}",
            _with_less_memory(device),
        ) from error


def _with_less_memory(device: str | None) -> Advice:
    if device in (None, "cpu"):
        return Advice.of("Compare over fewer words ({}).", Setting("words"))
    return Advice.of("Compare over fewer words ({}), or with {}.", Setting("words"), Setting("device", "cpu"))


def _correlations(a: NeuronRows, b: NeuronRows, best: NDArray[np.int64]) -> NDArray[np.float32]:
    """The correlation of each neuron with its closest, recomputed in float64, as the search rounds."""
    correlations = nothing(a)
    for first in range(0, len(best), 1024):
        rows = first + np.flatnonzero(best[first : first + 1024] >= 0)  # [rows]
        one = a.block(rows).astype(np.float64)  # [rows, words]
        other = b.block(best[rows]).astype(np.float64)  # [rows, words]
        one -= one.mean(axis=1, keepdims=True)
        other -= other.mean(axis=1, keepdims=True)
        lengths = np.sqrt(np.vecdot(one, one) * np.vecdot(other, other))
        correlations[rows] = (np.vecdot(one, other) / lengths).clip(-1, 1)
    return correlations


def _mutual(best: NDArray[np.int64], back: NDArray[np.int64]) -> NDArray[np.bool_]:
    matched = best >= 0
    mutual = np.zeros(len(best), np.bool_)
    mutual[matched] = back[best[matched]] == np.flatnonzero(matched)
    return mutual
