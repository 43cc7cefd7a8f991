"""What the engine process does with a finished run: confirm it, and say what its neurons cause and write."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mechamap.catalog import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.kept_model import MODEL_CACHE
from mechamap.engine.params import given_run, given_text, stage_teller, stop_if_cancelled
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import OutOfMemory
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.rpc import RpcFault

if TYPE_CHECKING:
    from mechamap.events import Listener
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["QUEUED"]


def confirm(call: Request) -> dict[str, Any]:
    """``{run, permutations?, splits?, seed?}`` -> ``{run, confirmed: {category: neurons}, seconds}``."""
    run, started = given_run(call), time.monotonic()
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.confirm import ConfirmSettings, confirm_run

        least = {"permutations": 20, "splits": 1, "seed": 0}  # with fewer than 20 no p is below 0.05
        given = {name: _number(call, name, its) for name, its in least.items() if name in call.params}
        run = confirm_run(run, loaded, ConfirmSettings(**given), _watch(ticker, run), call.cancel)
    categories = run.record.confirmation.categories if run.record.confirmation is not None else {}
    return {
        "run": str(run.path),
        "confirmed": {name: about.confirmed for name, about in categories.items()},
        "seconds": time.monotonic() - started,
    }


def causes(call: Request) -> dict[str, Any]:
    """``{run}`` -> ``{run, seconds}``: what every neuron causes, as gradients estimate it."""
    run, started = given_run(call), time.monotonic()
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.attribution import estimate_causes

        run = estimate_causes(run, loaded, _watch(ticker, run), call.cancel)
    return {"run": str(run.path), "seconds": time.monotonic() - started}


def ablate(call: Request) -> dict[str, Any]:
    """``{run, neurons, mode?, controls?, seed?}`` -> ``{run, ablations}``: what chosen neurons cause, measured."""
    run = given_run(call)
    names, mode = call.params.get("neurons"), call.params.get("mode", "zero")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise RpcFault(rpc.INVALID_PARAMS, "neurons is a list of names, such as L7.N1844.")
    if mode not in ("zero", "mean"):
        raise RpcFault(rpc.INVALID_PARAMS, "mode is zero or mean.")
    rows = [run.row_of(name) for name in names]
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.ablation import AblateSettings, ablate_run

        given = {name: _number(call, name) for name in ("controls", "seed") if name in call.params}
        settings = AblateSettings(mode=mode, **given)
        run, found = ablate_run(run, loaded, rows, settings, on_event=_watch(ticker, run), cancel=call.cancel)
    return {"run": str(run.path), "ablations": [ablation.to_dict() for ablation in found]}


def lens(call: Request) -> dict[str, Any]:
    """``{run, neuron, k?}`` -> ``{neuron, promoted, suppressed, unit}``: [token, value] pairs, the furthest first."""
    run = given_run(call)
    neuron = run.neuron_name(run.row_of(given_text(call, "neuron")))
    with _model_of(call, run) as (loaded, ticker):
        ticker.stage(Stage.LENS, str(neuron))
        from mechamap.checks.lens import UNIT, neuron_lens

        found = neuron_lens(loaded, neuron, _number(call, "k") if "k" in call.params else 10)
    return {"neuron": found.neuron, "promoted": found.promoted, "suppressed": found.suppressed, "unit": UNIT}


@contextmanager
def _model_of(call: Request, run: Run) -> Iterator[tuple[LoadedModel, ProgressTicker]]:
    """The run's model and what tells of progress; a model that ran out of memory is not kept."""

    run.folder_to_rerun()
    config = run.config
    with ProgressTicker(call.progress) as ticker:
        ticker.stage(Stage.RESOLVE, run.record.model.name)
        loaded = MODEL_CACHE.get(resolve(run.record.model.name), config, stage_teller(call, ticker))
        stop_if_cancelled(call)
        try:
            yield loaded, ticker
        except OutOfMemory:
            del loaded
            MODEL_CACHE.drop()
            raise


def _watch(ticker: ProgressTicker, run: Run) -> Listener:
    """Begin to count a run's layers; who hears the events."""
    ticker.started(str(run.path), len(run.complete_layers), run.neurons)
    return ticker.hear


def _number(call: Request, name: str, least: int = 0) -> int:
    value = call.params.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RpcFault(rpc.INVALID_PARAMS, f"{name} is a whole number of at least {least}.")
    return value


QUEUED: dict[str, Method] = {"confirm": confirm, "causes": causes, "ablate": ablate, "lens": lens}
