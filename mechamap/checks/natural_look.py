"""The second text that is read right after a scan: do the first neurons of each category read it in natural prose too?

The first candidates of each category by average precision are scored again in the bundled natural text, with the model
that is still loaded: over the category's words, and over its second list, which chose nothing anywhere. As much of the
text is read as a time limit allows, the most informative passages first.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run
from mechamap.checks.chosen_neurons import ChosenNeurons
from mechamap.checks.natural_record import FIGURES, CategoryLook, WordScores, look_record
from mechamap.checks.strength import second_evidence, strength
from mechamap.checks.timed_reading import TextRead, TimeLimit, joined_passages, read_in_time
from mechamap.errors import TextError
from mechamap.events import Listener, Stage, StageEntered
from mechamap.figures.values import category_values
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import SecondText
from mechamap.runs.run import Run
from mechamap.scores.against_rest import scores_against
from mechamap.scores.positions import CategoryPositions, score_plan
from mechamap.system.event_log import logged
from mechamap.text.natural_text import NATURAL_TEXT, ordered_passages, unread_passages
from mechamap.text.occurrences import Occurrence, find_words

__all__ = ["CANDIDATES", "look_in_natural_text"]


CANDIDATES = 200  # of each category


def look_in_natural_text(
    run: Run,
    loaded: LoadedModel,
    limit: TimeLimit,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Run:
    """Score the first candidates of each category in the bundled natural text, and add the result to the run.

    Args:
        run: on disk, with average precision.
        loaded: the model that the run is about.
        limit: how long it may take.
        on_event: called with stages.
        cancel: set it to stop; the run stays as it was.

    Returns:
        The run with ``second_auroc``, ``second_ap``, ``others_auroc``, ``others_ap``, ``second_held`` of the candidates
        and ``strength`` of all; or with the reason why nothing was read in its record.

    Raises:
        Cancelled: ``cancel`` was set.
        RunError: the run cannot be written.
    """
    on_event = logged(on_event, "second text")
    folder = run.folder_with_model()
    on_event(StageEntered(Stage.SECOND_TEXT, NATURAL_TEXT))
    candidates = [_candidates(run, category) for category in run.categories]
    rows = np.unique(np.concatenate([np.zeros(0, np.intp), *candidates]))
    if not len(rows):
        return _left_out(run, "No neuron has enough occurrences of a category to be a candidate.")
    try:
        with translated(loaded.id):
            text = _read(run, loaded, rows, limit, on_event=on_event, cancel=cancel)
    except TextError as error:
        return _left_out(run, error.message)
    if text is None:
        return _left_out(run, "A third of the scan's time is too short to read any of it.")
    looks = _looks(run, text, rows, candidates)
    if not any(look.words.occurrences for look in looks):
        return _left_out(run, "The part of it that can be read in time has no word of any category.")
    record = look_record(run, looks, len(text.tokenized.ids), time.perf_counter() - limit.started)
    figures = {name: _whole(run, [getattr(look, name) for look in looks], candidates) for name in FIGURES}
    figures["strength"] = strength(run, second=second_evidence(run, figures["second_ap"], record))
    earlier = tuple(look for look in run.record.second_looks if look.text != NATURAL_TEXT)
    return add_to_run(folder, figures, second_looks=(record, *earlier))


def _candidates(run: Run, category: str) -> NDArray[np.intp]:
    """The rows of the neurons with the largest average precision in the scan's text, the largest first."""
    precision = category_values(run, "ap")[:, run.category_index(category)]  # [neurons]
    order = np.argsort(-precision, kind="stable")[:CANDIDATES]  # NaN last
    return order[np.isfinite(precision[order])]


def _read(
    run: Run,
    loaded: LoadedModel,
    rows: NDArray[np.intp],
    limit: TimeLimit,
    *,
    on_event: Listener,
    cancel: threading.Event | None,
) -> TextRead | None:
    """What there is time to read, for the activations of some rows."""
    config = run.config
    texts = joined_passages(ordered_passages(unread_passages(config.texts), config.categories), config, loaded.context)
    neurons = ChosenNeurons(loaded, layers_of_run(run, loaded), rows.tolist(), cancel)
    return read_in_time(loaded, neurons, texts, config, limit=limit, on_event=on_event)


