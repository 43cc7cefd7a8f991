"""A second text: do the neurons that stand out in one text read their category in another one too?

Findings often hold on one data set alone (the interpretability illusion of Bolukbasi et al., 2021). Candidates are
scored again, exactly, on a text that had no part in finding them; those that drop are flagged, with both numbers.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from mechamap.capture.batches import BATCH_TOKENS
from mechamap.capture.hooked_pass import PassSettings, capture_layers
from mechamap.capture.rerun import layers_of_run
from mechamap.errors import RunError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.catalogue import SIGNIFICANT
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import SecondText, SecondTextNeuron
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.scores.layer import layer_scorer
from mechamap.scores.positions import ScorePlan, score_plan
from mechamap.system.event_log import logged
from mechamap.text.occurrences import find_occurrences
from mechamap.text.tokenize import TokenizedText, Window, tokenize

__all__ = ["CANDIDATES", "candidates", "score_second_text"]


CANDIDATES = 20  # for each category
LARGEST_DROP = 0.1  # of the AUROC; and more than two standard errors
FEWEST = 5  # occurrences; with fewer, a drop is not flagged


def score_second_text(
    run: Run,
    loaded: LoadedModel,
    text: tuple[str, str],
    count: int = CANDIDATES,
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Run:
    """Score a run's candidates on another text, and add the result to the run.

    Args:
        run: on disk.
        loaded: the model that the run is about.
        text: what to call it, and the text itself; of any length, it is read batch by batch.
        count: candidates for each category.
        on_event: called with stages.
        cancel: set it to stop; the run stays as it was.

    Returns:
        The run with ``second_auroc`` of the candidates, and their scores in its record.

    Raises:
        Cancelled: ``cancel`` was set.
        TextError: the text cannot be read.
        RunError: it contains no word of any category, the model is not the run's, the run cannot be written.
    """
    on_event = logged(on_event, "second text")
    folder = run.folder_to_rerun()
    name, content = text
    config = run.config
    tokenized = tokenize([content], loaded.tokenizer, config, loaded.context, loaded.kind)
    occurrences = find_occurrences(tokenized, [content], config.categories)
    if not occurrences:
        raise RunError(f"{name} contains no word of any category of {run.name}.", "Give a text that contains some.")
    plan = score_plan(tokenized, occurrences, len(config.categories), config.pooling, 1)
    chosen = {category: candidates(run, category, count) for category in run.categories}
    rows = sorted({row for chosen_rows in chosen.values() for row in chosen_rows})
    job = _Reading(loaded, tokenized, on_event, cancel)
    with translated(loaded.id):
        values = job.activations(layers_of_run(run, loaded), rows)  # [scored positions, rows]
    scored = layer_scorer(plan, torch.get_num_threads())([Activations(values)]).figures["auroc"]  # [rows, categories]
    on_event(StageEntered(Stage.WRITE, str(folder)))
    entries = [
        _entry(run, row, category, float(scored[rows.index(row), number]), plan)
        for number, category in enumerate(run.categories)
        for row in chosen[category]
    ]
    look = SecondText(name, len(tokenized.ids), tuple(entry for entry in entries if entry is not None))
    looks = (*(earlier for earlier in run.record.second_looks if earlier.text != name), look)
    second = np.full((run.neurons, len(run.categories)), np.nan, np.float32)
    for look in looks:  # the last one with a value for a neuron and a category counts
        for entry in look.neurons:
            second[run.row_of(entry.neuron), run.category_index(entry.category)] = entry.second
    return add_to_run(folder, {"second_auroc": second}, second_looks=looks)


def candidates(run: Run, category: str, count: int = CANDIDATES) -> list[int]:
    """The neurons that read a category most, up or down; of the confirmed ones, if the run was confirmed."""
    strength = np.abs(np.asarray(run.column("selectivity", category), np.float64))
    if run.has("p"):
        strength = np.where(run.column("p", category) < SIGNIFICANT, strength, np.nan)
    order = np.argsort(-strength, kind="stable")  # NaN last
    return [int(row) for row in order[:count] if np.isfinite(strength[row])]


def _entry(run: Run, row: int, category: str, second: float, plan: ScorePlan) -> SecondTextNeuron | None:
    """The score of one candidate in the second text; None where it has none."""
    number = run.category_index(category)
    positions = plan.categories[number]
    if not np.isfinite(second):
        return None
    first = float(run.column("auroc", category)[row])
    falls = first < 0.5
    error = standard_error(1 - second if falls else second, positions.occurrences, positions.rest)
    drop = second - first if falls else first - second
    return SecondTextNeuron(
        neuron=str(run.neuron_name(row)),
        category=category,
        first=first,
        second=second,
        error=error,
        occurrences=positions.occurrences,
        dropped=bool(positions.occurrences >= FEWEST and drop > max(LARGEST_DROP, 2 * error)),
    )


def standard_error(auroc: float, inside: int, outside: int) -> float:
    """The standard error of an AUROC over values inside and outside a category (Hanley & McNeil, 1982)."""
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc) + (inside - 1) * (q1 - auroc**2) + (outside - 1) * (q2 - auroc**2)
    return float(np.sqrt(max(variance, 0.0) / (inside * outside)))


@dataclass(frozen=True, slots=True)
class _Reading:
    """Runs the model over a text a batch at a time and keeps chosen neurons only."""

    loaded: LoadedModel
    tokenized: TokenizedText
    on_event: Listener
    cancel: threading.Event | None

    def activations(self, layers: Sequence[tuple[NeuronLayer, LayerRows]], rows: Sequence[int]) -> Tensor:
        """``[scored positions, rows]`` float32, on the CPU."""
        selected = {}  # layer -> (its neurons, their columns)
        for layer, layer_rows in layers:
            own = range(layer_rows.first_row, layer_rows.first_row + layer_rows.width)
            mine = [(row - own.start, column) for column, row in enumerate(rows) if row in own]
            if mine:
                selected[layer.layer] = tuple(torch.tensor(part) for part in zip(*mine, strict=True))
        collected = torch.empty(int(self.tokenized.scored.sum()), len(rows))
        batches = list(_batches(self.tokenized.windows, self.loaded))
        start = 0
        for done, windows in enumerate(batches):
            self.on_event(StageEntered(Stage.SECOND_TEXT, f"{done} of {len(batches)} parts of the text"))
            part = replace(self.tokenized, windows=tuple(windows))
            count = sum(int(self.tokenized.scored[w.start : w.start + w.length].sum()) for w in windows)
            if not count:
                continue
            place = slice(start, start + count)

            def on_layer(layer: NeuronLayer, activations: Tensor, place: slice = place) -> None:
                neurons, columns = selected[layer.layer]
                collected[place, columns] = activations[:, neurons.to(activations.device)].float().cpu()

            capture_layers(
                self.loaded,
                part,
                [layer for layer, _ in layers if layer.layer in selected],
                on_layer,
                PassSettings(position_mask=self.tokenized.scored, cancel=self.cancel),
            )
            start += count
        return collected


def _batches(windows: Sequence[Window], loaded: LoadedModel) -> list[list[Window]]:
    """Windows in batches of one forward each."""
    room = BATCH_TOKENS.get(loaded.device.type, BATCH_TOKENS["cpu"])
    batches: list[list[Window]] = []
    for window in windows:
        if batches and (len(batches[-1]) + 1) * max(member.length for member in [*batches[-1], window]) <= room:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches
