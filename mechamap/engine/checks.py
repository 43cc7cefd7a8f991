"""The checks that the engine process makes of a finished run: confirmation, effects of its neurons, and the lens."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mechamap.catalog.source import resolve
from mechamap.engine.calls import Method, Request
from mechamap.engine.params import run_at
from mechamap.engine.progress import ProgressTicker
from mechamap.events import Stage
from mechamap.protocol.messages import Ablations, CausesEstimated, Confirmed, Lens
from mechamap.protocol.requests import AblateParams, CausesParams, ConfirmParams, LensParams

if TYPE_CHECKING:
    from mechamap.events import Listener
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["QUEUED"]


def confirm(call: Request) -> Confirmed:
    """Check a run's findings on held-out words."""
    params = call.read(ConfirmParams)
    run, started = run_at(params.run, call), time.monotonic()
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.confirm import confirm_run
        from mechamap.checks.confirmation_pass import ConfirmSettings

        chosen = {"permutations": params.permutations, "splits": params.splits, "seed": params.seed}
        settings = ConfirmSettings(**{name: value for name, value in chosen.items() if value is not None})
        if run.record.confirmation is None or not params.randomize:
            run = confirm_run(run, loaded, settings, _watch(ticker, run), call.cancel)
        if params.randomize:
            from mechamap.scan.randomized import search_randomized

            listener, seed = _watch(ticker, run), settings.seed
            run = search_randomized(run, loaded, params.randomize, seed, on_event=listener, cancel=call.cancel)
    categories = run.record.confirmation.categories if run.record.confirmation is not None else {}
    assert run.path is not None
    return Confirmed(
        run.path,
        {name: about.confirmed for name, about in categories.items()},
        time.monotonic() - started,
        {
            search.way: {name: result.confirmed for name, result in search.categories.items()}
            for search in run.record.randomized.searches
            if search.way in params.randomize
        },
    )


def causes(call: Request) -> CausesEstimated:
    """Estimate the effects of all neurons by gradients, and measure those of the neurons that write most."""
    run, started = run_at(call.read(CausesParams).run, call), time.monotonic()
    run.folder_to_rerun()  # raises where there is no text
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.causes.attribution import estimate_causes
        from mechamap.checks.causes.large_writers import measure_large_writers

        run = estimate_causes(run, loaded, _watch(ticker, run), call.cancel)
        run = measure_large_writers(run, loaded, _watch(ticker, run), call.cancel)
    assert run.path is not None
    return CausesEstimated(run.path, time.monotonic() - started)


def ablate(call: Request) -> Ablations:
    """Measure the effects of chosen neurons by ablating them."""
    params = call.read(AblateParams)
    run = run_at(params.run, call)
    run.folder_to_rerun()  # raises where there is no text
    rows = [run.row_of(name) for name in params.neurons]
    with _model_of(call, run) as (loaded, ticker):
        from mechamap.checks.causes.ablation import AblateSettings, ablate_run

        chosen = {"controls": params.controls, "seed": params.seed}
        settings = AblateSettings(params.mode, **{name: value for name, value in chosen.items() if value is not None})
        run, ablations = ablate_run(run, loaded, rows, settings, on_event=_watch(ticker, run), cancel=call.cancel)
    assert run.path is not None
    return Ablations(run.path, tuple(ablations))


def lens(call: Request) -> Lens:
    """The tokens that a neuron's output weights push up and down most."""
    params = call.read(LensParams)
    run = run_at(params.run, call)
    neuron = run.neuron_name(run.row_of(params.neuron))
    with _model_of(call, run) as (loaded, ticker):
        ticker.stage(Stage.LENS, str(neuron))
        from mechamap.checks.lens import UNIT, neuron_lens

        tokens = neuron_lens(loaded, neuron, params.k)
    return Lens(tokens.neuron, tokens.promoted, tokens.suppressed, UNIT)


@contextmanager
def _model_of(call: Request, run: Run) -> Iterator[tuple[LoadedModel, ProgressTicker]]:
    """The run's model and a ticker for its progress; a model that ran out of memory is not kept."""
    run.folder_with_model()  # raises where there is none
    with ProgressTicker(call.progress) as ticker:
        ticker.stage(Stage.RESOLVE, run.record.model.name)
        with call.kept.model.lent(resolve(run.record.model.name), run.config, ticker.stages_of(call)) as loaded:
            call.stop_if_cancelled()
            yield loaded, ticker


def _watch(ticker: ProgressTicker, run: Run) -> Listener:
    """Begin to count a run's layers; the listener for the events."""
    ticker.started(run.path, len(run.complete_layers), run.neurons)
    return ticker.hear


QUEUED: dict[str, Method] = {"confirm": confirm, "causes": causes, "ablate": ablate, "lens": lens}
