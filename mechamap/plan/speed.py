"""How fast a device is, measured in a fraction of a second: a matrix product, a copy, and scoring a few neurons."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mechamap.models.experts import Activations
from mechamap.scores.layer import layer_scorer
from mechamap.scores.plan import ScorePlan
from mechamap.scores.ranked import BLOCK_ELEMENTS

if TYPE_CHECKING:
    import torch

__all__ = ["Speed", "measure", "scoring_speed"]

BUDGET, LEAST = 0.1, 5  # seconds for each measurement, and calls however long they take
ROWS, MOST = 512, 4096  # tokens of the product, and its widest side: nothing measured takes more than some 70 MB
COPIED = 16 * 2**20
SCORED = 8192  # positions of the sample that is scored
BLOCKS = 8  # most blocks of it, one a thread


@dataclass(frozen=True, slots=True)
class Speed:
    """What a device does in a second: multiplications and additions, and bytes that are read or written."""

    flops: float
    flops32: float  # in float32, whatever the model's number format
    bytes: float


def measure(device: torch.device, dtype: torch.dtype, d_model: int, d_mlp: int) -> Speed:
    """Time products of the shape of a model's MLP, cut to a size that takes no time, and a copy."""
    import torch

    d_in, d_out = min(d_model, MOST), min(d_mlp, MOST)

    def flops(format: torch.dtype) -> float:
        tokens = torch.ones(ROWS, d_in, dtype=format, device=device)  # [tokens, d_in]
        weight = torch.ones(d_out, d_in, dtype=format, device=device)
        seconds = _seconds(lambda: torch.nn.functional.linear(tokens, weight), device)
        return 2 * ROWS * d_in * d_out / seconds

    with torch.inference_mode():
        in_dtype = flops(dtype)
        in_float32 = in_dtype if dtype == torch.float32 else flops(torch.float32)
        block = torch.ones(COPIED // 4, device=device)
        copied = 2 * COPIED / _seconds(lambda: block.mul(2.0), device)
    return Speed(in_dtype, in_float32, copied)


def scoring_speed(plan: ScorePlan, device: torch.device, threads: int) -> float:
    """Activations that are scored in a second, by scoring made-up ones against the scan's own plan."""
    import torch

    sample = plan.restricted(np.arange(min(plan.scored, SCORED)))
    neurons = max(8, BLOCK_ELEMENTS // max(sample.scored, 1)) * min(threads, BLOCKS)
    generator = torch.Generator().manual_seed(0)
    activations = torch.randn(sample.scored, neurons, generator=generator).to(device)  # [S, neurons]
    score = layer_scorer(sample, threads)
    seconds = _seconds(lambda: score([Activations(activations)]), device)
    # A row is sorted: what it costs grows a little faster than its length.
    longer = np.log2(max(plan.scored, 2)) / np.log2(max(sample.scored, 2))
    return float(sample.scored * neurons / seconds / longer)


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    """How long a call takes: the median, which a machine that is busy for a moment does not move."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    work()  # sets things up
    wait()
    began = time.perf_counter()
    took: list[float] = []
    while len(took) < LEAST or (time.perf_counter() - began < BUDGET and len(took) < 200):
        at = time.perf_counter()
        work()
        wait()
        took.append(time.perf_counter() - at)
    return max(statistics.median(took), 1e-9)
