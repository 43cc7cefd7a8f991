"""The residual stream behind each block, read in the same forward as the neurons."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from mechamap.capture.batches import Batch
from mechamap.capture.gather import ActivationBuffer
from mechamap.capture.turns import BatchRelay, RelayStopped
from mechamap.errors import UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer

__all__ = ["StreamListener", "watching_streams"]


@dataclass(slots=True, eq=False)
class StreamListener:
    """What wants the residual stream of a pass.

    Attributes:
        on_stream: called with a layer and the stream behind its block, ``[wanted positions, d_model]`` in the model's
            dtype on the block's device, layer by layer; must not keep the tensor.
        missing: why a stream could not be read, empty while every one could; from then on no more are handed over.
    """

    on_stream: Callable[[NeuronLayer, Tensor], None]
    missing: str = field(default="")


@contextmanager
def watching_streams(
    loaded: LoadedModel,
    layers: Sequence[NeuronLayer],
    batches: Sequence[Batch],
    turns: BatchRelay,
    listener: StreamListener | None,
) -> Iterator[None]:
    """Within the context a pass hands over the stream behind each of the layers' blocks, once all batches came there.

    The forward of a batch is stopped behind the last block. Without a listener nothing is watched or stopped.
    """
    with ExitStack() as hooks:
        for layer in layers if listener is not None else ():
            assert listener is not None
            buffer = ActivationBuffer(batches, layer.side)
            hook = _hook(layer, buffer, batches, turns, listener, last=layer is layers[-1])
            hooks.callback(loaded.model.get_submodule(layer.block).register_forward_hook(hook).remove)
        yield


def _hook(
    layer: NeuronLayer,
    buffer: ActivationBuffer,
    batches: Sequence[Batch],
    turns: BatchRelay,
    listener: StreamListener,
    *,
    last: bool,
) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
    calls: dict[int, int] = {}  # by batch

    def after(module: nn.Module, _args: tuple[Any, ...], returned: Any) -> None:
        turn = turns.mine()
        call = calls[turn] = calls.get(turn, -1) + 1
        if call != layer.call:
            return
        if not listener.missing:
            try:
                buffer.add(turn, Activations(_rows(module, returned, layer, batches[turn])))
            except UnsupportedModel as reason:
                listener.missing = reason.message
            else:
                if buffer.complete:
                    listener.on_stream(layer, buffer.take_whole())
        if last:
            raise RelayStopped

    return after


def _rows(block: nn.Module, returned: Any, layer: NeuronLayer, batch: Batch) -> Tensor:
    """The stream of a batch from what its block returned, ``[windows * length, d_model]``.

    Raises:
        UnsupportedModel: that is not one vector for each token, or not the stream.
    """
    if not any(True for child in block.children() for _ in child.children()):
        # XLM keeps a list of attentions and one of MLPs, and adds what they return to the stream itself.
        raise UnsupportedModel(f"{layer.block} is an MLP alone, which does not return the residual stream.")
    hidden = returned[0] if isinstance(returned, (tuple, list)) else returned
    if isinstance(hidden, torch.Tensor) and hidden.ndim == 3 and hidden.is_floating_point():
        by_window = hidden.transpose(0, 1) if layer.parts[0].length_first else hidden
        if by_window.shape[0] == len(batch.ids):
            return by_window.reshape(-1, by_window.shape[-1])
    raise UnsupportedModel(f"What {layer.block} returns is not one vector for each token.")
