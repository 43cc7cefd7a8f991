"""A second text: do the neurons that stand out in one text read their category in another one too?

Findings often hold on one data set alone (the interpretability illusion of Bolukbasi et al., 2021). Candidates are
scored again, exactly, on a text that had no part in finding them; those that drop are flagged, with both numbers.
"""

from __future__ import annotations

import threading

import numpy as np
import torch

from mechamap.capture.batches import batch_tokens
from mechamap.capture.rerun import layers_of_run
from mechamap.checks.chosen_neurons import ChosenNeurons, batches_of
from mechamap.errors import RunError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.findings import passing
from mechamap.figures.second_text import FEWEST
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import SecondText, SecondTextNeuron
from mechamap.runs.run import Run
from mechamap.scores.layer import layer_scorer
from mechamap.scores.positions import ScorePlan, score_plan
from mechamap.system.event_log import logged
from mechamap.text.occurrences import find_occurrences
from mechamap.text.tokenize import tokenize

__all__ = ["CANDIDATES", "candidates", "drops", "score_second_text", "standard_error"]

CANDIDATES = 20  # for each category
LARGEST_DROP = 0.1  # of the AUROC; and more than two standard errors


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
    folder = run.folder_with_model()
    name, content = text
    config = run.config
    tokenized = tokenize([content], loaded.tokenizer, config, loaded.context, loaded.kind)
    occurrences = find_occurrences(tokenized, [content], config.categories)
    if not occurrences:
        raise RunError(f"{name} contains no word of any category of {run.name}.", "Give a text that contains some.")
    plan = score_plan(tokenized, occurrences, len(config.categories), config.pooling, 1)
    chosen = {category: candidates(run, category, count) for category in run.categories}
    rows = sorted({row for chosen_rows in chosen.values() for row in chosen_rows})
    chosen_neurons = ChosenNeurons(loaded, layers_of_run(run, loaded), rows, cancel)
    batches = batches_of(tokenized.windows, batch_tokens(loaded.device.type))
    parts = []
    with translated(loaded.id):
        for done, windows in enumerate(batches):
            on_event(StageEntered(Stage.SECOND_TEXT, f"{done} of {len(batches)} parts of the text"))
            parts.append(chosen_neurons.activations(tokenized, windows))
    values = torch.cat(parts)  # [scored positions, rows]
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
        strength = np.where(passing(run, category), strength, np.nan)
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
    return SecondTextNeuron(
        neuron=str(run.neuron_name(row)),
        category=category,
        first=first,
        second=second,
        error=error,
        occurrences=positions.occurrences,
        dropped=drops(1 - first if falls else first, 1 - second if falls else second, error, positions.occurrences),
    )


def drops(first: float, second: float, error: float, occurrences: int) -> bool:
    """Whether an AUROC in the direction of the sign is lower in a second text than in the scan's, by more than chance.

    Args:
        first, second: in the scan's text and in the second one.
        error: the standard error of the second.
        occurrences: how many there are in the second text; with fewer than five, nothing drops.
    """
    return bool(occurrences >= FEWEST and first - second > max(LARGEST_DROP, 2 * error))


def standard_error(auroc: float, inside: int, outside: int) -> float:
    """The standard error of an AUROC over values inside and outside a category (Hanley & McNeil, 1982)."""
    q1, q2 = auroc / (2 - auroc), 2 * auroc**2 / (1 + auroc)
    variance = auroc * (1 - auroc) + (inside - 1) * (q1 - auroc**2) + (outside - 1) * (q2 - auroc**2)
    return float(np.sqrt(max(variance, 0.0) / (inside * outside)))
