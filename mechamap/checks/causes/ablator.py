"""The effects of single neurons, measured: the model reads the text without each of them.

Many neurons share a forward, each ablated in its own row of the batch. The forward starts behind the ablated layer's
block: its output in the untouched model was kept, and without a neuron it differs by what that neuron added. Where a
block does more with its MLP's output than add it, the forward starts at the block itself. Both are checked before they
are relied on. A window is read once for all its words.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import BATCH_TOKENS, window_batches
from mechamap.checks.causes.ablated_window import Ablated, AblatedWindow, held_neurons, seen_activations
from mechamap.checks.causes.target_words import WordTargets, log_probabilities, logits_at
from mechamap.errors import Cancelled
from mechamap.models.blocks import Entries, keeping_entries, starting_at, starting_behind
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.text.tokenize import TokenizedText

__all__ = ["Ablator"]

_LOG = logging.getLogger(__name__)


_ALIKE = 1e-2  # of what a neuron changes, by which the predicted change may differ from the actual one
_SAME = {torch.float32: 1e-3, torch.bfloat16: 0.5, torch.float16: 0.1}  # nats that rounding may change


class Ablator:
    """Measures log probabilities of words with single neurons ablated.

    Args:
        loaded: the model.
        text: what it reads, window by window.
        targets: the words.
        batch_tokens: most tokens of one forward; :data:`mechamap.capture.batches.BATCH_TOKENS` where not given.
    """

    def __init__(
        self, loaded: LoadedModel, text: TokenizedText, targets: WordTargets, batch_tokens: int | None = None
    ) -> None:
        self._loaded, self._text, self._targets = loaded, text, targets
        self._tokens = batch_tokens or BATCH_TOKENS.get(loaded.device.type, BATCH_TOKENS["cpu"])
        predicts = np.zeros(len(text.ids), np.bool_)
        predicts[targets.positions - 1] = True
        batches = window_batches(text, predicts, 1, loaded.device)
        self._windows = [AblatedWindow.of(batch, text, targets) for batch in batches if len(batch.take)]
        # In half precision a row's result depends on the shape of its batch, by more than a neuron may change: there
        # one row of every batch is left alone, and the others are compared with it.
        self._beside = int(loaded.dtype != torch.float32)
        self._same = _SAME.get(loaded.dtype, 0.1)
        # Both are found out on the first window: whether a forward may start at a block, and behind which blocks
        # what leaves them without a neuron can be predicted.
        self._may_start: bool | None = None
        self._predicted: dict[int, bool] = {}  # by layer

    def effects(
        self,
        neurons: Sequence[Ablated],
        cancel: threading.Event | None = None,
        on_window: Callable[[int, int], None] = lambda done, total: None,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Change of each word's log probability without each neuron, ``[neurons, targets]``; and its value with all.

        Args:
            neurons: of any layers, in any order.
            cancel: checked before every forward.
            on_window: called with how many windows are done, of how many.

        Raises:
            Cancelled: ``cancel`` was set.
        """
        layers = [layer for layer in self._loaded.layers if any(neuron.layer == layer.layer for neuron in neurons)]
        changes = np.zeros((len(neurons), len(self._targets.positions)))
        known = np.zeros(len(self._targets.positions))  # [targets] of the untouched model
        for done, window in enumerate(self._windows):
            on_window(done, len(self._windows))
            with keeping_entries(self._loaded, layers) as entries, seen_activations(layers) as activations:
                known[window.targets] = self._read(window, 1)[0]
            self._check_start(window, layers, entries, known[window.targets])
            self._check_behind(window, layers, entries, activations, known=known[window.targets])
            for layer in layers:
                in_layer = [place for place, neuron in enumerate(neurons) if neuron.layer == layer.layer]
                room = max(self._tokens // window.ids.shape[1] - self._beside, 1)
                for first in range(0, len(in_layer), room):
                    if cancel is not None and cancel.is_set():
                        raise Cancelled("The ablation was cancelled; the run is as it was.")
                    chunk = in_layer[first : first + room]
                    ablated = [neurons[place] for place in chunk]
                    if self._predicted.get(layer.layer):
                        behind = self._behind(window, layer, ablated, entries, activations[layer.layer])
                        with starting_behind(self._loaded, layer, entries, behind):
                            without = self._read(window, len(behind))
                    else:
                        without = self._without(window, layer, ablated, entries)
                    compared = without[0] if self._beside else known[window.targets]
                    changes[np.array(chunk)[:, None], window.targets] = without[self._beside :] - compared
        return changes, known

    def _without(
        self, window: AblatedWindow, layer: NeuronLayer, neurons: Sequence[Ablated], entries: Entries
    ) -> NDArray[np.float64]:
        """Log probabilities ``[rows, targets of the window]``, each row without one neuron."""
        rows = len(neurons) + self._beside
        start = starting_at(self._loaded, layer, entries, rows) if self._may_start else nullcontext()
        with start, held_neurons(layer, neurons, window, self._beside):
            return self._read(window, rows)

    def _behind(
        self,
        window: AblatedWindow,
        layer: NeuronLayer,
        neurons: Sequence[Ablated],
        entries: Entries,
        activations: Tensor,
    ) -> Tensor:
        """The output of the layer's block without each neuron, ``[rows, length, d_model]``.

        Args:
            activations: of the layer in the untouched model, ``[length, d_mlp]``.
        """
        indices = torch.tensor([neuron.index for neuron in neurons], device=activations.device)
        values = activations.new_tensor([neuron.value for neuron in neurons])
        weight = layer.parts[0].weight()[indices]  # [neurons, d_model]
        behind = entries.left[layer.layer].repeat(self._beside + len(neurons), 1, 1)  # [rows, length, d_model]
        scored = window.scored.to(behind.device)
        with torch.inference_mode():
            change = (values - activations[scored][:, indices]).T  # [neurons, scored]
            added = (change.float()[..., None] * weight.float()[:, None]).to(behind.dtype)  # [neurons, scored, d_model]
            behind[self._beside :, scored] += added
        return behind

    def _check_behind(
        self,
        window: AblatedWindow,
        layers: Sequence[NeuronLayer],
        entries: Entries,
        activations: dict[int, Tensor],
        *,
        known: NDArray[np.float64],
    ) -> None:
        """Check that the output of each block is predicted when its first neuron is driven far out of its range, and
        that the blocks behind depend on nothing else."""
        for layer in layers:
            if layer.layer in self._predicted:
                continue
            self._predicted[layer.layer] = False
            if not self._may_start or not layer.dense:  # what an expert adds depends on its router, too
                continue
            with starting_behind(self._loaded, layer, entries, entries.left[layer.layer]):
                again = self._read(window, 1)[0]
            if not np.abs(again - known).max() <= self._same:
                continue
            layer_activations = activations[layer.layer]
            extreme = Ablated(layer.layer, 0, 100.0 * max(1.0, float(layer_activations[:, 0].abs().max())))
            with keeping_entries(self._loaded, [layer]) as without:
                self._without(window, layer, [extreme], entries)
            untouched = entries.left[layer.layer][0].float()
            actual = without.left[layer.layer][-1].float() - untouched  # [length, d_model]
            predicted = self._behind(window, layer, [extreme], entries, layer_activations)[-1].float() - untouched
            self._predicted[layer.layer] = bool((actual - predicted).abs().max() <= _ALIKE * actual.abs().max())

    def _read(self, window: AblatedWindow, rows: int) -> NDArray[np.float64]:
        """One forward over the window ``rows`` times: log probabilities ``[rows, targets of the window]``."""
        length = window.ids.shape[1]
        take = (window.take + length * torch.arange(rows, device=window.take.device)[:, None]).ravel()
        with torch.inference_mode(), logits_at(self._loaded, take):
            answer = self._loaded.model(
                input_ids=window.ids.expand(rows, -1), attention_mask=window.mask.expand(rows, -1), use_cache=False
            )
            known: NDArray[np.float64] = (
                log_probabilities(answer.logits, window.words.repeat(rows)).cpu().double().numpy()
            )
        return known.reshape(rows, -1)

    def _check_start(
        self, window: AblatedWindow, layers: Sequence[NeuronLayer], entries: Entries, known: NDArray[np.float64]
    ) -> None:
        """Start at the last layer with nothing ablated: if that changes a word, every forward is run whole."""
        if self._may_start is None and layers:
            with starting_at(self._loaded, layers[-1], entries, 1):
                again = self._read(window, 1)[0]
            self._may_start = bool(np.abs(again - known).max() <= self._same)
            if not self._may_start:
                _LOG.info("a forward cannot start at a block of this model: whole forwards are run")
