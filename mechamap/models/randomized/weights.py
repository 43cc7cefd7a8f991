"""Weights that nobody trained: shuffled within each matrix, or as they are before training."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mechamap.errors import UnsupportedModel

__all__ = ["permute", "reinitialize"]


def permute(model: nn.Module, seed: int) -> None:
    """Shuffle the entries of every weight tensor of two dimensions or more, embeddings too; tied weights once.

    What is left is the distribution of each matrix's weights, and all gains and biases, which are vectors.
    """
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for weights in model.parameters():  # each once, also where modules share it
            if weights.ndim >= 2:
                weights.copy_(_shuffled(weights, rng))


def _shuffled(weights: Tensor, rng: np.random.Generator) -> Tensor:
    flat = weights.detach().to("cpu", copy=True).contiguous().view(-1)
    # in place, since an index of every entry would take four times the matrix; numpy has no bfloat16 but may move it
    whole_numbers = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[flat.element_size()]
    rng.shuffle(flat.view(whole_numbers).numpy())
    return flat.view(weights.shape)


def reinitialize(model: Any, seed: int) -> None:
    """Give all weights the values that the architecture's own initialization draws.

    A second model of the same class and config is built for it, in the memory of the host, and its weights are taken.

    Raises:
        UnsupportedModel: the second one lacks some of the weights.
    """
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.manual_seed(seed)
        fresh = dict(type(model)(model.config).named_parameters())
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name not in fresh or fresh[name].shape != weights.shape:
                raise UnsupportedModel(f"The initialization of {type(model).__name__} does not give {name}.")
            weights.copy_(fresh[name])
