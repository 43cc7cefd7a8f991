"""The reference of a run: order statistics of each neuron over the run's text, worked out once and kept beside it."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.hooked_pass import PassSettings, capture_parts
from mechamap.capture.rerun import layers_of_run
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.probe.blocks import neuron_blocks
from mechamap.probe.reference import HistogramReference, QuantileReference, Reference
from mechamap.probe.usual_text import UsualText, usual_text
from mechamap.runs.run import Run
from mechamap.system.array_files import ArrayShape, read_arrays, save_arrays
from mechamap.system.atomic import replacing
from mechamap.system.json_files import parsed_json

__all__ = ["FILE", "levels", "reference_of"]


FILE = "reference.npz"
LEVELS = 64  # order statistics of a neuron
LARGEST = 2**28  # bytes of all of them
_LARGEST_ABOUT = 100_000_000  # bytes
_MOVED = 0.05  # of a standard deviation, by which means of an unchanged model do not differ


def reference_of(
    run: Run,
    loaded: LoadedModel,
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Reference:
    """What is usual for the neurons of a run.

    A run over a corpus keeps histograms. For another one the model reads its text again, once: the order statistics are
    kept in the run's folder, where that can be written, for as long as the model's files stay as they are.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the run keeps no text, or the model is not the run's.
    """
    if run.record.corpus is not None and run.has("histogram"):
        return HistogramReference(run)
    identity = _identity(run, loaded)
    if (kept := _read(run, identity)) is not None:
        return kept
    text = usual_text(run, loaded)
    on_event(StageEntered(Stage.PASS, f"{text.words}, for percentiles"))
    reference = _worked_out(run, loaded, text, cancel)
    _write(run, identity, reference)
    return reference


def levels(positions: int, neurons: int) -> NDArray[np.int64]:
    """Which order statistics are kept: all of a short text; else close to each other at both ends, wide in the middle.

    Args:
        positions: how many activations each neuron has.
        neurons: how many neurons; of very many, fewer levels are kept.
    """
    most = int(np.clip(LARGEST // max(4 * neurons, 1), 16, LEVELS))
    if positions <= most:
        return np.arange(positions)
    middle = np.linspace(0, positions - 1, most // 2 + 1).round()
    ends = np.unique(np.geomspace(1, positions / 2, most // 4).round()) - 1
    ranks = np.unique(np.concatenate([ends, middle, positions - 1 - ends])).astype(np.int64)
    return np.asarray(ranks, np.int64)


def _worked_out(run: Run, loaded: LoadedModel, text: UsualText, cancel: threading.Event | None) -> QuantileReference:
    tokenized = text.tokenized
    ranks = levels(text.positions, run.neurons)
    quantiles = np.full((run.neurons, len(ranks)), np.nan, np.float32)
    mean, std = np.full(run.neurons, np.nan, np.float32), np.full(run.neurons, np.nan, np.float32)
    pairs = layers_of_run(run, loaded)
    first_row = {layer.layer: rows.first_row for layer, rows in pairs}
    limit, positions = run.config.limit_neurons, text.positions

    def on_layer(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        for columns, values in neuron_blocks(layer, parts, positions, limit):
            first = first_row[layer.layer]
            rows = slice(first + columns.start, first + columns.stop)
            ordered = _ordered(values)  # [neurons, positions]
            mean[rows] = values.mean(dim=0).cpu().numpy()
            std[rows] = values.std(dim=0, correction=0).cpu().numpy()
            quantiles[rows] = np.where(np.isfinite(mean[rows, None]), ordered[:, ranks], np.nan)

    settings = PassSettings(position_mask=tokenized.scored, cancel=cancel)
    with translated(loaded.id):
        capture_parts(loaded, tokenized, [layer for layer, _ in pairs], on_layer, settings)
    remark = _changed(run, mean) if text.whole else ""
    return QuantileReference(text.words, positions, ranks, quantiles, mean, std, remark)


def _ordered(values: Tensor) -> NDArray[np.float32]:
    """``[positions, neurons]`` as each neuron's activations in rising order, ``[neurons, positions]``."""
    rows = values.T.contiguous()
    if rows.device.type in ("cpu", "mps"):  # numpy sorts many times faster than torch there
        ordered = rows.cpu().numpy()
        ordered.sort(axis=1)
        return ordered
    return np.asarray(torch.sort(rows, dim=1).values.cpu().numpy())


