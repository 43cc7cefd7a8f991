"""Everything that a corpus says about the neurons of a layer: it grows batch by batch and is merged in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.statistics.batch import LayerBatch
from mechamap.statistics.bins import ZERO_BIN
from mechamap.statistics.category_sums import CategorySums
from mechamap.statistics.compiled.backend import add_compiled, is_compiled
from mechamap.statistics.compiled.state import NeuronState
from mechamap.statistics.contexts import Contexts
from mechamap.statistics.draws import DRAWN, Draws
from mechamap.statistics.histogram import Histogram
from mechamap.statistics.moments import Moments
from mechamap.statistics.places import NONE, Places

__all__ = ["LayerStatistics", "bytes_per_neuron"]


class LayerStatistics:
    """The statistics of one layer's neurons, on one device.

    A neuron with an activation that is NaN or infinite is left out: its sums are NaN, its counts 0, it has no contexts.

    Counts, contexts and draws are exactly the same in whichever batches and order the corpus came, and from parts
    merged in whichever order; sums are so up to rounding. Activations are read as float32 and summed as float64.

    Args:
        neurons: of the layer.
        seed: of the draws; that of the :class:`Places` that are added.
        contexts: how many of the highest and of the lowest contexts to keep of each neuron.
        categories: how many there are.
        device: where the statistics are; the activations must be there too.
    """

    def __init__(
        self, neurons: int, seed: int, contexts: int = 16, categories: int = 0, device: torch.device | None = None
    ) -> None:
        device = device or torch.device("cpu")
        self.seed = seed
        self.device = device
        self.moments = Moments.empty(neurons, device)
        self.histogram = Histogram.empty(neurons, device)
        self.contexts = Contexts.empty(neurons, contexts, device)
        self.draws = Draws.empty(neurons, seed, device)
        self.categories = CategorySums.empty(neurons, categories, device)

    @property
    def neurons(self) -> int:
        return len(self.moments.count)

    def add(self, values: Tensor, places: Places, positions: int | None = None, first: int = 0) -> None:
        """Add the activations of a batch.

        Of a routed expert ``values`` has rows for the tokens that came to it alone, and ``positions`` says how many
        there were in all. At the others its neurons are zero: that counts in the moments and the histogram, and is
        neither a context nor drawn.

        Args:
            values: ``[rows, width]``, of any float type.
            places: of the rows.
            positions: of how many positions this is; that of the rows where not given.
            first: the neuron of the first column, where the values are those of a part of the layer, as an expert.
        """
        if values.device.type == "cpu" and is_compiled():
            self._add_compiled(values, places, positions, first)
            return
        columns = slice(first, first + values.shape[1])
        batch = LayerBatch.of(values, places, len(values) if positions is None else positions)
        self.moments.part(columns).add(batch)
        self.histogram.part(columns).add(batch)
        self.contexts.part(columns).add(batch)
        self.draws.part(columns).add(batch)

    def _add_compiled(self, values: Tensor, places: Places, positions: int | None, first: int) -> None:
        rows, width = values.shape
        columns = slice(first, first + width)
        positions = rows if positions is None else positions
        self.moments.count[columns] += positions
        self.histogram.counts[columns, ZERO_BIN] += positions - rows
        if rows and width:
            kept = self.contexts.values.shape[2]
            state = NeuronState(
                self.moments.sums.numpy(),
                self.histogram.counts.numpy(),
                self.contexts.values.view(-1, kept).numpy(),
                self.contexts.keys.view(-1, kept).numpy(),
                self.draws.values.view(-1, DRAWN).numpy(),
                self.draws.keys.view(-1, DRAWN).numpy(),
                self.draws.worst.view(-1).numpy(),
            )
            add_compiled(values, places, state, first)

    def add_occurrences(self, categories: NDArray[np.int64], values: Tensor) -> None:
        """Add occurrences of words of the categories.

        Args:
            categories: ``[occurrences]``, the category of each, from 0.
            values: ``[occurrences, neurons]``, of any float type.
        """
        self.categories.add(categories, values)

    def merge(self, other: LayerStatistics) -> None:
        """Take over what another one has of the same neurons in other documents, or other places of the same ones."""
        if other.seed != self.seed:
            raise ValueError(f"statistics drawn with the seeds {self.seed} and {other.seed} cannot be merged")
        self.moments.merge(other.moments)
        self.histogram.merge(other.histogram)
        self.contexts.merge(other.contexts)
        self.draws.merge(other.draws)
        self.categories.merge(other.categories)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Everything as named arrays: those of the statistics' ``arrays``, and the seed."""
        arrays = {
            **self.moments.arrays(),
            **self.histogram.arrays(),
            **self.contexts.arrays(),
            **self.draws.arrays(),
            **self.categories.arrays(),
        }
        left_out = self.moments.not_finite
        if left_out.any():
            arrays["histogram"][left_out] = 0
            for name, array in arrays.items():
                if name.endswith("_keys"):
                    array[left_out] = NONE
                elif name.endswith(("_values", "_sums", "_squares")):
                    array[left_out] = np.nan
        return {**arrays, "seed": np.array(self.seed, np.int64)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]], device: torch.device | None = None) -> LayerStatistics:
        """What :meth:`arrays` wrote."""
        device = device or torch.device("cpu")
        read = cls(0, int(arrays["seed"]), device=device)
        read.moments = Moments.from_arrays(arrays, device)
        read.histogram = Histogram.from_arrays(arrays, device)
        read.contexts = Contexts.from_arrays(arrays, device)
        read.draws = Draws.from_arrays(arrays, read.seed, device)
        read.categories = CategorySums.from_arrays(arrays, device)
        return read


def bytes_per_neuron(contexts: int, categories: int) -> int:
    """Memory of :class:`LayerStatistics` for each neuron.

    Count and sums of powers 40, histogram 512, each context 12 on either side, drawn contexts 32 x 4 x 12 and the
    octaves' bounds 256, each category 16: 2,728 with 16 contexts, and 16 for each category.
    """
    return 40 + 512 + 24 * contexts + 1536 + 256 + 16 * categories
