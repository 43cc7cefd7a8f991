"""A model's twin: it computes the same with its neurons in another order within their layers, and of other sizes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["images", "save_twin"]


def images(layers: int, width: int, seed: int) -> np.ndarray[Any, Any]:
    """Which of the model's neurons each of the twin's is, ``[layers, width]``."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.permutation(width) for _ in range(layers)])


def save_twin(model_folder: Path, folder: Path, seed: int = 1) -> np.ndarray[Any, Any]:
    """Save the twin of a model in ``folder``; the answer says of which neuron each of its own is, ``[layers, width]``.

    Neurons that are multiplied by a linear part (Llama) take any factor, negative ones too: half of them are turned.
    Those of ReLU take a positive one; those of GELU none, or the model would be another.
    """
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    model: Any = AutoModelForCausalLM.from_pretrained(model_folder)
    blocks = _blocks(model)
    width = _width(blocks[0])
    order = images(len(blocks), width, seed)
    rng = np.random.default_rng(seed)
    with torch.no_grad():
        for block, its in zip(blocks, torch.from_numpy(order), strict=True):
            factors = torch.from_numpy(np.exp(rng.normal(0, 1, width)).astype(np.float32))
            signs = torch.from_numpy(rng.choice([-1.0, 1.0], width).astype(np.float32))
            if hasattr(block, "mlp") and hasattr(block.mlp, "gate_proj"):
                mlp, factors = block.mlp, factors * signs
                mlp.gate_proj.weight.copy_(mlp.gate_proj.weight[its])
                mlp.up_proj.weight.copy_(mlp.up_proj.weight[its] * factors[:, None])
                mlp.down_proj.weight.copy_(mlp.down_proj.weight[:, its] / factors)
            elif hasattr(block, "fc1"):  # OPT
                block.fc1.weight.copy_(block.fc1.weight[its] * factors[:, None])
                block.fc1.bias.copy_(block.fc1.bias[its] * factors)
                block.fc2.weight.copy_(block.fc2.weight[:, its] / factors)
            else:  # GPT-2, whose weights are [in, out]
                block.mlp.c_fc.weight.copy_(block.mlp.c_fc.weight[:, its])
                block.mlp.c_fc.bias.copy_(block.mlp.c_fc.bias[its])
                block.mlp.c_proj.weight.copy_(block.mlp.c_proj.weight[its])
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(model_folder).save_pretrained(folder)
    return order


def _blocks(model: Any) -> list[Any]:
    base = model.base_model
    return list(base.h if hasattr(base, "h") else getattr(base, "decoder", base).layers)


def _width(block: Any) -> int:
    if hasattr(block, "fc1"):
        return int(block.fc1.out_features)
    return int(block.mlp.gate_proj.out_features if hasattr(block.mlp, "gate_proj") else block.mlp.c_fc.nf)