def _changed(run: Run, mean: NDArray[np.float32]) -> str:
    """A sentence where neurons are not what they were when the run was made; expert's neurons are not compared."""
    if run.has("tokens"):
        return ""
    spread = np.maximum(run.figure("std_all"), np.finfo(np.float32).tiny)
    moved = np.abs(mean - run.figure("mean_all")) / spread
    moved = moved[np.isfinite(moved)]
    typical = float(np.median(moved)) if len(moved) else 0.0
    if typical < _MOVED:
        return ""
    return (
        f"The model has changed since the scan: over the run's text the median neuron's mean differs by {typical:.2g} "
        "of its standard deviation. Values and percentiles are those of the model as it is now; categories are those "
        "of the scan."
    )


def _identity(run: Run, loaded: LoadedModel) -> dict[str, Any]:
    """What tells whether order statistics that were kept are still those of the run's model."""
    path = Path(loaded.id)
    files: list[Path] = []
    with suppress(OSError):
        files = sorted(path.iterdir()) if path.is_dir() else [path] if path.is_file() else []
    stats = [(file.name, file.stat()) for file in files if file.suffix != ".md"]
    return {
        "created": run.record.created,
        "neurons": run.neurons,
        "layers": [rows.layer for rows in run.complete_layers],
        "model": loaded.id,
        "revision": loaded.revision,
        "dtype": str(loaded.dtype),
        "adapter": loaded.adapter,
        "files": [[name, stat.st_size, stat.st_mtime_ns] for name, stat in stats],
    }


def _read(run: Run, identity: dict[str, Any]) -> QuantileReference | None:
    """What was kept, if it is of this run and its model, and whole."""
    if run.path is None:
        return None
    try:
        arrays = read_arrays(run.path / FILE, {
            "about": ArrayShape("u1", (None,), _LARGEST_ABOUT),
            "ranks": ArrayShape("i8", (None,), 2**31),
            "quantiles": ArrayShape("f4", (run.neurons, None), 2**31),
            "mean": ArrayShape("f4", (run.neurons,)),
            "std": ArrayShape("f4", (run.neurons,)),
        })  # fmt: skip
        about = parsed_json(arrays["about"].tobytes())
        ranks, quantiles, positions = arrays["ranks"], arrays["quantiles"], int(about["positions"])
        reference = QuantileReference(
            str(about["words"]), positions, ranks, quantiles, arrays["mean"], arrays["std"], str(about["remark"])
        )
        same = about["identity"] == json.loads(json.dumps(identity))
    except (OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError):
        return None
    if not (same and len(ranks) > 0 and quantiles.shape[1] == len(ranks)):
        return None
    rising = bool((np.diff(ranks) > 0).all()) and ranks[0] == 0 and ranks[-1] == positions - 1
    return reference if rising else None


def _write(run: Run, identity: dict[str, Any], reference: QuantileReference) -> None:
    """Keep it beside the run; a folder that cannot be written has none, and it is worked out again next time."""
    if run.path is None:
        return
    about = {
        "identity": identity,
        "words": reference.words,
        "positions": reference.positions,
        "remark": reference.remark,
    }
    arrays: dict[str, NDArray[Any]] = {
        "about": np.frombuffer(json.dumps(about).encode("utf-8"), np.uint8),
        "ranks": reference.ranks,
        "quantiles": reference.quantiles,
        "mean": reference.mean,
        "std": reference.std,
    }
    with suppress(OSError), replacing(run.path / FILE, shared=True) as stream:
        save_arrays(stream, arrays)
