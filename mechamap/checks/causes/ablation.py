"""Ablating neurons of a run: their effects on every category beside those of random neurons, kept in the run."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run, text_of_run
from mechamap.checks.causes.ablated_window import Ablated
from mechamap.checks.causes.ablator import Ablator
from mechamap.checks.causes.attribution import causes_of
from mechamap.checks.causes.other_text import outdated
from mechamap.checks.causes.target_words import WordTargets, word_targets
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
    """Measure the effects of single neurons of a run, and keep them in the run.

    Args:
        run: on disk.
        loaded: the model that the run is about.
        rows: the neurons, as rows of the run.
        settings: how to ablate.
        on_event: called with stages.
        cancel: set it to stop; the run stays as it was.

    Returns:
        The run, and the ablations in the order of ``rows``. With ``mode`` zero ``cause_measured`` has their effects.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: no word of a category has a word before it, the model is not the run's, the run cannot be written.
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
    controls = [_controls(run, row, settings.controls, set(rows), rng) for row in rows]  # [rows][controls]
    ablated = list(dict.fromkeys([*rows, *(control for of_row in controls for control in of_row)]))
    ablator = Ablator(loaded, text_of_run(run), targets)

    def on_window(done: int, total: int) -> None:
        on_event(StageEntered(Stage.ABLATE, f"{len(ablated)} neurons, {done} of {total} texts"))

    with translated(loaded.id):
        changes, log_p = ablator.effects([_held(run, row, settings.mode) for row in ablated], cancel, on_window)
    places = {row: place for place, row in enumerate(ablated)}
    measured = _Measured(settings.mode, targets, places, *targets.means(changes))
    ablations = [measured.ablation(run, row, of_row) for row, of_row in zip(rows, controls, strict=True)]
    on_event(StageEntered(Stage.WRITE, str(folder)))
    return _add_to_run(run, folder, ablations, measured, log_p), ablations


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
    complete = {layer_rows.layer for _, layer_rows in layers_of_run(run, loaded)}
    for row in rows:
        if int(run.layer_of[row]) not in complete:
            raise UsageError(
                f"{run.neuron_name(row)} is in a layer that is not complete.", "Wait for the scan, or resume it."
            )


def _held(run: Run, row: int, mode: Mode) -> Ablated:
    value = float(run.figure("mean_all")[row]) if mode == "mean" else 0.0
    name = run.neuron_name(row)
    return Ablated(name.layer, name.index, value if np.isfinite(value) else 0.0, name.expert)


def _controls(run: Run, row: int, count: int, excluded: set[int], rng: np.random.Generator) -> list[int]:
    """Random neurons of the same layer among those whose root-mean-square activation is closest."""
    rows = run.layer_rows(int(run.layer_of[row])).rows
    sizes = np.hypot(run.figure("mean_all")[rows], run.figure("std_all")[rows])  # [width] rms over scored positions
    distance = np.abs(np.log(np.maximum(sizes, 1e-12)) - np.log(max(float(sizes[row - rows.start]), 1e-12)))
    distance[np.isnan(distance)] = np.inf
    nearest = (np.argsort(distance, kind="stable") + rows.start).tolist()
    candidates = [candidate for candidate in nearest if candidate not in excluded][: max(_ALIKE, count)]
    return [int(control) for control in rng.permutation(candidates)[:count]]


@dataclass(frozen=True, slots=True)
class _Measured:
    """Effects of all neurons that were ablated, the controls among them."""

    mode: Mode
    targets: WordTargets
    places: dict[int, int]  # the row of the run to that of the arrays
    means: NDArray[np.float64]  # [ablated, categories]
    errors: NDArray[np.float64]  # [ablated, categories]

    def ablation(self, run: Run, row: int, controls: Sequence[int]) -> Ablation:
        """One neuron's ablation beside those of its controls."""
        place, control_places = self.places[row], [self.places[control] for control in controls]
        effects = {
            name: Effect(
                float(self.means[place, c]),
                error if np.isfinite(error := float(self.errors[place, c])) else None,
                int(self.targets.occurrences[c]),
                tuple(float(self.means[control, c]) for control in control_places),
            )
            for c, name in enumerate(run.categories)
            if self.targets.occurrences[c]
        }
        names = tuple(str(run.neuron_name(control)) for control in controls)
        return Ablation(str(run.neuron_name(row)), self.mode, names, effects)


def _add_to_run(
    run: Run, folder: Path, ablations: Sequence[Ablation], measured: _Measured, log_p: NDArray[np.float64]
) -> Run:
    """Add the ablations to the run's record, and zero ablations, those of the controls too, to ``cause_measured``."""
    current = Run.open(folder)  # another process may have added to it in the meantime
    figures = outdated(current, run)
    if not figures and current.record.causes.text == run.record.causes.text:
        run = current
    if measured.mode == "zero":
        values = np.full((run.neurons, len(run.categories)), np.nan, np.float32)
        if run.has("cause_measured"):
            values[:] = run.figure("cause_measured")
        values[list(measured.places)] = measured.means
        figures["cause_measured"] = values
    by_name = {f"{ablation.neuron} {ablation.mode}": ablation for ablation in ablations}
    causes = replace(causes_of(run, measured.targets, log_p), ablations={**run.record.causes.ablations, **by_name})
    return add_to_run(folder, figures, causes=causes)
