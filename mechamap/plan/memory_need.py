"""How much memory a scan over a text takes at most, from the sizes of its model and its text.

What is held at the same time, at the layer that needs most:

- the weights;
- what every batch of the text holds while it waits at that layer: its residual stream and its activations, because
  the batches take turns and none goes on before the last one has come;
- the activations of all positions together, once more in float32 and in blocks that are sorted while they are scored,
  or the layer's output weights in float32 while their writing is worked out;
- the process itself: Python, torch and transformers.
"""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.models.unembedding import CHUNK_BYTES
from mechamap.plan.places import CUDA_CONTEXT, Place
from mechamap.plan.shape import LayerShape, ModelShape
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedMemory
from mechamap.scores import ranked_torch
from mechamap.scores.blocks import BLOCK_ELEMENTS
from mechamap.scores.layer import COPY_BYTES

__all__ = ["Working", "base_process", "planned_memory", "text_memory_needs", "working_memory"]


PROCESS = 450_000_000  # bytes of Python with torch and transformers, measured
PACKING = 250_000_000  # of what packs weights into few bits, and of weights on their way through it
PROCESS_WITH_CUDA = 2_500_000_000  # with CUDA's libraries; as reported, not measured here
# Tensors [tokens, d_model] alive in a block: the stream, the normed one, attention's output, the MLP's input.
STREAMS = 4
IN_MLP = 3  # tensors [tokens, d_mlp] alive while an MLP runs: gate, up, and their product
IN_ATTENTION = 5  # tensors [tokens, d_model] alive while attention runs: queries, keys, values, their rotated copies
SORT_BYTES = 40  # of an activation in a block that is being sorted: the value, its packed key, ranks, what is cut out


@dataclass(frozen=True, slots=True)
class Working:
    """Bytes beside the weights, on the device that computes.

    Attributes:
        forward: what the batches of the text hold while they wait for each other, and what one of them needs to run.
        scoring: one layer's activations at all positions, and their scoring.
        writing: output weights in float32 and the moments of the unembedding.
    """

    forward: int
    scoring: int
    writing: int

    @property
    def total(self) -> int:
        """The most held at once: a layer's scores and writes are computed one after the other."""
        return self.forward + max(self.scoring, self.writing)


def working_memory(inputs: PlanInputs) -> Working:
    """What a scan needs beside the weights."""
    shape, text, item, layers, limit = (
        inputs.shape,
        inputs.text,
        inputs.weights.item,
        inputs.layers,
        inputs.config.limit_neurons,
    )
    batches = text.batches(inputs.batch)
    padded, largest = sum(batches), max(batches)
    values = max(layer.values() for layer in layers)
    routed = max(layer.active_experts for layer in layers) * shape.d_model  # what experts are given of a token
    waiting = padded * (values + STREAMS * shape.d_model + routed) * item
    masks = padded * text.longest * (1 + item)  # [windows, 1, length, length], as bools and as numbers
    scores = 2 * shape.heads * largest * text.longest * (item + 4) if shape.eager_attention else 0
    running = largest * (max(IN_MLP * values, IN_ATTENTION * shape.d_model) + 2 * routed) * item + scores

    scanned = max(layer.values(limit) for layer in layers)
    times = 3 if shape.experts and len(batches) > 1 else 1  # of each batch, put together, and in the experts' order
    gathered = (text.positions if inputs.keeps else text.scored) * scanned * item * times
    return Working(
        forward=waiting + masks + running,
        scoring=gathered + _scoring(inputs, scanned),
        writing=gathered + _writing(shape, layers, item),
    )


def _scoring(inputs: PlanInputs, scanned: int) -> int:
    """What is made of a layer's activations while they are scored; ``scanned`` is how many a token has."""
    config, text, item = inputs.config, inputs.text, inputs.weights.item
    rows = max(layer.neurons(config.limit_neurons) for layer in inputs.layers)
    values = text.scored * scanned  # of all positions
    cast = values * 4 if item != 4 or inputs.keeps else 0
    if inputs.places.device.type != "cpu":
        return cast + 2 * min(ranked_torch.BLOCK_BYTES, values * ranked_torch.SORT_BYTES)
    blocks = inputs.threads * BLOCK_ELEMENTS * SORT_BYTES + (values * 4 if values * 4 <= COPY_BYTES else 0)
    # Kept activations are filled with zeros where a token is not routed to an expert, and cast twice.
    half = text.positions * rows * (2 * 2 + (item if inputs.shape.experts else 0)) if inputs.keeps else 0
    figures = rows * 4 * (6 * len(config.categories) + 7 + 4 * config.top_k_tokens) * 2
    return cast + max(blocks, half) + figures


def _writing(shape: ModelShape, layers: tuple[LayerShape, ...], item: int) -> int:
    """A layer's output weights in float32 and their products with the moments, and the moments themselves."""
    if shape.kind != "decoder":
        return 0
    widest = max(max(layer.dense, layer.expert_width) for layer in layers)
    weights = widest * shape.d_model * 4 * (2 if item == 4 else 3)
    moments = shape.d_model**2 * 4 * 2
    return weights + moments + 3 * CHUNK_BYTES


def text_memory_needs(inputs: PlanInputs) -> tuple[PlannedMemory, ...]:
    """What a scan over a text needs, the device that computes first.

    A model that accelerate spreads needs its activations and its largest block there; what else does not fit goes to
    memory, and to disk in the end.
    """
    places, weights, working = inputs.places, inputs.loaded, working_memory(inputs).total
    on_card = places.device.type != "cpu"
    if places.spread:
        weights = max(inputs.weights.blocks) if inputs.weights.blocks else 0
    process = base_process(inputs)
    first = planned_memory(places.compute, weights, working, process)
    if not on_card or places.device.type == "mps":  # whose memory is the machine's
        return (first,)
    # Weights reach a card through memory; a file that is mapped as it is leaves nothing there.
    passing = inputs.loaded if inputs.weights.cast and not inputs.weights.packed and not places.spread else 0
    return first, planned_memory(places.host, passing, 0, PROCESS_WITH_CUDA)


def base_process(inputs: PlanInputs) -> int:
    """Bytes of the libraries on the device that computes."""
    on_card = inputs.places.device.type != "cpu"
    return (CUDA_CONTEXT if on_card else PROCESS) + (PACKING if inputs.weights.packed else 0)


def planned_memory(place: Place, weights: int, activations: int, process: int, statistics: int = 0) -> PlannedMemory:
    """What is needed at a place, and whether it fits."""
    needed = weights + activations + process + statistics
    fits = place.free is None or needed <= place.free
    return PlannedMemory(place.name, weights, activations, process, place.free, needed, fits, statistics)
