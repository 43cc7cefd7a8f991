"""How long a scan takes, from its multiplications and memory traffic, at the speed measured on this machine.

An estimate: right to a factor of two or three on a machine that does nothing else.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mechamap.models.neurons.activations import Activations
from mechamap.plan.shape import LayerShape, ModelShape
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedSeconds
from mechamap.scores.blocks import BLOCK_ELEMENTS
from mechamap.scores.layer import layer_scorer
from mechamap.scores.positions import ScorePlan

if TYPE_CHECKING:
    import torch

__all__ = ["Speed", "forward_seconds", "measure", "scan_seconds", "scoring_speed"]


BUDGET, LEAST = 0.1, 5  # seconds for each measurement, and the fewest calls however long they take
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
    bent: float = float("inf")  # values of an activation function


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
        bent = len(block) / _seconds(lambda: torch.nn.functional.silu(block), device)
    return Speed(in_dtype, in_float32, copied, bent)


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
        call_began = time.perf_counter()
        work()
        wait()
        took.append(time.perf_counter() - call_began)
    return max(statistics.median(took), 1e-9)


READ_BYTES = 1e9  # bytes a second that weights are taken to come from a disk with
START = 3.0  # seconds until torch and transformers are there, the tokenizer is read and the model built
STARTED = 0.5  # of that, in a process that has had torch and transformers for a while
CHECKS = 5  # forwards over a few tokens: the proof's, and the one that finds the way to the logits
EXPERT = 2e-3  # seconds that scoring an expert takes however few tokens come to it
UNPACK_BYTES = 0.15e9  # bytes a second that a GGUF file is unpacked to
STREAM_PASSES = 24  # times a block reads or writes [tokens, d_model] outside its products
MLP_PASSES = 6  # likewise [tokens, d_mlp]
UNCACHED = 3.0  # times as long as they would take at the speed of the copy, which a processor's cache holds; measured
SOFTMAX = 1.6  # times as long as its products alone attention takes on a CPU, measured
CALLS, CALL = 30, 40e-6  # operations of a block, and seconds that each takes however small it is
DISK_BYTES = 300e6  # bytes a second that a run is written with


def scan_seconds(
    inputs: PlanInputs, speed: Speed, scored_a_second: float, run_bytes: int, *, started: bool = False
) -> PlannedSeconds:
    """The stages of a scan.

    Args:
        speed: of the device that computes.
        scored_a_second: activations that are scored in a second.
        run_bytes: the size of the run on disk.
        started: whether the process that scans has torch and transformers already.
    """
    text, layers = inputs.text, inputs.layers
    batches = text.batches(inputs.batch)
    once = _forward_once(inputs, speed)
    activations = sum(layer.values(inputs.config.limit_neurons) for layer in layers) * float(text.scored)
    reading = inputs.loaded / (UNPACK_BYTES if inputs.files.source.kind == "gguf" else READ_BYTES)
    stages = {
        "load": (STARTED if started else START) + reading,
        "check": CHECKS * once,
        "forward": forward_seconds(inputs, speed, sum(batches), len(batches), text.longest),
        "score": activations / scored_a_second + sum(layer.experts for layer in layers) * EXPERT,
        "writes": _writes(inputs, speed),
        "disk": run_bytes / DISK_BYTES,
    }
    return PlannedSeconds(**stages, total=sum(stages.values()))


def forward_seconds(inputs: PlanInputs, speed: Speed, tokens: float, batches: int, longest: int) -> float:
    """The forwards of a scan over some text.

    Args:
        tokens: with padding.
        batches: that they are in.
        longest: tokens of the longest window.
    """
    shape, passed = inputs.shape, _passed(inputs)
    products = sum(2.0 * layer.active for layer in passed) * tokens
    products += _others(shape, passed) * 2.0 * tokens
    on_cpu = inputs.places.device.type == "cpu"
    attention = len(passed) * 4.0 * longest * shape.d_model * tokens * (SOFTMAX if on_cpu else 1.0)
    values = sum(layer.values() for layer in passed) * tokens
    in_blocks = sum(STREAM_PASSES * shape.d_model + MLP_PASSES * layer.values() for layer in passed)
    moved = in_blocks * float(tokens) * inputs.weights.item / speed.bytes * (UNCACHED if on_cpu else 1.0)
    return (products + attention) / speed.flops + moved + values / speed.bent + batches * _forward_once(inputs, speed)


def _passed(inputs: PlanInputs) -> list[LayerShape]:
    """The layers that a forward runs: those up to the last that is scanned."""
    return [layer for layer in inputs.shape.layers if layer.number <= inputs.layers[-1].number]


def _forward_once(inputs: PlanInputs, speed: Speed) -> float:
    """What a forward takes however few its tokens."""
    return inputs.loaded / speed.bytes + len(_passed(inputs)) * CALLS * CALL


def _others(shape: ModelShape, passed: list[LayerShape]) -> float:
    """Weights that every token meets outside of the blocks with neurons: those of blocks without any."""
    embedding = shape.vocabulary * shape.d_model
    share = len(passed) / max(len(shape.layers), 1)
    return max(shape.outside - 2 * embedding, 0) * share


def _writes(inputs: PlanInputs, speed: Speed) -> float:
    """The moments of the unembedding, and the products of every output weight with them; all in float32."""
    if inputs.shape.kind != "decoder":
        return 0.0
    return (inputs.shape.vocabulary + inputs.neurons) * 2.0 * inputs.shape.d_model**2 / speed.flops32
