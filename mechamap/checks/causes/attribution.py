"""The effect of every neuron to first order: one gradient pass per category estimates all ablations at once.

With L the mean log probability of a category's words and a the neuron's activations, ablating it to zero changes L by
about -(sum over positions of a * dL/da) (attribution patching: Nanda, 2023; Molchanov et al., 2017, for pruning). The
forward is run once, and one backward for each category; only activations get gradients, no weights. Relevance patching
is the same with other rules in the backward pass (:mod:`mechamap.checks.causes.relevance`).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch, window_batches
from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.checks.causes.other_text import outdated
from mechamap.checks.causes.relevance import Method, Relevance
from mechamap.checks.causes.target_words import WordTargets, log_probabilities, logits_at, tokens_at, word_targets
from mechamap.errors import Cancelled, RunError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_repeated, refuse_undefined
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import Causes
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.system.event_log import logged

__all__ = ["POSITIONS", "causes_of", "estimate_causes"]


# Tokens whose graph is in memory at a time; with gradients a forward takes a multiple of a scan's memory.
GRAPH_TOKENS = {"cpu": 512, "cuda": 4096, "mps": 512}
_SCALE = 1024.0  # of the gradients of a model in float16, where small ones would become zero
POSITIONS = "the scored positions; at the first positions and special tokens the neuron is left alone"


def estimate_causes(
    run: Run,
    loaded: LoadedModel,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
    method: Method = "gradient",
) -> Run:
    """Estimate the effect of zero-ablating every neuron on every category, and add ``cause`` to the run.

    Args:
        run: on disk.
        loaded: the model that the run is about.
        on_event: called with stages.
        cancel: set it to stop.
        method: ``gradient``, or ``relp``; where the rules of the latter find nothing in the model to be applied to,
            the gradient is used, and the run's record says so.

    Raises:
        Cancelled: ``cancel`` was set; the run stays as it was.
        UnsupportedModel: the model gives words no probability that a neuron could change.
        RunError: no word of a category has a word before it, the model is not the run's, the run cannot be written.
    """
    on_event = logged(on_event, "causes")
    folder = run.folder_to_rerun()
    refuse_undefined(loaded, "cause")
    layers = layers_of_run(run, loaded)
    targets = word_targets(run)
    if not len(targets.positions):
        raise RunError(f"The text of {run.name} contains no word of any category.", "Scan a text that contains some.")
    refuse_repeated(loaded)
    started = time.perf_counter()
    with translated(loaded.id):
        relevance = Relevance.of(loaded) if method == "relp" else None
    estimate = _Estimate(loaded, layers, targets, run, relevance)
    batches = estimate.batches()
    with translated(loaded.id):
        for done, batch in enumerate(batches):
            on_event(StageEntered(Stage.GRADIENTS, f"{done} of {len(batches)} parts of the text"))
            estimate.add(batch, cancel)
    on_event(StageEntered(Stage.WRITE, str(folder)))
    rules = relevance.applied if relevance is not None else {}
    causes = replace(
        causes_of(run, targets, estimate.log_p),
        seconds=round(time.perf_counter() - started, 3),
        method="relp" if any(rules.values()) else "gradient",
        rules=rules,
    )
    figures = outdated(Run.open(folder), run) | {"cause": estimate.cause}
    return add_to_run(folder, figures, causes=causes)


def causes_of(run: Run, targets: WordTargets, log_p: NDArray[np.float64]) -> Causes:
    """The run's causes, with where neurons are ablated, and how well the model predicts the words."""
    means, _ = targets.means(log_p)
    return replace(
        run.record.causes,
        positions=POSITIONS,
        occurrences=dict(zip(run.categories, targets.occurrences.tolist(), strict=True)),
        log_p={name: float(mean) for name, mean in zip(run.categories, means, strict=True) if np.isfinite(mean)},
    )


