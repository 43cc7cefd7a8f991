"""Estimated effects of neurons against measured ones: single neurons and ten of a layer, by both ways to estimate.

Neurons are taken from layers spread over the model: those with the largest estimates, and random ones. Groups are held
at zero together, and the sum of their estimates is compared with what that does.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.figures import Figure
from benchmarks.large_activations import save_with_large_activations
from mechamap.capture.batches import window_batches
from mechamap.capture.rerun import text_of_run
from mechamap.catalog.source import demo_folder, resolve
from mechamap.checks.causes.ablated_window import AblatedWindow
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.checks.causes.large_writers import measure_large_writers
from mechamap.checks.causes.relevance import Method
from mechamap.checks.causes.target_words import log_probabilities, logits_at, word_targets
from mechamap.config.schema import default_config
from mechamap.models.blocks import keeping_entries, starting_at
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan

__all__ = ["all_causes_figures"]

GROUP = 10
BOTH = "gradient, large writers measured"
EACH = 6  # neurons of a layer with the largest estimates by each method, and random ones
LAYERS = 6
METHODS: tuple[Method, ...] = ("gradient", "relp")
_TOKENS = 4096  # of a forward


@dataclass(frozen=True, slots=True)
class Together:
    """Neurons of one layer that are held at zero together."""

    layer: NeuronLayer
    indices: NDArray[np.int64]


def all_causes_figures(model_path: Path) -> list[Figure]:
    """The figures of ``model_path``, and of the bundled GPT-2 as it is and with a large residual stream."""
    with tempfile.TemporaryDirectory() as folder:
        large = Path(folder) / "large"
        before, after = save_with_large_activations(demo_folder(), large)
        models = [
            (model_path.name, str(model_path), ""),
            ("bundled GPT-2", "demo", ""),
            ("bundled GPT-2 with a large residual stream", str(large), f"loss {after:.3f} instead of {before:.3f}"),
        ]
        figures = []
        for number, (name, path, remark) in enumerate(models):
            loaded = load_model(resolve(path), LoadSettings(dtype="float32"))
            run = scan(ScanRequest(resolve(path), default_config(), Path(folder) / f"run{number}"), loaded=loaded)
            figures += _figures(run, loaded, name, remark)
        return figures


def _figures(run: Run, loaded: LoadedModel, name: str, remark: str) -> list[Figure]:
    """How well both estimates order what is measured, the first also with large writers measured; what they cost."""
    estimates: dict[str, NDArray[np.float64]] = {}
    seconds: dict[str, float] = {}
    for method in METHODS:
        run = estimate_causes(run, loaded, method=method)
        estimates[method] = np.array(run.figure("cause"), np.float64)  # [neurons, categories]
        seconds[method] = run.record.causes.seconds or np.nan
    started = time.perf_counter()
    run = measure_large_writers(run, loaded)
    large = time.perf_counter() - started
    exact = np.array(run.figure("cause_measured"), np.float64) if run.has("cause_measured") else np.nan
    by_both = np.where(np.isnan(exact), estimates["gradient"], exact)
    chosen = _chosen(run, loaded, list(estimates.values()))
    measured = _measured(run, loaded, chosen)  # [groups, categories]
    figures = []
    for size in (1, GROUP):
        places = [place for place, group in enumerate(chosen) if len(group.indices) == size]
        for way, estimate in {**estimates, BOTH: by_both}.items():
            sums = np.array([estimate[_rows(run, chosen[place])].sum(axis=0) for place in places])
            layers = np.array([chosen[place].layer.layer for place in places])
            compared = Compared(size, sums, measured[places], layers, len(loaded.layers))
            figures.append(compared.figure(name, way, remark))
    ratio = seconds["relp"] / seconds["gradient"]
    detail = f"{seconds['relp']:.3g} s against {seconds['gradient']:.3g} s, once each"
    figures.append(Figure(f"{name}: relp / gradient, time", f"{ratio:.2f} x", "<= 1.3 x", ratio <= 1.3, detail))
    count = int(np.isfinite(exact).any(axis=1).sum()) if np.ndim(exact) else 0
    detail = f"{count} neurons, after an estimate of {seconds['gradient']:.3g} s"
    return [*figures, Figure(f"{name}: large writers measured", f"{large:.3g} s", "-", None, detail)]


@dataclass(frozen=True, slots=True)
class Compared:
    """Groups of one size: their estimates added up, and what was measured, ``[groups, categories]`` each."""

    size: int
    sums: NDArray[np.float64]
    measured: NDArray[np.float64]
    layers: NDArray[np.int64]  # [groups]
    n_layers: int

    def figure(self, name: str, method: str, remark: str) -> Figure:
        """The rank correlation, with those of parts of the model beside it."""
        bands = {
            "first layer": self.layers == 0,
            "first half": (self.layers > 0) & (self.layers < self.n_layers / 2),
            "second half": self.layers >= self.n_layers / 2,
        }
        by_band = [f"{band} {_spearman(self.sums[here], self.measured[here]):.3f}" for band, here in bands.items()]
        detail = [
            ", ".join(by_band),
            f"Pearson {_pearson(self.sums, self.measured):.3f}",
            f"{len(self.sums)} x {self.sums.shape[1]} effects of {len(set(self.layers.tolist()))} layers, "
            f"{np.nanmax(np.abs(self.measured)):.2g} nats at most",
            *([remark] if remark else []),
        ]
        rank = _spearman(self.sums, self.measured)
        bound, kept = (">= 0.9", rank >= 0.9) if method == BOTH else ("-", None)
        what = "single neurons" if self.size == 1 else f"groups of {self.size}"
        title = f"{name}: {what}, {method}; against measured (Spearman)"
        return Figure(title, f"{rank:.3f}", bound, kept, "; ".join(detail))


def _chosen(run: Run, loaded: LoadedModel, estimates: Sequence[NDArray[np.float64]]) -> list[Together]:
    """Of layers spread over the model: the largest by either estimate, and random ones, alone and as groups."""
    rng = np.random.default_rng(0)
    numbers = np.unique(np.linspace(0, len(loaded.layers) - 1, LAYERS).astype(int))
    chosen: list[Together] = []
    for layer in (loaded.layers[number] for number in numbers):
        of_layer = [estimate[run.layer_rows(layer.layer).rows] for estimate in estimates]  # [width, categories] each
        orders = [np.argsort(-np.nanmax(np.abs(values), axis=1), kind="stable") for values in of_layer]
        largest = np.unique(np.concatenate([order[:EACH] for order in orders]))
        singles = np.concatenate([largest, rng.choice(layer.width, EACH, replace=False)])
        groups = [order[:GROUP] for order in orders]
        for values in of_layer:  # what a category needs most
            column = values[:, int(rng.choice(np.flatnonzero(np.isfinite(values).all(axis=0))))]
            groups.append(np.argsort(column, kind="stable")[:GROUP])
        groups += [rng.choice(layer.width, GROUP, replace=False) for _ in range(4)]
        chosen += [Together(layer, np.array([index])) for index in singles]
        chosen += [Together(layer, group) for group in groups]
    return chosen


def _rows(run: Run, group: Together) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = run.layer_rows(group.layer.layer).rows.start + group.indices
    return rows


def _measured(run: Run, loaded: LoadedModel, chosen: Sequence[Together]) -> NDArray[np.float64]:
    """Change of each category's mean log probability with each group at zero, ``[groups, categories]``."""
    text, targets = text_of_run(run), word_targets(run)
    predicts = np.zeros(len(text.ids), np.bool_)
    predicts[targets.positions - 1] = True
    batches = window_batches(text, predicts, 1, loaded.device)
    changes = np.zeros((len(chosen), len(targets.positions)))
    layers = list({group.layer.layer: group.layer for group in chosen}.values())
    for batch in batches:
        if not len(batch.take):
            continue
        window = AblatedWindow.of(batch, text, targets)
        with keeping_entries(loaded, layers) as entries:
            known = _read(loaded, window, 1)[0]
        room = max(1, _TOKENS // window.ids.shape[1])
        for layer in layers:
            places = [place for place, group in enumerate(chosen) if group.layer is layer]
            for first in range(0, len(places), room):
                part = places[first : first + room]
                with starting_at(loaded, layer, entries, len(part)):
                    handle = layer.parts[0].watch(_zeroing([chosen[place] for place in part], window))
                    try:
                        without = _read(loaded, window, len(part))
                    finally:
                        handle.remove()
                changes[np.array(part)[:, None], window.targets] = without - known
    return targets.means(changes)[0]


def _zeroing(groups: Sequence[Together], window: AblatedWindow) -> Callable[[Activations], Tensor]:
    """A hook that holds each group at zero in its own row of the batch, wherever positions are scored."""

    def hook(activations: Activations) -> Tensor:
        values = activations.values.clone()
        by_row = values.view(len(groups), -1, values.shape[-1])
        for row, group in enumerate(groups):
            by_row[row][window.scored[:, None], torch.from_numpy(group.indices).to(values.device)] = 0
        return values

    return hook


def _read(loaded: LoadedModel, window: AblatedWindow, rows: int) -> NDArray[np.float64]:
    """Log probabilities of the window's words, ``[rows, targets of the window]``."""
    length = window.ids.shape[1]
    take = (window.take + length * torch.arange(rows, device=window.take.device)[:, None]).ravel()
    with torch.inference_mode(), logits_at(loaded, take):
        logits = loaded.model(
            input_ids=window.ids.expand(rows, -1), attention_mask=window.mask.expand(rows, -1), use_cache=False
        ).logits
        known: NDArray[np.float64] = log_probabilities(logits, window.words.repeat(rows)).double().cpu().numpy()
    return known.reshape(rows, -1)


def _spearman(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    return _pearson(*(np.argsort(np.argsort(values[both])).astype(np.float64) for values in (one, other)))


def _pearson(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    both = np.isfinite(one) & np.isfinite(other)
    return float(np.corrcoef(one[both], other[both])[0, 1])
