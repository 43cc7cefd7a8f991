"""How long a scan takes, from its multiplications and the memory it goes through. An estimate: right to a factor of
two or three on a machine that does nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.plan.shape import LayerShape, ModelShape
from mechamap.plan.situation import Situation

if TYPE_CHECKING:
    from mechamap.plan.speed import Speed

__all__ = ["Seconds", "scan_seconds"]

READ_BYTES = 1e9  # bytes a second that weights are taken to come from a disk with
START = 3.0  # seconds until torch and transformers are there, the tokenizer is read and the model built
STARTED = 0.5  # of that, in a process that has had torch and transformers for a while
CHECKS = 5  # forwards over a few tokens: the proof's, and the one that finds the way to the logits
EXPERT = 2e-3  # seconds that scoring an expert takes however few tokens come to it
UNPACK_BYTES = 0.15e9  # bytes a second that a GGUF file is unpacked to
STREAM_PASSES = 24  # times a block reads or writes [tokens, d_model] outside of its products
MLP_PASSES = 6  # likewise [tokens, d_mlp]
CALLS, CALL = 30, 40e-6  # operations of a block, and seconds that each takes however small it is
DISK_BYTES = 300e6  # bytes a second that a run is written with


@dataclass(frozen=True, slots=True)
class Seconds:
    """By stage; ``check`` is the proof that the hooks see the neurons, ``forward`` the model's own work."""

    load: float
    check: float
    forward: float
    score: float
    writes: float
    disk: float

    @property
    def total(self) -> float:
        return self.load + self.check + self.forward + self.score + self.writes + self.disk


def scan_seconds(
    it: Situation, speed: Speed, scored_a_second: float, run_bytes: int, *, started: bool = False
) -> Seconds:
    """The stages of a scan.

    Args:
        speed: of the device that computes.
        scored_a_second: activations that are scored in a second.
        run_bytes: the size of the run on disk.
        started: whether the process that scans has torch and transformers already.
    """
    shape, text, layers = it.shape, it.text, it.layers
    batches = text.batches(it.batch)
    tokens = sum(batches)
    passed = [layer for layer in shape.layers if layer.number <= layers[-1].number]
    products = sum(2.0 * layer.active for layer in passed) * tokens
    products += _others(shape, passed) * 2.0 * tokens
    products += len(passed) * 4.0 * text.longest * shape.d_model * tokens  # attention
    once = it.loaded / speed.bytes + len(passed) * CALLS * CALL  # of a forward, however few its tokens
    in_blocks = sum(STREAM_PASSES * shape.d_model + MLP_PASSES * layer.values() for layer in passed)
    moved = in_blocks * float(tokens) * it.weights.item / speed.bytes
    activations = sum(layer.values(it.config.limit_neurons) for layer in layers) * float(text.scored)
    reading = it.loaded / (UNPACK_BYTES if it.files.source.kind == "gguf" else READ_BYTES)
    return Seconds(
        load=(STARTED if started else START) + reading,
        check=CHECKS * once,
        forward=products / speed.flops + moved + len(batches) * once,
        score=activations / scored_a_second + sum(layer.experts for layer in layers) * EXPERT,
        writes=_writes(it, speed),
        disk=run_bytes / DISK_BYTES,
    )


def _others(shape: ModelShape, passed: list[LayerShape]) -> float:
    """Weights that every token meets outside of the blocks with neurons: those of blocks without any."""
    embedding = shape.vocabulary * shape.d_model
    share = len(passed) / max(len(shape.layers), 1)
    return max(shape.outside - 2 * embedding, 0) * share


def _writes(it: Situation, speed: Speed) -> float:
    """The moments of the unembedding, and the products of every output weight with them; all in float32."""
    if it.shape.kind != "decoder":
        return 0.0
    return (it.shape.vocabulary + it.neurons) * 2.0 * it.shape.d_model**2 / speed.flops32
