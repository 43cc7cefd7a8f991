"""The hooked pass: each layer's neurons, one layer at a time, for all positions at once.

A hook on every part of a wanted layer sees what the down-projection is given, which are the neurons' activations.
They are handed to a callback and forgotten before the next layer runs; behind the last wanted layer the forward is
stopped.

A text too long for one forward is cut into batches, each run by a thread of its own, and the threads take turns: when
all have reached a layer, the callback gets it whole, and only then they go on. So exact statistics need one layer's
activations in memory, whatever the length of the text, and no architecture has to be taken apart for it.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.batches import BATCH_TOKENS, Batch, window_batches
from mechamap.errors import Cancelled
from mechamap.gathered import filled, gathering
from mechamap.models import LoadedModel, NeuronLayer
from mechamap.models.experts import Activations
from mechamap.models.reading import reading_of
from mechamap.text import TokenizedText

__all__ = ["capture_layers", "capture_parts"]

LayerCallback = Callable[[NeuronLayer, Tensor], None]
PartsCallback = Callable[[NeuronLayer, tuple[Activations, ...]], None]


class _Stop(Exception):
    """Leaves a forward behind the last wanted layer."""


def capture_layers(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layers: Sequence[NeuronLayer],
    on_layer: LayerCallback,
    *,
    wanted: NDArray[np.bool_] | None = None,
    limit_neurons: int | None = None,
    cancel: threading.Event | None = None,
    batch_tokens: int | None = None,
    give_back: bool = True,
) -> None:
    """Run the model over the text once and hand over each layer's activations as it is reached, in one piece.

    An expert's neurons read zero at a token that was not routed to it: they added nothing there.

    Args:
        on_layer: called with a layer and its activations ``[wanted positions, neurons]``, in the model's dtype on the
            layer's device; called in layer order; must not keep the tensor.

    The other arguments, and the errors, are those of :func:`capture_parts`.
    """

    def whole(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        on_layer(layer, filled(parts, positions))

    positions = len(tokenized.ids) if wanted is None else int(np.count_nonzero(wanted))
    capture_parts(
        loaded,
        tokenized,
        layers,
        whole,
        wanted=wanted,
        limit_neurons=limit_neurons,
        cancel=cancel,
        batch_tokens=batch_tokens,
        give_back=give_back,
    )


def capture_parts(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layers: Sequence[NeuronLayer],
    on_layer: PartsCallback,
    *,
    wanted: NDArray[np.bool_] | None = None,
    limit_neurons: int | None = None,
    cancel: threading.Event | None = None,
    batch_tokens: int | None = None,
    give_back: bool = True,
) -> None:
    """Run the model over the text once and hand over each layer's activations as it is reached, part by part.

    Args:
        layers: the layers wanted, in the order of the forward.
        on_layer: called with a layer and the activations of each of its parts: of a dense one ``[wanted positions,
            neurons]``; of routed experts those of the tokens that came to each, whose ``tokens`` count the wanted
            positions. In the model's dtype on the layer's device; called in layer order; must not keep the tensors.
        wanted: ``[positions]``, which positions to hand over; all where not given.
        limit_neurons: hand over only the first so many, see :meth:`mechamap.models.layers.NeuronLayer.widths`.
        cancel: looked at in every layer.
        batch_tokens: most tokens of one forward; :data:`mechamap.batches.BATCH_TOKENS` for the device where not given.
        give_back: have freed memory returned to the system where there are several batches. A long text needs it; it
            costs a third of the time, since every tensor is fresh memory then, so a short one is better off without.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    if not layers:
        return
    size = batch_tokens or BATCH_TOKENS.get(loaded.device.type, BATCH_TOKENS["cpu"])
    keep = np.ones(len(tokenized.ids), bool) if wanted is None else wanted
    batches = window_batches(tokenized, keep, size, loaded.device, reading_of(loaded))
    turns = _Turns(len(batches), give_back=give_back)
    gathered = {layer.layer: [gathering(layer, part, batches) for part in layer.parts] for layer in layers}
    last = layers[-1]

    def reached(layer: NeuronLayer, part: int, turn: int, seen: Activations) -> None:
        if cancel is not None and cancel.is_set():
            raise Cancelled("The scan was cancelled.")
        parts = gathered[layer.layer]
        width = layer.widths(limit_neurons)[part]
        parts[part].add(turn, replace(seen, values=seen.values[:, :width]))
        if turn == len(batches) - 1 and all(its.complete for its in parts):
            on_layer(layer, tuple(its.whole() for its in gathered.pop(layer.layer)))
        if layer is last and all(turn in its.reached for its in parts):
            raise _Stop
        turns.pass_on(turn)

    with _hooked(layers, turns, reached):
        turns.run(lambda turn: _forward(loaded, batches[turn]))


