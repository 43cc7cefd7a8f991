"""Activations at words of carrier sentences, from those at the words' tokens."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["per_occurrence"]


def per_occurrence(activations: Tensor, spans: NDArray[np.intp], pooling: str) -> NDArray[np.float32]:
    """Each word's activation in each sentence, ``[neurons, words * templates]``, from those at the words' positions."""
    first, last = (torch.as_tensor(ends.ravel(), device=activations.device) for ends in (spans[..., 0], spans[..., 1]))
    values = activations.float()  # [positions, neurons]
    if pooling == "last" or bool((first == last).all()):
        pooled = values[last]  # [occurrences, neurons]
    else:
        longest = int((last - first).max()) + 1
        steps = torch.arange(longest, device=values.device)
        positions = torch.minimum(first[:, None] + steps, last[:, None])  # [occurrences, longest]; the last one repeats
        stretches = values[positions]  # [occurrences, longest, neurons]
        if pooling == "max":
            pooled = stretches.amax(dim=1)
        else:
            inside = (first[:, None] + steps <= last[:, None]).unsqueeze(-1)
            pooled = (stretches * inside).sum(dim=1) / inside.sum(dim=1)
    by_neuron: NDArray[np.float32] = pooled.T.contiguous().cpu().numpy()
    return by_neuron
