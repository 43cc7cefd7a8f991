"""The reports that the engine process makes of finished runs, and the search for closest neurons behind one of them.

pandas is imported by the first request for a report; models are run again only where their runs kept no activations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mechamap.catalog.source import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.params import run_at
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import UsageError
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.requests import CompareParams, InterpretParams, MatchParams
from mechamap.protocol.rpc import RpcFault

if TYPE_CHECKING:
    from mechamap.compare.closest.both_words import Source
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run
    from mechamap.tables.table import Report

__all__ = ["BESIDE", "QUEUED"]


def match(call: Request) -> Report:
    """The report of two runs with the closest neurons, with progress."""
    params = call.read(MatchParams)
    if len(params.runs) != 2:
        raise RpcFault(rpc.INVALID_PARAMS, "match takes two runs.")
    a, b = (run_at(path, call) for path in params.runs)
    from mechamap.compare.closest.both_words import words_of_both
    from mechamap.compare.closest.closest import closest_of
    from mechamap.compare.closest.settings import MatchSettings, cannot_match
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import LIMIT, compare_runs

    if why := cannot_match(a, b):
        raise UsageError("These runs cannot be searched for closest neurons.", why)
    # What cannot be compared is refused before any model is loaded.
    comparison = prepare([a, b], params.by, params.threshold)
    with ProgressTicker(call.progress) as ticker:
        with call.kept.model.dropped_when_out_of_memory():
            first, second = words_of_both(a, b, _source(call, ticker), cancel=call.cancel)
        call.stop_if_cancelled()
        closest = closest_of(
            first,
            second,
            MatchSettings(words=params.words),
            specialised=comparison.specialised,
            on_event=ticker.hear,
            cancel=call.cancel,
        )
        del first, second  # large, and not needed for the tables
    call.kept.matches.keep(a, b, closest)
    return compare_runs(comparison, params.most or LIMIT, closest)


def _source(call: Request, ticker: ProgressTicker) -> Source:
    """Runs that kept their activations, and models that the engine keeps for what is asked next."""
    from mechamap.compare.closest.both_words import Source

    def load(run: Run) -> LoadedModel:
        call.stop_if_cancelled()
        loaded = call.kept.model.get(resolve(run.record.model.name), run.config, ticker.stages_of(call))
        call.stop_if_cancelled()
        ticker.started(run.path, len(run.complete_layers), run.neurons)
        return loaded

    def kept(run: Run) -> None:
        call.stop_if_cancelled()
        ticker.stage(Stage.KEPT, f"what {run.name} kept")

    return Source(load, kept, lambda run: ticker.hear)


QUEUED: dict[str, Method] = {"match": match}


def interpret(call: Request) -> Report:
    """The report of one run."""
    params = call.read(InterpretParams)
    run = run_at(params.run, call)
    from mechamap.interpret.report import interpret_run

    call.stop_if_cancelled()
    return interpret_run(run, params.by, params.threshold, params.top, most=params.most)


def compare(call: Request) -> Report:
    """The report of runs; of two with the closest neurons that ``match`` found last. No model is loaded."""
    params = call.read(CompareParams)
    runs = [run_at(path, call) for path in params.runs]
    from mechamap.compare.comparison import prepare
    from mechamap.compare.report import LIMIT, compare_runs

    call.stop_if_cancelled()
    comparison = prepare(runs, params.by, params.threshold)
    closest = call.kept.matches.of(runs[0], runs[1], comparison.specialised, call.cancel) if len(runs) == 2 else None
    return compare_runs(comparison, params.most or LIMIT, closest)


BESIDE: dict[str, Method] = {"interpret": interpret, "compare": compare}