def _looks(
    run: Run, text: TextRead, rows: NDArray[np.intp], candidates: Sequence[NDArray[np.intp]]
) -> list[CategoryLook]:
    """The scores of each category's candidates."""
    config = run.config
    count = len(config.categories)
    lists = [*(category.words for category in config.categories), *(category.others for category in config.categories)]
    occurrences = find_words(text.tokenized, text.texts, lists).occurrences
    words = [each for each in occurrences if each.category < count]
    others = [replace(each, category=each.category - count) for each in occurrences if each.category >= count]
    in_words = score_plan(text.tokenized, words, count, config.pooling, 1).categories
    in_others = score_plan(text.tokenized, others, count, config.pooling, 1).categories
    values = text.values.numpy()  # [scored positions, rows]
    looks = []
    for number, chosen in enumerate(candidates):
        category = config.categories[number]
        of_chosen = np.ascontiguousarray(values[:, np.searchsorted(rows, chosen)].T)  # [candidates, scored positions]
        falls = np.asarray(run.column("selectivity", category.name))[chosen] < 0  # [candidates]
        of_chosen[falls] *= -1
        inside = np.concatenate([in_words[number].inside, in_others[number].inside])
        of_chosen[~np.isfinite(of_chosen).all(axis=1)] = np.nan
        rest = np.sort(np.delete(of_chosen, inside, axis=1), axis=1)  # [candidates, positions of neither list]
        auroc = np.asarray(run.column("auroc", category.name), np.float64)[chosen]
        looks.append(
            CategoryLook(
                category.name,
                chosen,
                falls,
                _scores(of_chosen, rest, in_words[number], _counts(words, number, category.words), config.pooling),
                _scores(of_chosen, rest, in_others[number], _counts(others, number, category.others), config.pooling),
                np.where(falls, 1 - auroc, auroc),
            )
        )
    return looks


def _counts(occurrences: Sequence[Occurrence], category: int, words: Sequence[str]) -> dict[str, int]:
    return dict(Counter(words[each.word] for each in occurrences if each.category == category))


def _scores(
    values: NDArray[np.float32],
    rest: NDArray[np.float32],
    positions: CategoryPositions,
    counts: dict[str, int],
    pooling: str,
) -> WordScores:
    """How candidates read some words: their values at the occurrences against the sorted ones at other positions."""
    if not positions.occurrences or not rest.shape[1]:
        nothing = np.full(len(values), np.nan)
        return WordScores(nothing, nothing, counts, rest.shape[1])
    if pooling == "last":
        inside = values[:, positions.last]  # [candidates, occurrences]
    else:
        pooled = np.max if pooling == "max" else np.mean
        inside = np.stack([pooled(values[:, span], axis=1) for span in positions.spans], axis=1)
    auroc, ap = scores_against(inside, rest)
    ap[np.isnan(rest[:, 0])] = auroc[np.isnan(rest[:, 0])] = np.nan
    return WordScores(auroc, ap, counts, rest.shape[1])


def _whole(
    run: Run, columns: Sequence[NDArray[np.float64]], candidates: Sequence[NDArray[np.intp]]
) -> NDArray[np.float32]:
    """Values of the candidates as a figure, ``[neurons, categories]``; NaN elsewhere."""
    figure = np.full((run.neurons, len(run.categories)), np.nan, np.float32)
    for number, (chosen, values) in enumerate(zip(candidates, columns, strict=True)):
        figure[chosen, number] = values
    return figure


def _left_out(run: Run, reason: str) -> Run:
    """The run with the reason why nothing was read."""
    record = SecondText(NATURAL_TEXT, 0, (), reason=reason)
    earlier = tuple(look for look in run.record.second_looks if look.text != NATURAL_TEXT)
    return add_to_run(run.folder_with_model(), {}, second_looks=(record, *earlier))
