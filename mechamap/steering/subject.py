"""What is steered: a model, and the run whose text says how large its activations are and what they are about."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.rerun import layer_of_run, text_of_run
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import RunError, UsageError
from mechamap.figures.values import category_values
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.record import LayerRows
from mechamap.runs.rows import absent_neuron, names_of_rows
from mechamap.runs.run import Run
from mechamap.steering.hooks import layer_numbered
from mechamap.steering.scales.kept_scales import keep_scales, kept_scales
from mechamap.steering.scales.quantiles import of_activations, of_histogram
from mechamap.text.tokenize import TokenizedText, tokenize
from mechamap.wording.suggest import unknown_name

__all__ = ["LayerNeurons", "Subject"]


@dataclass(frozen=True, slots=True, eq=False)
class LayerNeurons:
    """The neurons of one layer that can be steered or drawn as controls.

    Attributes:
        layer: where they are in the model.
        indices, experts: ``[neurons]``, their names; experts -1 outside of any.
        scales: ``[neurons]``, one unit of each, see :mod:`mechamap.steering.scales.quantiles`; NaN where it is unknown.
        means: ``[neurons]``, mean activations.
        norms: ``[neurons]``, lengths of their output weights.
        signs: ``[neurons]``, -1 where a neuron goes down on the category, else +1.
        places: which of them a neuron is, by index and expert.
    """

    layer: NeuronLayer
    indices: NDArray[np.int32]
    experts: NDArray[np.int32]
    scales: NDArray[np.float64]
    means: NDArray[np.float64]
    norms: NDArray[np.float64]
    signs: NDArray[np.int8]
    places: Mapping[tuple[int, int], int]

    def place_of(self, name: NeuronName) -> int:
        """Which of them a neuron is.

        Raises:
            UsageError: none of them.
        """
        place = self.places.get((name.index, name.expert))
        if place is None:
            raise absent_neuron(name, self.indices, self.experts)
        return place

    def name_at(self, place: int) -> NeuronName:
        return NeuronName(self.layer.layer, int(self.indices[place]), int(self.experts[place]))


@dataclass(slots=True, eq=False)
class Subject:
    """A model that is steered, with what is known of its neurons.

    Attributes:
        loaded: the model.
        config: how it reads a text, and its categories; of a model without a run also the text of its scales.
        run: the run, None where a model is steered without one.
    """

    loaded: LoadedModel
    config: ScanConfig
    run: Run | None = None
    _known: dict[tuple[int, str], LayerNeurons] = field(default_factory=dict)

    @classmethod
    def of_run(cls, run: Run, loaded: LoadedModel) -> Subject:
        """The subject that a run is about.

        Raises:
            RunError: it is a CSV, or lies in no folder.
        """
        run.folder_with_model()
        return cls(loaded, run.config, run)

    def layer(self, number: int, category: str = "") -> LayerNeurons:
        """The neurons of a layer.

        Args:
            category: whose selectivity says which way a neuron goes; empty: all up.

        Raises:
            UsageError: the model or the run has no such layer.
            RunError: the layer is not complete, or the model is not the run's, or has changed since.
        """
        key = (number, category)
        if key not in self._known:
            known = next((of for (layer, _), of in self._known.items() if layer == number), None)
            self._known[key] = replace(known or self._measured(number), signs=self._signs(number, category))
        return self._known[key]

    def selectivity(self, name: NeuronName, category: str) -> float:
        """What a run says of how a neuron reads a category, -1 to 1; NaN without a run or category."""
        if self.run is None or not category or not self.run.has("selectivity"):
            return math.nan
        return float(self.run.column("selectivity", category)[self.run.row_of(name)])

    def category_of(self, names: Sequence[NeuronName], wanted: str = "") -> str:
        """The category that neurons are steered for: the one that is named, else the one they read best on average.

        Empty without a run that says.

        Raises:
            UsageError: there is no such category.
        """
        known = tuple(category.name for category in self.config.categories)
        if wanted:
            if wanted not in known:
                raise UsageError(*unknown_name("category", wanted, known))
            return wanted
        if self.run is None or not self.run.has("selectivity") or not self.run.categories:
            return ""
        rows = [self.run.row_of(name) for name in names]
        sizes = np.abs(category_values(self.run, "selectivity")[rows])  # [neurons, categories]
        means = np.nan_to_num(sizes, nan=0.0).mean(axis=0)  # [categories]
        return self.run.categories[int(means.argmax())] if means.any() else ""

    def _signs(self, number: int, category: str) -> NDArray[np.int8]:
        rows = self._rows(number)
        if self.run is None or not category or not self.run.has("selectivity"):
            return np.ones(rows.width, np.int8)
        return np.where(self.run.column("selectivity", category)[rows.rows] < 0, -1, 1).astype(np.int8)

    def _rows(self, number: int) -> LayerRows:
        if self.run is None:
            layer = layer_numbered(self.loaded, number)
            return LayerRows(number, 0, layer.width, layer.width, layer.experts, shared=layer.shared)
        rows = self.run.layer_rows(number)
        if not rows.complete:
            raise RunError(f"Layer {number} of {self.run.name} is not complete.", "Wait for the scan, or resume it.")
        return rows

    def _measured(self, number: int) -> LayerNeurons:
        rows = self._rows(number)
        layer = layer_numbered(self.loaded, number) if self.run is None else layer_of_run(self.run, rows, self.loaded)
        _, experts, indices = names_of_rows((replace(rows, first_row=0),))
        routed = experts >= 0
        if self.run is None:
            values = self._activations(layer)
            scales, means = of_activations(values, routed), _means(values, routed)
        else:
            scales, means = self._scales_of_run(self.run, layer, rows, routed), self.run.figure("mean_all")[rows.rows]
        norms = _norms(layer, indices, experts)
        signs = np.ones(rows.width, np.int8)
        places = {each: place for place, each in enumerate(zip(indices.tolist(), experts.tolist(), strict=True))}
        return LayerNeurons(layer, indices, experts, scales, np.asarray(means, np.float64), norms, signs, places)

    def _scales_of_run(
        self, run: Run, layer: NeuronLayer, rows: LayerRows, routed: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """From what the run keeps, else from its text, which the model reads once."""
        if run.has("histogram"):
            counts, low, high = (np.asarray(run.figure(name)[rows.rows]) for name in ("histogram", "min", "max"))
            return of_histogram(counts, low, high, routed)
        kept = run.activations(rows.layer)
        if kept is not None:
            scored = np.ones(kept.shape[1], np.bool_)  # [positions]
            scored[list(run.excluded)] = False
            return of_activations(torch.from_numpy(np.ascontiguousarray(kept[:, scored].T)), routed)
        scales = kept_scales(run, rows)
        if scales is None:
            scales = of_activations(self._activations(layer), routed)
            keep_scales(run, rows, scales)
        return scales

    def _activations(self, layer: NeuronLayer) -> Tensor:
        """Of a layer over the text, ``[scored positions, neurons]``."""
        text = self._text()
        collected: list[Tensor] = []
        limit = None if self.run is None else self.run.config.limit_neurons
        settings = PassSettings(position_mask=text.scored, limit_neurons=limit)
        capture_layers(self.loaded, text, [layer], lambda _layer, values: collected.append(values.clone()), settings)
        return collected[0]

    def _text(self) -> TokenizedText:
        if self.run is not None:
            self.run.folder_to_rerun()
            return text_of_run(self.run)
        config = self.config
        return tokenize(config.texts, self.loaded.tokenizer, config, self.loaded.context, self.loaded.kind)


def _means(values: Tensor, routed: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean activations, of experts over the tokens that came to them, ``[neurons]``."""
    absent = torch.from_numpy(routed).to(values.device) & (values == 0)  # [positions, neurons]
    count = (~absent).sum(dim=0).clamp(min=1)  # [neurons]
    means: NDArray[np.float64] = (values.double().sum(dim=0) / count).cpu().numpy()
    return means


def _norms(layer: NeuronLayer, indices: NDArray[np.int32], experts: NDArray[np.int32]) -> NDArray[np.float64]:
    """Lengths of output weights, ``[neurons]``."""
    norms = np.full(len(indices), np.nan)
    with torch.inference_mode():
        for expert in np.unique(experts).tolist():
            of_expert = np.flatnonzero(experts == expert)
            parts = [part for part in layer.parts if (part.experts > 0) == (expert >= 0)]
            weights = torch.cat([part.weight(max(expert, 0)).float().norm(dim=1) for part in parts])  # [neurons]
            norms[of_expert] = weights.double().cpu().numpy()[indices[of_expert]]
    return norms
