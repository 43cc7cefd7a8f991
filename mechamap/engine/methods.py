"""What the engine process does when asked: each method takes a request and returns the message that answers it.

torch is imported by the first request that needs a model, never before.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from math import isfinite
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mechamap.catalog.hub_cache import cached_models
from mechamap.catalog.source import resolve
from mechamap.engine import checks as engine_checks
from mechamap.engine import probes as engine_probes
from mechamap.engine import reports as engine_reports
from mechamap.engine import steering as engine_steering
from mechamap.engine.calls import Methods, Request
from mechamap.engine.params import run_at
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import RunError
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.messages import ActivationsFile, Exported, Models, ScanResult, WindowActivations
from mechamap.protocol.planned import Planned
from mechamap.protocol.requests import ActivationsParams, ExportParams, PlanParams, ScanParams, WindowParams
from mechamap.protocol.rpc import RpcFault
from mechamap.system.room import MODELS, require_room
from mechamap.wording.advice import Action
from mechamap.wording.amounts import quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run
    from mechamap.scan.corpus.part import Part

__all__ = ["METHODS"]


def scan(call: Request) -> ScanResult:
    """Scan a model, with progress."""
    params = call.read(ScanParams)
    with ProgressTicker(call.progress) as ticker:
        ticker.stage(Stage.RESOLVE, params.model)
        from mechamap.config.schema import load_config, with_overrides

        config = with_overrides(load_config(params.config_file), **(params.config or {}))
        source = resolve(params.model)
        require_room(MODELS, "Scanning a model")
        from mechamap.scan.prepare import ScanRequest
        from mechamap.scan.with_checks import Checks, scan_and_check

        def load() -> LoadedModel:
            loaded = call.kept.model.get(source, config, ticker.stages_of(call), whole=False)
            call.stop_if_cancelled()
            return loaded

        request = ScanRequest(source, config, params.out, resume=params.resume, part=_part(params))
        with call.kept.model.dropped_when_out_of_memory():
            run = scan_and_check(request, Checks(), on_event=ticker.hear, cancel=call.cancel, load=load)
        ticker.send_now()
    assert run.path is not None
    return ScanResult(run.path, run.record.state, dict(run.record.timings))


def _part(params: ScanParams) -> Part | None:
    """The part of a corpus that a scan which is gone on with reads."""
    if not params.resume or params.out is None:
        return None
    from mechamap.runs.run import Run
    from mechamap.scan.corpus.part import parse_part

    corpus = Run.open(params.out).record.corpus
    return parse_part(corpus.part) if corpus is not None and corpus.part else None


def plan(call: Request) -> Planned:
    """What a scan will take, and whether the machine has it."""
    params = call.read(PlanParams)
    require_room(MODELS, "Planning a scan")
    from mechamap.config.schema import with_overrides
    from mechamap.plan.message import plan_message
    from mechamap.plan.scan_plan import plan_scan
    from mechamap.plan.situation import Circumstances
    from mechamap.scan.sweep_jobs import load_sweep

    sweep = load_sweep(params.config_file)
    config = with_overrides(sweep.config, **(params.config or {}))

    def stage(_text: str) -> None:
        call.stop_if_cancelled()

    source, out = resolve(params.model), params.out
    about = Circumstances(fetch=params.fetch, started=True)
    planned = plan_message(plan_scan(source, config, out, about, stage))
    return replace(planned, notes=(*planned.notes, *_passed_over(len(sweep.models), params)))


def _passed_over(models: int, params: PlanParams) -> Iterator[str]:
    """A note where a config file lists models, since a scan here is of one."""
    if models:
        sweep = Action(f"scan --config {shlex.quote(str(params.config_file))}")
        listed = quantity(models, "model")
        yield f"The config file lists {listed}; {sweep} on the command line scans those, and here {params.model} alone."


def activations(call: Request) -> ActivationsFile:
    """The file with a layer's activations, recomputed unless the run kept them."""
    params = call.read(ActivationsParams)
    run, layer = run_at(params.run, call), params.layer
    from mechamap.runs.run import activations_file

    folder = run.folder_to_rerun()
    run.layer_rows(layer)
    if run.activations(layer) is not None:
        return ActivationsFile(activations_file(folder, layer))
    with ProgressTicker(call.progress) as ticker:
        source = resolve(run.record.model.name)
        with call.kept.model.lent(source, run.config, ticker.stages_of(call), whole=False) as loaded:
            call.stop_if_cancelled()
            ticker.stage(Stage.PASS, f"layer {layer}")
            from mechamap.scan.activations import layer_activations

            return ActivationsFile(layer_activations(run, layer, loaded))


