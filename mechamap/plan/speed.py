"""How fast a device is, measured in a fraction of a second: a matrix product, a copy, and scoring a few neurons."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mechamap.models.experts import Activations
from mechamap.scores.layer import layer_scorer
from mechamap.scores.plan import ScorePlan

if TYPE_CHECKING:
    import torch

__all__ = ["Speed", "measure", "scoring_speed"]

BUDGET = 0.08  # seconds for each measurement, the first call of it aside
ROWS, MOST = 512, 4096  # tokens of the product, and its widest side: nothing measured takes more than some 70 MB
COPIED = 16 * 2**20
SCORED = 8192  # positions of the sample that is scored
SAMPLE = 512 * 1024  # activations of it


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
    neurons = max(16, SAMPLE // max(sample.scored, 1))
    generator = torch.Generator().manual_seed(0)
    activations = torch.randn(sample.scored, neurons, generator=generator).to(device)  # [S, neurons]
    score = layer_scorer(sample, threads)
    seconds = _seconds(lambda: score([Activations(activations)]), device)
    # A row is sorted: what it costs grows a little faster than its length.
    longer = np.log2(max(plan.scored, 2)) / np.log2(max(sample.scored, 2))
    return float(sample.scored * neurons / seconds / longer)


def _seconds(work: Callable[[], Any], device: torch.device) -> float:
    """How long a call takes, on average over a few; the first one, which sets things up, does not count."""
    import torch

    def wait() -> None:
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        elif device.type == "mps":
            torch.mps.synchronize()

    work()
    wait()
    began, calls = time.perf_counter(), 0
    while True:
        work()
        calls += 1
        wait()
        took = time.perf_counter() - began
        if took >= BUDGET or calls >= 200:
            return max(took / calls, 1e-9)