class _Estimate:
    """The sums so far.

    Attributes:
        cause: ``[neurons, categories]``, NaN where there is nothing to sum.
        log_p: ``[targets]``, of the untouched model.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        layers: Sequence[tuple[NeuronLayer, LayerRows]],
        targets: WordTargets,
        run: Run,
        relevance: Relevance | None,
    ) -> None:
        self._loaded, self._layers, self._targets, self._text = loaded, layers, targets, text_of_run(run)
        self._relevance = relevance
        self._limit: int | None = run.config.limit_neurons
        self.log_p = np.zeros(len(targets.positions))
        self.cause = np.full((run.neurons, targets.members.shape[1]), np.nan, np.float32)
        for _, rows in layers:
            self.cause[rows.rows, targets.occurrences > 0] = 0

    def batches(self) -> list[Batch]:
        """The parts of the text that predict some word."""
        predicts = np.zeros(len(self._text.ids), np.bool_)
        predicts[self._targets.positions - 1] = True
        device = self._loaded.device
        size = GRAPH_TOKENS.get(device.type, GRAPH_TOKENS["cpu"])
        return [batch for batch in window_batches(self._text, predicts, size, device) if len(batch.take)]

    def add(self, batch: Batch, cancel: threading.Event | None) -> None:
        """Add a part of the text: one forward, and a backward for each category that has a word there."""
        loaded, targets = self._loaded, self._targets
        flat = batch.positions.ravel()
        predicted = flat[batch.take.cpu().numpy()] + 1  # [targets of the batch] positions
        target_rows = np.searchsorted(targets.positions, predicted)
        shares = targets.members[target_rows] / np.maximum(targets.occurrences, 1)  # [targets of the batch, categories]
        counted = torch.from_numpy((flat >= 0) & self._text.scored[flat]).to(loaded.device)
        scale = _SCALE if loaded.dtype == torch.float16 else 1.0
        ids = torch.from_numpy(tokens_at(batch, predicted)).to(loaded.device)
        rules = self._relevance.rules() if self._relevance is not None else nullcontext()
        with torch.enable_grad(), rules, _neurons(self._layers) as neurons, logits_at(loaded, batch.take):
            logits = loaded.model(input_ids=batch.ids, attention_mask=batch.mask, use_cache=False).logits
            known = log_probabilities(logits, ids)  # [targets of the batch]
            self.log_p[target_rows] = known.detach().cpu().double().numpy()
            here = np.flatnonzero(shares.any(axis=0)).tolist()
            for category in here:
                if cancel is not None and cancel.is_set():
                    raise Cancelled("Estimating causes was cancelled; the run is as it was.")
                share = torch.as_tensor(shares[:, category] * scale, dtype=known.dtype, device=known.device)
                inputs = [activations.values for activations in neurons.values()]
                gradients = torch.autograd.grad(known @ share, inputs, retain_graph=category != here[-1])
                by_part = dict(zip(neurons, gradients, strict=True))
                for layer, rows in self._layers:
                    effects = [
                        _sum_over(neurons[layer.layer, number], by_part[layer.layer, number], counted)[..., :width]
                        for number, width in enumerate(layer.widths(self._limit))
                    ]
                    effect = torch.cat([part_effect.flatten().cpu() for part_effect in effects])  # [neurons]
                    self.cause[rows.rows, category] -= effect.numpy() / scale


def _sum_over(activations: Activations, gradient: Tensor, counted: Tensor) -> Tensor:
    """Sum over counted positions of activation * gradient, ``[width]``, or ``[experts, width]``; float32.

    Args:
        counted: ``[tokens of the call]``, which of them count.
    """
    counted = counted.to(gradient.device)
    if activations.tokens is None:
        a, g = (tensor[counted].float() for tensor in (activations.values.detach(), gradient))
        return (a * g).sum(dim=0)
    here = counted[activations.tokens]  # [routed]
    product = activations.values.detach()[here].float() * gradient[here].float()
    sums = product.new_zeros(len(activations.counts), product.shape[1])
    return sums.index_add(0, activations.experts()[here], product)


@contextmanager
def _neurons(layers: Sequence[tuple[NeuronLayer, LayerRows]]) -> Iterator[dict[tuple[int, int], Activations]]:
    """Within the context, what each part of a layer computes is kept, part of the graph: by layer and part."""
    by_part: dict[tuple[int, int], Activations] = {}

    def watch(layer: int, part: int) -> Callable[[Activations], Tensor]:
        def hook(activations: Activations) -> Tensor:
            values = activations.values
            if not values.requires_grad:  # the first layer: the graph begins here
                values = values.detach().requires_grad_()
            by_part[layer, part] = replace(activations, values=values)
            return values

        return hook

    with ExitStack() as hooks:
        for layer, _ in layers:
            for number, part in enumerate(layer.parts):
                hooks.callback(part.watch(watch(layer.layer, number)).remove)
        yield by_part
