"""From one layer's activations to the rows that a run keeps of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.scores.plan import ScorePlan
from mechamap.scores.ranked import Figures, RankedScores
from mechamap.scores.ranked_torch import TorchScores

__all__ = ["LayerScores", "layer_scorer"]

COPY_BYTES = 64 * 2**20
DEAD = 1e-3  # of the layer's root-mean-square activation


@dataclass(frozen=True, slots=True)
class LayerScores:
    """A layer's figures, one row per neuron, and what is wrong with them, if anything."""

    figures: Figures
    not_finite: int  # neurons with NaN or infinite activations; their figures are NaN

    @property
    def flags(self) -> tuple[str, ...]:
        return ("not finite",) if self.not_finite else ()


def layer_scorer(plan: ScorePlan, threads: int) -> Callable[[Tensor], LayerScores]:
    """What computes :class:`LayerScores` from activations ``[S, neurons]`` of any float type, on any device."""
    ranked = RankedScores(plan, threads)
    anywhere = TorchScores(plan)

    def score(activations: Tensor) -> LayerScores:
        values = activations.float()  # [S, neurons]
        bad = (~torch.isfinite(values.sum(dim=0))).cpu().numpy()  # [neurons]
        if bad.any():  # an infinite sum may be an overflow of finite values: look at them one by one
            bad = (~torch.isfinite(values)).any(dim=0).cpu().numpy()
        if bad.any():
            values = values.nan_to_num(0.0, 0.0, 0.0)
        if plan.pooling == "last" and values.device.type in ("cpu", "mps"):
            rows = values.cpu().T  # [neurons, S]
            # torch transposes much faster than numpy; a long text's layer is not copied whole but block by block.
            figures = ranked.score((rows.contiguous() if rows.nbytes <= COPY_BYTES else rows).numpy())
        else:
            figures = anywhere.score(values)
        _complete(figures, bad)
        return LayerScores(figures, int(bad.sum()))

    return score


def _complete(figures: Figures, bad: NDArray[np.bool_]) -> None:
    """Add what follows from the other figures, and blank the rows of neurons that were not finite."""
    for values in figures.values():
        values[bad] = -1 if values.dtype.kind == "i" else np.nan
    figures["selectivity"] = 2 * figures["auroc"] - 1
    figures["dead"] = dead(figures)


def dead(figures: Figures) -> NDArray[np.float32]:
    """1 for a neuron whose activation never leaves zero at any scored position, else 0; NaN where not computed.

    "Zero" is a thousandth of the layer's root-mean-square activation: exactly zero for ReLU (Voita et al., 2023),
    and the same idea for activation functions that only come close to it.
    """
    squares = np.square(figures["mean_all"]) + np.square(figures["std_all"])  # [neurons]
    rms = np.sqrt(squares[np.isfinite(squares)].mean()) if np.isfinite(squares).any() else np.nan
    largest = np.maximum(np.abs(figures["max"]), np.abs(figures["min"]))
    flags: NDArray[np.float32] = np.where(np.isnan(largest), np.nan, largest <= DEAD * rms).astype(np.float32)
    return flags
