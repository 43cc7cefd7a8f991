"""The hooked pass: each layer's neurons, one layer at a time, for all positions at once.

A hook on every part of a wanted layer sees what the down-projection is given, which are the neurons' activations.
They are handed to a callback and forgotten before the next layer runs; behind the last wanted layer the forward is
stopped.

A text too long for one forward is cut into batches, each run by a thread of its own, and the threads take turns: when
all have reached a layer, the callback gets it whole, and only then they go on. So exact statistics need one layer's
activations in memory, whatever the length of the text, and no architecture has to be taken apart for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch, batch_tokens, window_batches
from mechamap.capture.gather import activation_buffer, dense_activations
from mechamap.capture.streams import StreamListener, watching_streams
from mechamap.capture.turns import BatchRelay, RelayStopped
from mechamap.errors import Cancelled
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.reading import reading_of
from mechamap.text.tokenize import TokenizedText

__all__ = [
    "ALL_POSITIONS",
    "LayerCallback",
    "OutputListener",
    "PassSettings",
    "capture_batches",
    "capture_layers",
    "capture_parts",
]


LayerCallback = Callable[[NeuronLayer, Tensor], None]
PartsCallback = Callable[[NeuronLayer, tuple[Activations, ...]], None]


@dataclass(frozen=True, slots=True, eq=False)
class OutputListener:
    """What wants the output of a pass's forwards, which then run to their end.

    Attributes:
        on_output: called with each batch and what the model's forward returns for it; must not keep the tensors.
        arguments: further arguments of the forward.
    """

    on_output: Callable[[Batch, Any], None]
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class PassSettings:
    """Which positions and neurons a pass hands over, and how it runs.

    Attributes:
        position_mask: ``[positions]``, which positions to hand over; all where not given.
        limit_neurons: hand over only the first ones, see :meth:`mechamap.models.neurons.layers.NeuronLayer.widths`.
        cancel: checked at every layer.
        batch_tokens: most tokens of one forward; where not given :func:`mechamap.capture.batches.batch_tokens`
            of the device.
        give_back: have freed memory returned to the system where there are several batches. A long text needs it; it
            costs a third of the time, since every tensor is fresh memory then, so a short one is better off without.
        streams: what wants the residual stream behind the layers' blocks too.
        output: what wants the model's output too; not together with ``streams``, which stop the forward.
    """

    position_mask: NDArray[np.bool_] | None = None
    limit_neurons: int | None = None
    cancel: threading.Event | None = None
    batch_tokens: int | None = None
    give_back: bool = True
    streams: StreamListener | None = None
    output: OutputListener | None = None


ALL_POSITIONS = PassSettings()


def capture_layers(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layers: Sequence[NeuronLayer],
    on_layer: LayerCallback,
    settings: PassSettings = ALL_POSITIONS,
) -> None:
    """Run the model over the text once and hand over each layer's activations as it is reached, in one piece.

    An expert's neurons read zero at a token that was not routed to it: they added nothing there.

    Args:
        on_layer: called with a layer and its activations ``[wanted positions, neurons]``, in the model's dtype on the
            layer's device; called in layer order; must not keep the tensor.

    The other arguments, and the errors, are those of :func:`capture_parts`.
    """
    mask = settings.position_mask
    positions = len(tokenized.ids) if mask is None else int(np.count_nonzero(mask))

    def whole(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        on_layer(layer, dense_activations(parts, positions))

    capture_parts(loaded, tokenized, layers, whole, settings)


def capture_parts(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layers: Sequence[NeuronLayer],
    on_layer: PartsCallback,
    settings: PassSettings = ALL_POSITIONS,
) -> None:
    """Run the model over the text once and hand over each layer's activations as it is reached, part by part.

    Args:
        layers: the layers wanted, in the order of the forward.
        on_layer: called with a layer and the activations of each of its parts: of a dense one ``[wanted positions,
            neurons]``; of routed experts those of the tokens that came to each, whose ``tokens`` count the wanted
            positions. In the model's dtype on the layer's device; called in layer order; must not keep the tensors.
        settings: which positions and neurons to hand over, and how.

    Raises:
        Cancelled: ``settings.cancel`` was set.
    """
    size = settings.batch_tokens or batch_tokens(loaded.device.type)
    keep = np.ones(len(tokenized.ids), bool) if settings.position_mask is None else settings.position_mask
    batches = window_batches(tokenized, keep, size, loaded.device, reading_of(loaded))
    capture_batches(loaded, batches, layers, on_layer, settings)


def capture_batches(
    loaded: LoadedModel,
    batches: Sequence[Batch],
    layers: Sequence[NeuronLayer],
    on_layer: PartsCallback,
    settings: PassSettings = ALL_POSITIONS,
) -> None:
    """Run the model over batches and hand over each layer's activations as it is reached, part by part.

    Args:
        batches: their wanted positions, one batch after another, are the rows that are handed over.

    The other arguments, and the errors, are those of :func:`capture_parts`; ``settings`` chooses no positions here.
    """
    if not layers:
        return
    turns = BatchRelay(len(batches), give_back=settings.give_back)
    gathered = {layer.layer: [activation_buffer(layer, part, batches) for part in layer.parts] for layer in layers}
    last = layers[-1]

    def reached(layer: NeuronLayer, part: int, turn: int, activations: Activations) -> None:
        if settings.cancel is not None and settings.cancel.is_set():
            raise Cancelled("The scan was cancelled.")
        parts = gathered[layer.layer]
        width = layer.widths(settings.limit_neurons)[part]
        parts[part].add(turn, replace(activations, values=activations.values[:, :width]))
        if turn == len(batches) - 1 and all(buffer.complete for buffer in parts):
            on_layer(layer, tuple(buffer.whole() for buffer in gathered.pop(layer.layer)))
        if layer is not last or any(turn not in buffer.reached for buffer in parts):
            turns.pass_on(turn)
        elif settings.streams is None and settings.output is None:  # else the forward goes on
            raise RelayStopped

    with _hooked(layers, turns, reached), watching_streams(loaded, layers, batches, turns, settings.streams):
        turns.run(lambda turn: _forward(loaded, batches[turn], settings.output))


def _forward(loaded: LoadedModel, batch: Batch, output: OutputListener | None) -> None:
    try:
        with torch.inference_mode():
            if output is None:
                loaded.model(**batch.inputs)
            else:
                output.on_output(batch, loaded.model(**batch.inputs, **output.arguments))
    except RelayStopped:
        pass


@contextmanager
def _hooked(
    layers: Sequence[NeuronLayer], turns: BatchRelay, reached: Callable[[NeuronLayer, int, int, Activations], None]
) -> Iterator[None]:
    """Hooks on the layers' parts for as long as the context lasts, however it is left."""

    def hook_of(layer: NeuronLayer, part: int) -> Callable[[Activations], None]:
        calls: dict[int, int] = {}  # by batch

        def hook(activations: Activations) -> None:
            turn = turns.mine()
            call = calls[turn] = calls.get(turn, -1) + 1
            if call == layer.call:
                reached(layer, part, turn, activations)

        return hook

    handles = []
    try:
        for layer in layers:
            for number, part in enumerate(layer.parts):
                handles.append(part.watch(hook_of(layer, number)))
        yield
    finally:
        for handle in handles:
            handle.remove()
