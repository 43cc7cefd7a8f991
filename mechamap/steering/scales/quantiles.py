"""How large a neuron's activations become: the 99.9 % quantile of their size, which is one unit of steering."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.figures.histogram_bins import ZERO_BIN
from mechamap.statistics.histogram import quantile

__all__ = ["SHARE", "of_activations", "of_histogram"]


SHARE = 0.999


def of_activations(values: Tensor, routed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Of activations, interpolated between the two nearest as numpy does.

    Args:
        values: ``[positions, neurons]``.
        routed: ``[neurons]``, which belong to experts: their zeros are tokens that did not come to them.

    Returns:
        ``[neurons]``; NaN without an activation, or where one is not finite.
    """
    sizes = values.abs().float()  # [positions, neurons]
    of_expert = torch.from_numpy(routed).to(sizes.device)
    absent = of_expert & (sizes == 0)  # [positions, neurons]
    sizes = torch.where(absent, -1.0, sizes)
    counts = (~absent).sum(dim=0)  # [neurons]
    rank = (counts - 1).clamp(min=0).double() * SHARE  # [neurons] from the smallest on
    below = rank.floor()
    from_top = (counts - 1 - below.long()).clamp(min=0)  # [neurons] places from the largest on
    largest = sizes.topk(min(int(from_top.max()) + 1, len(sizes)), dim=0).values.double()  # [k, neurons]
    lower = largest.gather(0, from_top[None])[0]
    upper = largest.gather(0, (from_top - 1).clamp(min=0)[None])[0]
    result = torch.where(from_top > 0, lower + (rank - below) * (upper - lower), lower)
    broken = ~torch.isfinite(values).all(dim=0) | (counts == 0)
    scales: NDArray[np.float64] = torch.where(broken, torch.nan, result).cpu().numpy()
    return scales


def of_histogram(
    counts: NDArray[np.integer], low: NDArray[np.floating], high: NDArray[np.floating], routed: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Of a corpus, from the histogram of its activations: off by at most the width of a bin, half the value.

    Args:
        counts: ``[neurons, 64]``, see :data:`mechamap.figures.histogram_bins.EDGES`.
        low, high: ``[neurons]``, the smallest and the largest activation.
        routed: ``[neurons]``, as for :func:`of_activations`.

    Returns:
        ``[neurons]``; NaN without an activation.
    """
    sizes = np.zeros(counts.shape, np.int64)
    above = ZERO_BIN + 1
    sizes[:, above:] = np.asarray(counts[:, above:]) + np.asarray(counts[:, ZERO_BIN::-1])
    sizes[routed, above] = 0  # with those of tokens that did not come to an expert
    largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float32)
    return quantile(sizes, SHARE, np.zeros_like(largest), largest)
