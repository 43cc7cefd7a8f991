"""From one layer's activations to the rows that a run keeps of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.models.neurons.activations import Activations
from mechamap.scores.positions import ScorePlan
from mechamap.scores.ranked import Figures, RankedScores, empty_figures
from mechamap.scores.ranked_torch import TorchScores

__all__ = ["COPY_BYTES", "LayerScores", "layer_scorer"]


COPY_BYTES = 64 * 2**20  # a layer up to this size is transposed whole
DEAD = 1e-3  # of the layer's root-mean-square activation


@dataclass(frozen=True, slots=True)
class LayerScores:
    """A layer's figures, one row per neuron, and what is wrong with them, if anything."""

    figures: Figures
    not_finite: int  # neurons with NaN or infinite activations; their figures are NaN

    @property
    def flags(self) -> tuple[str, ...]:
        return ("not finite",) if self.not_finite else ()


def layer_scorer(
    plan: ScorePlan, threads: int, *, routed: bool = False
) -> Callable[[Sequence[Activations]], LayerScores]:
    """What computes :class:`LayerScores` from the activations of a layer's parts, of any float type, on any device.

    Dense parts are ``[S, neurons]``. The figures of an expert's neurons run over the scored positions that are routed
    to it; how many those are, and how many occurrences of each category are among them, are the figures ``tokens`` and
    ``occurrences``, which are added where ``routed``: where the model has experts, in its dense layers too.
    """
    whole = _PartScorer(plan, threads)

    def score(parts: Sequence[Activations]) -> LayerScores:
        pieces: list[tuple[Figures, NDArray[np.bool_]]] = []
        plans: list[ScorePlan] = []  # of each piece
        for part in parts:
            if part.tokens is None:
                pieces.append(whole.score(part.values))
                plans.append(plan)
                continue
            rows = part.tokens.cpu().numpy()
            ends = np.cumsum(part.counts)
            for end, count in zip(ends.tolist(), part.counts, strict=True):
                mine = slice(end - count, end)
                plans.append(plan.restricted(rows[mine]))
                pieces.append(_PartScorer(plans[-1], threads).score(part.values[mine]))
        widths = [len(bad) for _, bad in pieces]
        figures, bad = pieces[0] if len(pieces) == 1 else _joined(pieces)
        if routed:
            occurrences = [[category.occurrences for category in piece_plan.categories] for piece_plan in plans]
            figures["tokens"] = np.repeat([piece_plan.scored for piece_plan in plans], widths).astype(np.float32)
            shape = len(plans), len(plan.categories)
            figures["occurrences"] = np.repeat(np.array(occurrences).reshape(shape), widths, axis=0).astype(np.float32)
        figures["selectivity"] = 2 * figures["auroc"] - 1
        figures["dead"] = dead(figures)
        return LayerScores(figures, int(bad.sum()))

    return score


class _PartScorer:
    """Scores neurons that all have the same positions."""

    def __init__(self, plan: ScorePlan, threads: int) -> None:
        self._plan = plan
        self._ranked = RankedScores(plan, threads)
        self._anywhere = TorchScores(plan)

    def score(self, activations: Tensor) -> tuple[Figures, NDArray[np.bool_]]:
        """Figures of ``[S, neurons]``, and which neurons are left out since they are not finite, ``[neurons]``."""
        neurons = activations.shape[1]
        if not self._plan.scored:  # an expert that no token was routed to
            return empty_figures(neurons, len(self._plan.categories), self._plan.top_k), np.zeros(neurons, np.bool_)
        values = activations.float()  # [S, neurons]
        bad = (~torch.isfinite(values.sum(dim=0))).cpu().numpy()  # [neurons]
        if bad.any():  # an infinite sum may be an overflow of finite values: look at them one by one
            bad = (~torch.isfinite(values)).any(dim=0).cpu().numpy()
        if bad.any():
            values = values.nan_to_num(0.0, 0.0, 0.0)
        if self._plan.pooling == "last" and values.device.type in ("cpu", "mps"):
            rows = values.cpu().T  # [neurons, S]
            # torch transposes much faster than numpy; a long text's layer is not copied whole but block by block.
            figures = self._ranked.score((rows.contiguous() if rows.nbytes <= COPY_BYTES else rows).numpy())
        else:
            figures = self._anywhere.score(values)
        for figure in figures.values():
            figure[bad] = -1 if figure.dtype.kind == "i" else np.nan
        return figures, bad


def _joined(pieces: Sequence[tuple[Figures, NDArray[np.bool_]]]) -> tuple[Figures, NDArray[np.bool_]]:
    figures = {name: np.concatenate([piece[name] for piece, _ in pieces]) for name in pieces[0][0]}
    return figures, np.concatenate([bad for _, bad in pieces])


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
