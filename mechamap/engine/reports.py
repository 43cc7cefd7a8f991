"""What the engine process says about finished runs in tables, with the closest neurons of two among them.

pandas is imported by the first request for a report; models are run again only where their runs kept no activations.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mechamap.catalog import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.kept_model import MODEL_CACHE
from mechamap.engine.params import (
    given_number,
    given_run,
    given_runs,
    given_text_or_none,
    given_whole,
    stage_teller,
    stop_if_cancelled,
)
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import OutOfMemory, UsageError
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.rpc import RpcFault

if TYPE_CHECKING:
    from mechamap.compare.closest.both_words import Source
    from mechamap.compare.closest.closest import Closest
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["BESIDE", "FOUND", "QUEUED", "FoundMatches"]


class FoundMatches:
    """The closest neurons that were found last, kept so that comparing by another figure need not look again."""

    def __init__(self) -> None:
        self._last: tuple[tuple[object, ...], Closest | None] = ((), None)  # one value: compare has threads of its own

    def of(self, a: Run, b: Run, specialised: float, cancel: threading.Event) -> Closest | None:
        """Those of two runs; None where they are not the last ones, or were scanned anew.

        Args:
            specialised: from which \\|selectivity\\| on a neuron is specialised; shares from another are counted again.
            cancel: set it to stop that.
        """
        key, found = self._last
        if found is None or key != _identity(a, b):
            return None
        counted = found.specialised_from(specialised, cancel=cancel)
        if counted is not found and self._last[1] is found:
            self._last = (key, counted)
        return counted

    def keep(self, a: Run, b: Run, closest: Closest) -> None:
        self._last = (_identity(a, b), closest)


FOUND = FoundMatches()


def _identity(a: Run, b: Run) -> tuple[object, ...]:
    return tuple((str(run.path), run.record.created, len(run.complete_layers)) for run in (a, b))


def match(call: Request) -> dict[str, Any]:
    """``{runs, words?, by?, threshold?, most?}`` -> the report of two runs with the closest neurons, with progress."""
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    most, words = given_whole(call, "most"), given_whole(call, "words")
    runs = given_runs(call)
    if len(runs) != 2:
        raise RpcFault(rpc.INVALID_PARAMS, "match takes two runs.")
    a, b = runs
    from mechamap.compare.closest.both_words import words_of_both
    from mechamap.compare.closest.closest import closest_of
    from mechamap.compare.closest.settings import MatchSettings, cannot_match
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import LIMIT, compare_runs
    from mechamap.tables.table import report_to_dict

    if why := cannot_match(a, b):
        raise UsageError("Closest neurons cannot be looked for.", why)
    comparison = prepare(runs, by, threshold)  # what cannot be compared is refused before any model is loaded
    with ProgressTicker(call.progress) as ticker:
        try:
            first, second = words_of_both(a, b, _source(call, ticker), cancel=call.cancel)
        except OutOfMemory:
            MODEL_CACHE.drop()
            raise
        stop_if_cancelled(call)
        closest = closest_of(
            first,
            second,
            MatchSettings(words=words),
            specialised=comparison.specialised,
            on_event=ticker.hear,
            cancel=call.cancel,
        )
        del first, second  # large, and not needed for the tables
    FOUND.keep(a, b, closest)
    return report_to_dict(compare_runs(comparison, most or LIMIT, closest))


def _source(call: Request, ticker: ProgressTicker) -> Source:
    """Runs that kept their activations, and models that the engine keeps for what is asked next."""
    from mechamap.compare.closest.both_words import Source

    def load(run: Run) -> LoadedModel:
        stop_if_cancelled(call)
        config = run.config
        loaded = MODEL_CACHE.get(resolve(run.record.model.name), config, stage_teller(call, ticker))
        stop_if_cancelled(call)
        ticker.started(str(run.path), len(run.complete_layers), run.neurons)
        return loaded

    def kept(run: Run) -> None:
        stop_if_cancelled(call)
        ticker.stage(Stage.KEPT, f"what {run.name} kept")

    return Source(load, kept, lambda run: ticker.hear)


QUEUED: dict[str, Method] = {"match": match}


def interpret(call: Request) -> dict[str, Any]:
    """``{run, by?, threshold?, top?, most?}`` -> the report, see :func:`mechamap.tables.table.report_to_dict`."""
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    top, most = given_whole(call, "top") or 5, given_whole(call, "most")
    run = given_run(call)
    from mechamap.interpret.report import interpret_run
    from mechamap.tables.table import report_to_dict

    stop_if_cancelled(call)
    return report_to_dict(interpret_run(run, by, threshold, top, most=most))


def compare(call: Request) -> dict[str, Any]:
    """``{runs, by?, threshold?, most?}`` -> the report; of two runs with the closest neurons that ``match`` found last.

    No model is loaded.
    """
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    most = given_whole(call, "most")
    runs = given_runs(call)
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import LIMIT, compare_runs
    from mechamap.tables.table import report_to_dict

    stop_if_cancelled(call)
    comparison = prepare(runs, by, threshold)
    closest = FOUND.of(runs[0], runs[1], comparison.specialised, call.cancel) if len(runs) == 2 else None
    return report_to_dict(compare_runs(comparison, most or LIMIT, closest))


BESIDE: dict[str, Method] = {"interpret": interpret, "compare": compare}
