"""The same search where there is nothing to find: a run's scan and confirmation, on its model made random.

A method that finds as much in a random network as in a trained one says nothing about the trained one ("Dead Salmons of
AI interpretability", arXiv:2512.18792; Heap et al., arXiv:2501.17727, for sparse autoencoders).
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechamap.capture.rerun import layers_of_run
from mechamap.catalog.source import ModelSource
from mechamap.checks.confirm import confirm_run
from mechamap.checks.confirmation_pass import ConfirmSettings
from mechamap.checks.natural_look import look_in_natural_text
from mechamap.checks.timed_reading import TimeLimit
from mechamap.config.choices import RANDOMIZE
from mechamap.errors import ModelError, OutOfMemory, RunError
from mechamap.events import CorpusProgress, LayerFinished, Listener, ScanEvent, Stage, StageEntered
from mechamap.figures.second_text import natural_look
from mechamap.figures.values import category_values
from mechamap.models.loaded import LoadedModel
from mechamap.models.randomized.copies import copied_bytes, randomized_model
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import CategorySearch, RandomizedSearch, RandomizedSearches
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from mechamap.system.memory import give_memory_back
from mechamap.wording.advice import CONFIRM_ANY, Advice

__all__ = ["search_randomized"]


def search_randomized(
    run: Run,
    loaded: LoadedModel,
    ways: Sequence[str],
    seed: int = 0,
    *,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> Run:
    """Search a run's model made random for what the run found: the same texts, layers, categories and checks.

    Each search is added to the run when it is complete. The model stays as it is: copies are changed.

    Args:
        run: on disk, confirmed; its settings and those of its confirmation are used.
        loaded: the model that the run is about.
        ways: how to make it random, of :data:`mechamap.config.choices.RANDOMIZE`.
        seed: of the randomization.
        on_event: called with stages and layers.
        cancel: set it to stop; searches that are complete stay in the run.

    Returns:
        The run with ``randomized`` in its record.

    Raises:
        Cancelled: ``cancel`` was set.
        OutOfMemory: there is no room for a copy of the model.
        RunError: the run is not confirmed, or the model is not the run's, or the run cannot be written.
    """
    folder = run.folder_with_model()
    if run.record.confirmation is None:
        raise RunError(
            f"{run.name} is not confirmed, so there is nothing to compare a random model with.",
            Advice.of("Confirm it first: {}.", CONFIRM_ANY),
        )
    layers_of_run(run, loaded)  # refuses another model
    for way in ways:
        on_event(StageEntered(Stage.RANDOMIZE, RANDOMIZE[way]))
        done = _search(run, loaded, way, seed, on_event=on_event, cancel=cancel)
        kept = tuple(search for search in run.record.randomized.searches if search.way != way)
        order = list(RANDOMIZE)
        searches = tuple(sorted((*kept, done), key=lambda search: order.index(search.way)))
        run = add_to_run(folder, {}, randomized=RandomizedSearches(_results(run), searches))
    return run


def _search(
    run: Run, loaded: LoadedModel, way: str, seed: int, *, on_event: Listener, cancel: threading.Event | None
) -> RandomizedSearch:
    """One search in a run of its own, which is removed however it ends."""
    started = time.perf_counter()
    copied = copied_bytes(loaded, way)
    source = ModelSource("folder", loaded.id, None, loaded.label, run.record.model.name)
    config = replace(run.config, keep_activations="never")
    random: LoadedModel | None = None
    try:
        with tempfile.TemporaryDirectory(prefix="mechamap-randomized-") as temporary:
            random = randomized_model(loaded, way, seed)
            request = ScanRequest(source, config, Path(temporary) / "run")
            hear = _only_progress(on_event)
            if config.corpus is None:
                other = scan(request, hear, cancel, random)
            else:
                other, random = scan_corpus(request, hear, cancel, random)
            other = _looked_at_alike(run, other, random, hear, cancel)
            other = confirm_run(other, random, _settings(run), hear, cancel)
            categories = _results(other)
    except OutOfMemory:
        raise
    except ModelError as problem:  # such as activations that overflow: that is what came of it
        return RandomizedSearch(way, seed, copied, time.perf_counter() - started, problem.message)
    finally:
        random = None
        if copied:
            give_memory_back()
    return RandomizedSearch(way, seed, copied, round(time.perf_counter() - started, 3), "", categories)


def _looked_at_alike(
    run: Run, other: Run, random: LoadedModel, on_event: Listener, cancel: threading.Event | None
) -> Run:
    """The random model's run looked at in as much of the natural text as the model's was, since strength counts it."""
    look = natural_look(run)
    if look is None or not look.tokens:
        return other
    limit = TimeLimit(seconds=None, tokens_per_second=1, started=time.perf_counter(), tokens=look.tokens)
    return look_in_natural_text(other, random, limit, on_event, cancel)


def _settings(run: Run) -> ConfirmSettings:
    """Those that the run was confirmed with."""
    about = run.record.confirmation
    assert about is not None
    return ConfirmSettings(about.permutations, about.splits, about.seed, about.hard_auroc)


def _only_progress(on_event: Listener) -> Listener:
    """Pass on how far the work is; the temporary run is nobody else's business."""

    def hear(event: ScanEvent) -> None:
        if isinstance(event, (StageEntered, LayerFinished, CorpusProgress)):
            on_event(event)

    return hear


def _results(run: Run) -> dict[str, CategorySearch]:
    """What a confirmed run found, by category."""
    about = run.record.confirmation
    assert about is not None
    strengths = category_values(run, "strength") if run.has("strength") else None  # [neurons, categories]
    reads = category_values(run, "selectivity") if run.has("selectivity") else None
    return {
        name: CategorySearch(
            confirmed=confirmation.confirmed,
            strength=None if strengths is None else _largest(strengths[:, number]),
            auroc=None if reads is None else _largest(0.5 + np.abs(reads[:, number]) / 2),
        )
        for number, (name, confirmation) in enumerate(about.categories.items())
    }


def _largest(values: NDArray[np.floating]) -> float | None:
    return float(np.nanmax(values)) if np.isfinite(values).any() else None
