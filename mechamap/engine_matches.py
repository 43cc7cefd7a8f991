"""What the engine process does to find closest neurons: both models run again where their runs kept no activations."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from mechamap import rpc
from mechamap.engine_calls import Call, Method
from mechamap.engine_params import (
    given_number,
    given_runs,
    given_text_or_none,
    given_whole,
    stage_teller,
    stop_if_cancelled,
)
from mechamap.engine_progress import ProgressTicker
from mechamap.errors import OutOfMemory, UsageError
from mechamap.kept_model import KEPT
from mechamap.rpc import RpcFault

if TYPE_CHECKING:
    from mechamap.compare.both_words import Source
    from mechamap.compare.closest import Closest
    from mechamap.models import LoadedModel
    from mechamap.run import Run

__all__ = ["FOUND", "QUEUED", "FoundMatches"]


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


def match(call: Call) -> dict[str, Any]:
    """``{runs, words?, by?, threshold?, most?}`` -> the report of two runs with the closest neurons, with progress."""
    by, threshold = given_text_or_none(call, "by"), given_number(call, "threshold")
    most, words = given_whole(call, "most"), given_whole(call, "words")
    runs = given_runs(call)
    if len(runs) != 2:
        raise RpcFault(rpc.INVALID_PARAMS, "match takes two runs.")
    a, b = runs
    from mechamap.compare.both_words import words_of_both
    from mechamap.compare.closest import closest_of, share_threshold
    from mechamap.compare.matchable import cannot_match
    from mechamap.compare.report import LIMIT, compare_runs
    from mechamap.tables.table import report_to_dict

    if why := cannot_match(a, b):
        raise UsageError("Closest neurons cannot be looked for.", why)
    compare_runs([a, b], by, threshold, limit=1)  # what cannot be compared is refused before any model is loaded
    with ProgressTicker(call.progress) as ticker:
        try:
            first, second = words_of_both(a, b, _source(call, ticker), cancel=call.cancel)
        except OutOfMemory:
            KEPT.drop()
            raise
        stop_if_cancelled(call)
        closest = closest_of(
            first,
            second,
            words=words,
            specialised=share_threshold(by, threshold),
            on_event=ticker.hear,
            cancel=call.cancel,
        )
        del first, second  # large, and not needed for the tables
    FOUND.keep(a, b, closest)
    return report_to_dict(compare_runs([a, b], by, threshold, limit=most or LIMIT, closest=closest))


def _source(call: Call, ticker: ProgressTicker) -> Source:
    """Runs that kept their activations, and models that the engine keeps for what is asked next."""
    from mechamap.compare.both_words import Source
    from mechamap.config import config_from_dict

    def load(run: Run) -> LoadedModel:
        stop_if_cancelled(call)
        config = config_from_dict(run.record.config, f"{run.path}/run.json")
        loaded = KEPT.get(run.record.model.name, config, stage_teller(call, ticker))
        stop_if_cancelled(call)
        ticker.started(str(run.path), len(run.complete_layers), run.neurons)
        return loaded

    def kept(run: Run) -> None:
        stop_if_cancelled(call)
        ticker.stage("kept", f"what {run.name} kept")

    return Source(load, kept, lambda run: ticker.hear)


QUEUED: dict[str, Method] = {"match": match}
