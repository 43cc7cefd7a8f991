"""The yardstick of a confirmation: how well a direction of the residual stream reads a category that a neuron reads.

The stream behind every block is read in the pass in which the neurons are, at the last position of each word.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.streams import StreamListener
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.checked import DirectionReading
from mechamap.scores.carriers.directions import HeldOutDirections, LayerChoice

__all__ = ["Yardstick"]


@dataclass(slots=True, eq=False)
class Yardstick:
    """Directions of the layers that a pass has reached so far.

    Attributes:
        directions: what scores them.
        last: ``[words, occurrences]``, each word's last position among those that the pass hands over.
        streams: what the pass is to call.
    """

    directions: HeldOutDirections
    last: NDArray[np.intp]
    streams: StreamListener = field(init=False)

    def __post_init__(self) -> None:
        self.streams = StreamListener(self._add)

    def _add(self, layer: NeuronLayer, stream: Tensor) -> None:
        rows = torch.as_tensor(self.last.ravel(), device=stream.device)
        at_words = stream[rows].float().cpu().numpy()  # [words * occurrences, d_model]
        if np.isfinite(at_words).all():
            self.directions.add(at_words, layer.layer)
        else:
            self.streams.missing = f"The residual stream behind layer {layer.layer} is not finite."

    @property
    def undefined(self) -> str:
        """Why there is no direction for any category; empty where there is."""
        return self.streams.missing

    def reading(self, category: int) -> DirectionReading | None:
        """How well directions read a category; None where the stream or too few words could be read."""
        chosen, random = self.directions.choices(category), self.directions.random_choices(category)
        if self.undefined or not chosen or not random:
            return None
        auroc, ap = _means(chosen)
        random_auroc, random_ap = _means(random)
        return DirectionReading(auroc, ap, tuple(choice.layer for choice in chosen), random_auroc, random_ap)


def _means(choices: Sequence[LayerChoice]) -> tuple[float, float]:
    """Mean held-out AUROC and average precision."""
    return float(np.mean([choice.auroc for choice in choices])), float(np.mean([choice.ap for choice in choices]))