def _forward(loaded: LoadedModel, batch: Batch) -> None:
    try:
        with torch.inference_mode():
            loaded.model(**batch.inputs)
    except _Stop:
        pass


@contextmanager
def _hooked(
    layers: Sequence[NeuronLayer], turns: _Turns, reached: Callable[[NeuronLayer, int, int, Activations], None]
) -> Iterator[None]:
    """Hooks on the layers' parts for as long as the context lasts, however it is left."""

    def hook_of(layer: NeuronLayer, part: int) -> Callable[[Activations], None]:
        runs: dict[int, int] = {}  # by batch

        def hook(seen: Activations) -> None:
            turn = turns.mine()
            run = runs[turn] = runs.get(turn, -1) + 1
            if run == layer.run:
                reached(layer, part, turn, seen)

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


class _Turns:
    """Runs the same work for each batch, one at a time, each giving the turn to the next where it says so.

    With one batch it all happens in the calling thread. With several, each has a thread; only one of them ever runs.
    The first failure stops all of them and is raised to the caller.
    """

    def __init__(self, count: int, *, give_back: bool) -> None:
        self._count = count
        self._give_back = give_back
        self._turn = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self._finished = [False] * count
        self._own = threading.local()

    def mine(self) -> int:
        """The batch that the calling thread runs."""
        number: int = self._own.number
        return number

    def run(self, work: Callable[[int], None]) -> None:
        if self._count == 1:
            self._own.number = 0
            work(0)
            return
        if self._give_back:
            _give_back_large_blocks()
        threads = [threading.Thread(target=self._body, args=(work, n), daemon=True) for n in range(self._count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def _body(self, work: Callable[[int], None], number: int) -> None:
        self._own.number = number
        try:
            self._wait_for(number)
            work(number)
        except BaseException as error:
            with self._changed:
                if self._failure is None and not isinstance(error, _Stop):
                    self._failure = error
                self._changed.notify_all()
        finally:
            with self._changed:
                self._finished[number] = True
                if self._turn == number:
                    self._advance(number)
                self._changed.notify_all()

    def pass_on(self, number: int) -> None:
        """Give the turn to the next batch and wait until it comes back."""
        if self._count == 1:
            return
        with self._changed:
            self._advance(number)
            self._changed.notify_all()
        self._wait_for(number)

    def _advance(self, number: int) -> None:
        for step in range(1, self._count + 1):
            self._turn = (number + step) % self._count
            if not self._finished[self._turn]:
                return

    def _wait_for(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._turn == number or self._failure is not None)
            if self._failure is not None:
                raise _Stop


def _give_back_large_blocks() -> None:
    """Have glibc return freed tensors to the system, instead of each thread's heap keeping its own.

    Without it a long text takes several times its activations: every thread frees them into an arena of its own,
    where no other thread finds them. Elsewhere than on glibc nothing happens.
    """
    mmap_threshold, one_mebibyte = -3, 2**20  # M_MMAP_THRESHOLD of malloc.h; setting it also stops it from growing
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(mmap_threshold, one_mebibyte)
