"""Neurons that write a large share of the residual stream: the gradient says little of them, so they are measured.

The estimate of an effect assumes that what comes behind a neuron changes in proportion to it. Where its contribution is
a twentieth of the residual stream or more, norms and attention do not: in a first layer such neurons can matter more
than any other while their gradient is near zero. There are few of them, and ablating these is exact.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mechamap.capture.batches import BATCH_TOKENS, window_batches
from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.target_words import word_targets
from mechamap.errors import Cancelled
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap.system.event_log import logged

__all__ = ["LARGE", "MOST", "measure_large_writers", "written_shares"]


LARGE = 0.05  # of the residual stream; below it, estimates and measurements were found to agree
MOST = 32  # neurons that are measured, those with the largest shares


def measure_large_writers(
    run: Run,
    loaded: LoadedModel,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Run:
    """Measure the effects of the neurons that write most of the residual stream, and keep them as ``cause_measured``.

    Those that were measured before are not measured again.

    Raises:
        Cancelled: ``cancel`` was set; nothing of this is added.
        RunError: the model is not the run's, or the run cannot be written.
    """
    on_event = logged(on_event, "large writers")
    folder = run.folder_to_rerun()
    shares = written_shares(run, loaded)
    largest = np.argsort(-shares, kind="stable")[:MOST]
    rows = largest[shares[largest] >= LARGE]
    rows = rows[np.isnan(_measured(run)[rows]).all(axis=1)]
    if not len(rows):
        return run
    targets = word_targets(run)
    names = [run.neuron_name(int(row)) for row in rows]

    def on_window(done: int, total: int) -> None:
        on_event(StageEntered(Stage.ABLATE, f"{len(rows)} that write most, {done} of {total} texts"))

    with translated(loaded.id):
        ablator = Ablator(loaded, text_of_run(run), targets)
        neurons = [Ablated(name.layer, name.index, 0.0, name.expert) for name in names]
        try:
            changes, _ = ablator.effects(neurons, cancel, on_window)  # [rows, targets]
        except Cancelled as stopped:
            raise Cancelled("Measuring the neurons that write most was cancelled; the estimates are kept.") from stopped
    on_event(StageEntered(Stage.WRITE, str(folder)))
    measured = _measured(Run.open(folder))  # another process may have added to it in the meantime
    measured[rows], _ = targets.means(changes)
    return add_to_run(folder, {"cause_measured": measured})


def _measured(run: Run) -> NDArray[np.float32]:
    """What was measured so far, ``[neurons, categories]``, NaN where nothing was."""
    measured = np.full((run.neurons, len(run.categories)), np.nan, np.float32)
    if run.has("cause_measured"):
        measured[:] = run.figure("cause_measured")
    return measured


def written_shares(run: Run, loaded: LoadedModel) -> NDArray[np.float64]:
    """How large each neuron's contribution is beside its block's output, ``[neurons]``.

    The root mean square, over scored positions, of the length of what it adds over the length of the residual stream
    behind its block. 0 for experts, which not every token is routed to, and where the stream cannot be seen.
    """
    layers, text = layers_of_run(run, loaded), text_of_run(run)
    dense = [(layer, rows) for layer, rows in layers if layer.dense and not layer.parts[0].length_first]
    shares = np.zeros(run.neurons)
    if not dense:
        return shares
    size = BATCH_TOKENS.get(loaded.device.type, BATCH_TOKENS["cpu"])
    limit, counted = run.config.limit_neurons, 0
    with torch.inference_mode(), translated(loaded.id), _seen([layer for layer, _ in dense], loaded) as seen:
        for batch in window_batches(text, text.scored, size, loaded.device):
            loaded.model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False)
            counted += len(batch.take)
            for layer, rows in dense:
                activations, stream = seen[layer.layer]
                take = batch.take.to(activations.device)
                if len(activations) != len(stream):
                    continue
                a = activations[take].float()[:, : layer.limited(limit)]
                inverse = 1 / stream.to(a.device)[take].float().square().sum(dim=1).clamp(min=1e-12)
                shares[rows.rows] += (a.square().T @ inverse).double().cpu().numpy()
    for layer, rows in dense:
        lengths = layer.parts[0].weight()[: layer.limited(limit)].float().norm(dim=1)
        shares[rows.rows] = np.sqrt(shares[rows.rows] / max(counted, 1)) * lengths.double().cpu().numpy()
    return shares


@contextmanager
def _seen(layers: Sequence[NeuronLayer], loaded: LoadedModel) -> Iterator[dict[int, list[Tensor]]]:
    """Within the context each forward leaves a layer's activations and its block's output, ``[tokens, width]`` each."""
    seen: dict[int, list[Tensor]] = {}

    def activations_of(layer: int) -> Callable[[Activations], None]:
        def hook(activations: Activations) -> None:
            seen[layer] = [activations.values]

        return hook

    def stream_of(layer: int) -> Any:
        def hook(_module: nn.Module, _args: tuple[Any, ...], output: Any) -> None:
            stream = output[0] if isinstance(output, tuple) else output
            seen[layer][1:] = [stream.reshape(-1, stream.shape[-1])]

        return hook

    with ExitStack() as hooks:
        for layer in layers:
            hooks.callback(layer.parts[0].watch(activations_of(layer.layer)).remove)
            block = loaded.model.get_submodule(layer.block)
            hooks.callback(block.register_forward_hook(stream_of(layer.layer)).remove)
        yield seen
