"""The neurons of all layers whose activations over a run's text go with those of one neuron, or against them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.capture.rerun import layers_of_run
from mechamap.errors import RunError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.probe.best_category import BestCategories
from mechamap.probe.blocks import neuron_blocks, values_of
from mechamap.probe.usual_text import complete_row, usual_text
from mechamap.protocol.probed import Similar, SimilarNeuron
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.text.tokenize import TokenizedText

__all__ = ["SHIFTS", "similar_neurons"]


SHIFTS = 20
FEWEST = 32  # positions, of which correlations are told at all


def similar_neurons(
    run: Run,
    loaded: LoadedModel,
    neuron: str,
    count: int = 20,
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Similar:
    """The neurons of the largest \\|r\\| (Pearson) with a neuron, over the scored positions of the run's text.

    What chance gives is told by the same search with the neuron's activations shifted around the text, 20 times by
    equal steps: the largest \\|r\\| among all neurons each time. A shift keeps how the activations follow each other,
    and takes away what they were for.

    Args:
        count: how many neurons.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the text is too short, the neuron does not vary in it, or the model is not the run's.
        UsageError: the run has no such neuron.
    """
    row = complete_row(run, neuron)
    name = run.neuron_name(row)
    text = usual_text(run, loaded)
    if text.positions < FEWEST:
        raise RunError(
            f"The text of {run.name} has {text.positions} scored positions; correlations need {FEWEST}.",
            "Scan a longer text.",
        )
    pairs = layers_of_run(run, loaded)
    on_event(StageEntered(Stage.PASS, f"{text.words}, for {name}"))
    layer = next(layer for layer, _ in pairs if layer.layer == name.layer)
    chosen = _activations(loaded, text.tokenized, layer, name, cancel)
    if not chosen.isfinite().all() or float(chosen.std(correction=0)) == 0:
        raise RunError(f"{name} has one and the same activation at all {text.words}.", "Choose another neuron.")
    search = _Search(run, row, text.positions, _shifted(chosen, SHIFTS), count)
    on_event(StageEntered(Stage.PASS, f"{text.words} once more, for all neurons"))
    settings = PassSettings(position_mask=text.tokenized.scored, cancel=cancel)
    with translated(loaded.id):
        capture_parts(loaded, text.tokenized, [layer for layer, _ in pairs], search.on_layer, settings)
    notes: tuple[str, ...] = ()
    if run.record.corpus is not None:
        notes = (
            "The corpus is not kept: the correlation runs over tokens around contexts, where some neuron was at its "
            "most extreme, not over typical text.",
        )
    return search.answer(text.words, notes)


def _activations(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layer: NeuronLayer,
    name: NeuronName,
    cancel: threading.Event | None,
) -> Tensor:
    """The chosen neuron's, ``[scored positions]`` float32."""
    positions = int(tokenized.scored.sum())
    kept: list[Tensor] = []

    def on_layer(_layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        kept.append(values_of(layer, parts, name.index, name.expert, positions)[0])

    with translated(loaded.id):
        capture_parts(loaded, tokenized, [layer], on_layer, PassSettings(position_mask=tokenized.scored, cancel=cancel))
    return kept[0]


def _shifted(values: Tensor, shifts: int) -> Tensor:
    """The values, and the values shifted around by equal steps, ``[1 + shifts, positions]``; centred, of length 1."""
    positions = len(values)
    steps = sorted({round(positions * step / (shifts + 1)) for step in range(shifts + 1)})
    rows = torch.stack([values.roll(step) for step in steps])  # [1 + shifts, positions]
    rows -= rows.mean(dim=1, keepdim=True)
    rows /= rows.norm(dim=1, keepdim=True)
    return rows


@dataclass(slots=True)
class _Search:
    """What is kept while layers pass.

    Attributes:
        row: of the chosen neuron, which is compared with no shift of itself either.
        shifted: as of :func:`_shifted`.
    """

    run: Run
    row: int
    positions: int
    shifted: Tensor
    count: int
    found: list[tuple[float, int]] = field(default_factory=list)
    largest: list[Tensor] = field(default_factory=list)  # of each layer, [shifts]
    sizes: list[NDArray[np.float32]] = field(default_factory=list)  # |r| of all neurons
    searched: int = 0

    def on_layer(self, layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        first = self.run.layer_rows(layer.layer).first_row
        for columns, values in neuron_blocks(layer, parts, self.positions, self.run.config.limit_neurons):
            shifted = self.shifted.to(values.device)
            centred = values - values.mean(dim=0)  # [positions, neurons]
            length = centred.norm(dim=0)
            usable = torch.isfinite(length) & (length > 0)
            r = (shifted @ centred) / length  # [1 + shifts, neurons]
            own = self.row - first - columns.start
            if 0 <= own < len(length):
                usable[own] = False
            r = torch.where(usable, r, 0.0).clamp(-1, 1)
            self.searched += int(usable.sum())
            self.largest.append(r[1:].abs().amax(dim=1).cpu())
            top = r[0].abs().topk(min(self.count, len(length))).indices
            self.found += zip(r[0, top].tolist(), (top + first + columns.start).tolist(), strict=True)
            self.sizes.append(r[0].abs().cpu().numpy())

    def answer(self, words: str, notes: tuple[str, ...]) -> Similar:
        chance = sorted(torch.stack(self.largest).amax(dim=0).tolist())
        self.found.sort(key=lambda entry: -abs(entry[0]))
        kept = [entry for entry in self.found[: self.count] if entry[0]]
        best = BestCategories(self.run)
        categories = best.of([row for _, row in kept])
        neurons = tuple(
            SimilarNeuron(str(self.run.neuron_name(row)), r, category.category, category.score, category.reads)
            for (r, row), category in zip(kept, categories, strict=True)
        )
        shared = int((np.concatenate(self.sizes) > chance[-1]).sum())
        name = str(self.run.neuron_name(self.row))
        return Similar(name, neurons, self.searched, tuple(chance), shared, words, best.figure, notes)
