"""How deep in its model a neuron lies: 0 in the first layer, 1 in the last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.run import Run

__all__ = ["knows_depth", "model_layers", "relative_depth"]


def model_layers(run: Run) -> int:
    """How many layers the run's model has; of a CSV, which does not say, up to the last that it lists."""
    last = max((layer.layer for layer in run.layers), default=-1)
    return max(run.record.model.layers, last + 1)


def knows_depth(run: Run) -> bool:
    """Whether the number of layers is the model's own: a CSV lists some layers, and the model may have more."""
    return run.record.source != "csv"


def relative_depth(run: Run) -> NDArray[np.float32]:
    """layer / (layers of the model - 1) of every neuron, ``[neurons]``; 0 throughout a model of one layer.

    The layers of a model that has an encoder and a decoder are numbered through, the encoder's first.
    """
    depth: NDArray[np.float32] = (run.layer_of / np.float32(max(model_layers(run) - 1, 1))).astype(np.float32)
    return depth
