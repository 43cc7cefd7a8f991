"""Figures of single neurons of gpt2-small (Gurnee et al. 2024): their weights, their moments, their excess correlation.

Weights are those that TransformerLens makes of a model's: the gain and bias of the norm folded into the input weights,
what the norm would take away anyway removed from both sides. They depend on nothing but the model, so they must agree
to all digits. Moments are those of the activation in front of the non-linearity; the paper took them over 100 million
tokens of the Pile, so over another text they agree in their order alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.literature.published_neurons import PublishedNeuron
from mechamap.compare.closest.matching import closest_neurons
from mechamap.compare.closest.settings import MatchSettings
from mechamap.compare.closest.unit_rows import ArrayRows

__all__ = ["Agreement", "agreements", "excess_correlations", "moments", "pre_activations", "weight_figures"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """Published and measured values of a figure: Spearman's rank correlation, and the largest difference."""

    figure: str
    rank_correlation: float
    largest_difference: float
    neurons: int


def weight_figures(model: Any, neurons: Sequence[PublishedNeuron]) -> dict[str, NDArray[np.float64]]:
    """Figures of the weights of a GPT-2, each ``[neurons]``.

    Args:
        model: a ``GPT2LMHeadModel``.
    """
    rows = []
    for neuron in neurons:
        block = model.transformer.h[neuron.layer].requires_grad_(False)
        w_in = block.mlp.c_fc.weight[:, neuron.index].double()  # [d_model]
        w_out = block.mlp.c_proj.weight[neuron.index].double()  # [d_model]
        gain, shift = block.ln_2.weight.double(), block.ln_2.bias.double()
        bias = block.mlp.c_fc.bias[neuron.index].double() + shift @ w_in
        folded = gain * w_in
        folded, written = folded - folded.mean(), w_out - w_out.mean()
        cosine = (folded @ written) / (folded.norm() * written.norm())
        rows.append([float(value) for value in (folded.norm(), bias, written.norm(), cosine)])
    columns = np.array(rows).T
    return dict(zip(("w_in_norm", "input_bias", "w_out_norm", "in_out_sim"), columns, strict=True))


def pre_activations(model: Any, windows: Tensor, layers: Sequence[int]) -> dict[int, NDArray[np.float32]]:
    """What goes into the non-linearity of some layers, each ``[d_mlp, tokens]``.

    Args:
        windows: tokens, ``[windows, tokens]``.
    """
    seen: dict[int, list[Tensor]] = {layer: [] for layer in layers}
    handles = [
        model.transformer.h[layer].mlp.c_fc.register_forward_hook(
            lambda module, args, output, layer=layer: seen[layer].append(output.flatten(0, 1).float().cpu())
        )
        for layer in layers
    ]
    try:
        with torch.no_grad():
            for window in torch.split(windows, 8):
                model.transformer(window)
    finally:
        for handle in handles:
            handle.remove()
    return {layer: torch.cat(parts).T.contiguous().numpy() for layer, parts in seen.items()}


def moments(values: NDArray[np.float32]) -> dict[str, float]:
    """Mean, variance, skewness, kurtosis (3 of a normal), and the share above zero of activations, ``[tokens]``."""
    wide = values.astype(np.float64)
    centred = wide - wide.mean()
    variance = float((centred**2).mean())
    return {
        "mean": float(wide.mean()),
        "var": variance,
        "skew": float((centred**3).mean() / variance**1.5),
        "kurt": float((centred**4).mean() / variance**2),
        "sparsity": float((wide > 0).mean()),
    }


def excess_correlations(own: NDArray[np.float32], other: NDArray[np.float32], layer_width: int) -> NDArray[np.float32]:
    """How far the highest correlation with a neuron of another model is above that with rotated ones, ``[neurons]``.

    Args:
        own: ``[neurons, tokens]``.
        other: of the other model ``[its neurons, tokens]``, layer by layer.
        layer_width: neurons of a layer.
    """
    layers = tuple(slice(first, first + layer_width) for first in range(0, len(other), layer_width))
    settings = MatchSettings("rotation", signed=True)
    return closest_neurons(ArrayRows(own), ArrayRows(other, layers), settings).excess


def agreements(
    published: Sequence[PublishedNeuron], measured: Mapping[str, NDArray[np.float64]]
) -> tuple[Agreement, ...]:
    """Published beside measured, figure by figure."""
    found = []
    for figure, values in measured.items():
        theirs = np.array([neuron.figures[figure] for neuron in published])
        found.append(Agreement(figure, _spearman(theirs, values), float(np.abs(theirs - values).max()), len(published)))
    return tuple(found)


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    ranks = [np.argsort(np.argsort(values)).astype(np.float64) for values in (one, other)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