def window(call: Request) -> WindowActivations:
    """A neuron's activations over the tokens that a run over a corpus keeps around a position."""
    params = call.read(WindowParams)
    run = run_at(params.run, call)
    row = run.row_of(params.neuron)
    run.folder_with_model()
    if params.kept is not None and run.record.corpus is not None and params.kept != run.record.corpus.kept:
        raise RunError(f"{run.name} was published anew meanwhile.", "Open the context again.")
    with ProgressTicker(call.progress) as ticker:
        source = resolve(run.record.model.name)
        with call.kept.model.lent(source, run.config, ticker.stages_of(call), whole=False) as loaded:
            call.stop_if_cancelled()
            ticker.stage(Stage.PASS, str(run.neuron_name(row)))
            from mechamap.scan.activations import window_activations

            first, values = window_activations(run, row, params.position, loaded, call.cancel)
    return WindowActivations(first, tuple(value if isfinite(value) else None for value in values.tolist()))


def export(call: Request) -> Exported:
    """Write an export; without any choice of neurons all are written."""
    from mechamap.exports.registry import ExportRequest, export_run

    params = call.read(ExportParams)
    run = run_at(params.run, call)
    written = export_run(
        run,
        params.path,
        ExportRequest(params.format, wide=params.wide, rows=_rows(params, run), scope=params.scope, excel=params.excel),
        overwrite=params.overwrite,
    )
    assert written.path is not None
    return Exported(written.path, written.rows, written.neurons)


def models(call: Request) -> Models:
    return Models(tuple(cached_models()))


def _rows(params: ExportParams, run: Run) -> NDArray[np.int64] | None:
    """The rows to export, in order: given as row numbers, as neurons' names or as a query; None: all."""
    import numpy as np

    if params.rows is not None:
        if any(not 0 <= row < run.neurons for row in params.rows):
            raise RpcFault(rpc.INVALID_PARAMS, f"rows are numbers from 0 to {run.neurons - 1}.")
        return np.array(params.rows, np.int64)  # [chosen]
    if params.names is not None:
        return _named(params.names, run)
    if params.where is None and params.sort is None and params.limit is None:
        return None
    from mechamap.query.evaluate import chosen_rows

    return chosen_rows(run, params.where, params.sort, params.limit)


def _named(names: tuple[str, ...], run: Run) -> NDArray[np.int64]:
    import numpy as np

    from mechamap.errors import UsageError
    from mechamap.runs.neuron_names import parse_neuron

    places = zip(run.layer_of.tolist(), run.index_of.tolist(), run.expert_of.tolist(), strict=True)
    row_at = {place: row for row, place in enumerate(places)}
    rows = []
    for name in map(parse_neuron, names):
        if (row := row_at.get((name.layer, name.index, name.expert))) is None:
            raise UsageError(f"{name} is not in {run.name}.")
        rows.append(row)
    return np.array(rows, np.int64)  # [chosen]


METHODS = Methods(
    queued={
        "scan": scan,
        "plan": plan,
        "activations": activations,
        "window": window,
        **engine_checks.QUEUED,
        **engine_probes.QUEUED,
        **engine_reports.QUEUED,
        **engine_steering.QUEUED,
    },
    prompt={"models": models},
    beside={"export": export, **engine_reports.BESIDE},
    overtaking=engine_probes.OVERTAKING | engine_steering.OVERTAKING,
)
