"""Ablating neurons of a run: their effects on every category beside those of random neurons, kept in the run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.checks.ablated_window import Ablated
from mechamap.checks.ablator import Ablator
from mechamap.checks.attribution import about_causes
from mechamap.checks.target_words import WordTargets, word_targets
from mechamap.errors import RunError, UsageError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.findings import causes
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_repeated, refuse_undefined
from mechamap.models.loading.trouble import translated
from mechamap.protocol.messages import Ablation, Effect
from mechamap.runs.additions import add_to_run
from mechamap.runs.run import Run
from mechamap.system.event_log import logged

__all__ = ["CONTROLS", "AblateSettings", "ablate_run", "strongest"]


CONTROLS = 8
_ALIKE = 24  # neurons closest in activation size that controls are drawn from

Mode = Literal["zero", "mean"]


@dataclass(frozen=True, slots=True)
class AblateSettings:
    """How to ablate.

    Attributes:
        mode: hold the neuron at zero, or at its mean, wherever positions are scored.
        controls: random neurons of the same layer and about the same activation size, for each neuron.
        seed: of the choice of controls.
    """

    mode: Mode = "zero"
    controls: int = CONTROLS
    seed: int = 0


def ablate_run(
    run: Run,
    loaded: LoadedModel,
    rows: Sequence[int],
    settings: AblateSettings = AblateSettings(),
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> tuple[Run, list[Ablation]]:
    """Measure what some neurons of a run cause, and keep it in the run.

    Args:
        rows: of the run.
        settings: how.
        on_event: told of stages.
        cancel: set it to stop; the run stays as it was.

    Returns:
        The run, and the ablations in the order of ``rows``. With ``mode`` zero ``cause_measured`` has their effects.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: no word has anything before it, the model is not the run's, the run cannot be written.
        UnsupportedModel: the model gives words no probability that a neuron could change.
        UsageError: a neuron is in a layer that is not complete.
    """
    on_event = logged(on_event, "ablate")
    folder = run.folder_to_rerun()
    refuse_undefined(loaded, "cause")
    refuse_repeated(loaded)
    _check_rows(run, loaded, rows)
    targets = word_targets(run)
    if not len(targets.positions):
        raise RunError(f"The text of {run.name} contains no word of any category.", "Scan a text that contains some.")
    rng = np.random.default_rng(settings.seed)
    beside = [_controls(run, row, settings.controls, set(rows), rng) for row in rows]
    every = list(dict.fromkeys([*rows, *(row for its in beside for row in its)]))
    ablator = Ablator(loaded, text_of_run(run), targets)

    def told(done: int, total: int) -> None:
        on_event(StageEntered(Stage.ABLATE, f"{len(every)} neurons, {done} of {total} texts"))

    with translated(loaded.id):
        changes, log_p = ablator.effects([_held(run, row, settings.mode) for row in every], cancel, told)
    measured = _Measured(
        settings.mode, targets, {row: place for place, row in enumerate(every)}, *targets.means(changes)
    )
    found = [measured.ablation(run, row, its) for row, its in zip(rows, beside, strict=True)]
    on_event(StageEntered(Stage.WRITE, str(folder)))
    return _kept(folder, found, measured, about_causes(run, targets, log_p)), found


def strongest(run: Run, category: str, count: int) -> list[int]:
    """The neurons with the most negative effect on a category, as estimated or measured; the model needs them most.

    Raises:
        RunError: nothing was estimated or measured yet.
    """
    values = causes(run, category)
    if np.isnan(values).all():
        raise RunError(
            f"No effects on {category} have been estimated in {run.name} yet.", "Estimate them: mechamap ablate RUN"
        )
    order = np.argsort(values, kind="stable")
    return [int(row) for row in order[:count] if values[row] < 0]


def _check_rows(run: Run, loaded: LoadedModel, rows: Sequence[int]) -> None:
    complete = {its.layer for _, its in layers_of_run(run, loaded)}
    for row in rows:
        if int(run.layer_of[row]) not in complete:
            raise UsageError(
                f"{run.neuron_name(row)} is in a layer that is not complete.", "Wait for the scan, or resume it."
            )


def _held(run: Run, row: int, mode: Mode) -> Ablated:
    value = float(run.figure("mean_all")[row]) if mode == "mean" else 0.0
    name = run.neuron_name(row)
    return Ablated(name.layer, name.index, value if np.isfinite(value) else 0.0, name.expert)


def _controls(run: Run, row: int, count: int, not_these: set[int], rng: np.random.Generator) -> list[int]:
    """Random neurons of the same layer among those whose root-mean-square activation is closest."""
    rows = run.layer_rows(int(run.layer_of[row])).rows
    sizes = np.hypot(run.figure("mean_all")[rows], run.figure("std_all")[rows])  # [width] rms over scored positions
    distance = np.abs(np.log(np.maximum(sizes, 1e-12)) - np.log(max(float(sizes[row - rows.start]), 1e-12)))
    distance[np.isnan(distance)] = np.inf
    near = [int(its) + rows.start for its in np.argsort(distance, kind="stable")]
    drawn_from = [its for its in near if its not in not_these][: max(_ALIKE, count)]
    return [int(its) for its in rng.permutation(drawn_from)[:count]]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Effects of all neurons that were ablated, the controls among them."""

    mode: Mode
    targets: WordTargets
    places: dict[int, int]  # the row of the run to that of the arrays
    means: NDArray[np.float64]  # [ablated, categories]
    errors: NDArray[np.float64]  # [ablated, categories]

    def ablation(self, run: Run, row: int, controls: Sequence[int]) -> Ablation:
        """What is said of one neuron."""
        at, others = self.places[row], [self.places[its] for its in controls]
        effects = {
            name: Effect(
                float(self.means[at, c]),
                error if np.isfinite(error := float(self.errors[at, c])) else None,
                int(self.targets.occurrences[c]),
                tuple(float(self.means[other, c]) for other in others),
            )
            for c, name in enumerate(run.categories)
            if self.targets.occurrences[c]
        }
        names = tuple(str(run.neuron_name(its)) for its in controls)
        return Ablation(str(run.neuron_name(row)), self.mode, names, effects)


def _kept(folder: Path, found: Sequence[Ablation], measured: _Measured, about: dict[str, Any]) -> Run:
    """Add the ablations to the run's record, and zero ablations, those of the controls too, to ``cause_measured``."""
    run = Run.open(folder)  # another process may have added to it meanwhile
    figures: dict[str, NDArray[np.float32]] = {}
    if measured.mode == "zero":
        values = np.full((run.neurons, len(run.categories)), np.nan, np.float32)
        if run.has("cause_measured"):
            values[:] = run.figure("cause_measured")
        values[list(measured.places)] = measured.means
        figures["cause_measured"] = values
    kept = {**run.record.causes.ablations} | {f"{its.neuron} {its.mode}": its for its in found}
    return add_to_run(folder, figures, causes=replace(run.record.causes, **about, ablations=kept))
