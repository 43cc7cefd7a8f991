"""A model's activations the slow and plain way: one window at a time, without padding, kept whole."""

from __future__ import annotations

import numpy as np
import torch


def plain_activations(loaded, ids, windows) -> dict[int, np.ndarray]:
    """Each layer's ``[positions, neurons]`` in float32; ``windows`` are (text, first position, length)."""
    found: dict[int, list[torch.Tensor]] = {layer.layer: [] for layer in loaded.layers}
    handles = [
        layer.module.register_forward_pre_hook(
            lambda _module, args, at=layer.layer: found[at].append(args[0].reshape(-1, args[0].shape[-1]).clone())
        )
        for layer in loaded.layers
    ]
    try:
        for _, start, length in windows:
            with torch.no_grad():
                loaded.model(input_ids=torch.tensor([[int(token) for token in ids[start : start + length]]]))
    finally:
        for handle in handles:
            handle.remove()
    return {layer: torch.cat(parts).float().numpy() for layer, parts in found.items()}
