"""What the engine process does to find closest neurons: both models run again where their runs kept no activations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from mechamap.compare.closest import Closest
    from mechamap.compare.word_activations import ModelWords
    from mechamap.events import ScanEvent
    from mechamap.run import Run

__all__ = ["FOUND", "QUEUED", "FoundMatches"]


class FoundMatches:
    """The closest neurons that were found last, kept so that comparing by another figure need not look again."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] = ()
        self._closest: Closest | None = None

    def of(self, a: Run, b: Run) -> Closest | None:
        """Those of two runs; None where they are not the last ones, or were scanned anew."""
        return self._closest if self._key == _identity(a, b) else None

    def keep(self, a: Run, b: Run, closest: Closest) -> None:
        self._closest, self._key = closest, _identity(a, b)


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
    from mechamap.compare.closest import cannot_match, closest_of
    from mechamap.compare.report import LIMIT, compare_runs
    from mechamap.tables.table import report_to_dict

    if why := cannot_match(a, b):
        raise UsageError("Closest neurons cannot be looked for.", why)
    compare_runs([a, b], by, threshold, limit=1)  # what cannot be compared is refused before any model is loaded
    texts = None if a.record.config["texts"] == b.record.config["texts"] else list(a.record.config["texts"])
    with ProgressTicker(call.progress) as ticker:
        first, second = (_words(call, ticker, run, texts) for run in (a, b))
        closest = closest_of(first, second, words=words, on_event=_watch(ticker), cancel=call.cancel)
    FOUND.keep(a, b, closest)
    return report_to_dict(compare_runs([a, b], by, threshold, limit=most or LIMIT, closest=closest))


def _words(call: Call, ticker: ProgressTicker, run: Run, texts: Sequence[str] | None) -> ModelWords:
    """A run's activations over words, kept or from its model; one that ran out of memory is not kept."""
    from mechamap.compare.word_activations import has_kept, kept_words
    from mechamap.config import config_from_dict

    stop_if_cancelled(call)
    if (texts is None or texts == run.record.config["texts"]) and has_kept(run):
        ticker.stage("kept", f"what {run.name} kept")
        return kept_words(run, placements=True)
    config = config_from_dict(run.record.config, f"{run.path}/run.json")
    loaded = KEPT.get(run.record.model.name, config, stage_teller(call, ticker))
    stop_if_cancelled(call)
    from mechamap.compare.word_pass import read_words

    ticker.started(str(run.path), len(run.complete_layers), run.neurons)
    try:
        return read_words(run, loaded, texts, placements=True, on_event=_watch(ticker), cancel=call.cancel)
    except OutOfMemory:
        del loaded
        KEPT.drop()
        raise


def _watch(ticker: ProgressTicker) -> Callable[[ScanEvent], None]:
    """Turn events into counts; the search says where it is with every block, mostly the same as with the one before."""
    said = ""

    def see(event: ScanEvent) -> None:
        nonlocal said
        told = event.to_dict()
        match told["event"]:
            case "stage":
                if said != (said := f"{told['stage']} {told.get('detail', '')}"):
                    ticker.stage(told["stage"], told.get("detail", ""))
            case "layer":
                ticker.layer(told["done"], told["total"], told["neurons_done"])

    return see


QUEUED: dict[str, Method] = {"match": match}
