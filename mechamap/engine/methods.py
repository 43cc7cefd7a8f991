"""What the engine process does when asked: each method takes a Call and returns the JSON-able answer.

torch is imported by the first request that needs a model, never before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from mechamap.catalog import cached_models, resolve
from mechamap.engine import checks as engine_checks
from mechamap.engine import reports as engine_matches
from mechamap.engine import reports as engine_reports
from mechamap.engine.calls import Methods, Request
from mechamap.engine.kept_model import MODEL_CACHE
from mechamap.engine.params import given_config, given_path, given_run, given_text, stage_teller, stop_if_cancelled
from mechamap.engine.progress import ProgressTicker
from mechamap.errors import OutOfMemory
from mechamap.events import Stage
from mechamap.protocol import rpc
from mechamap.protocol.rpc import RpcFault
from mechamap.system.paths import user_path
from mechamap.wording.amounts import quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.runs.run import Run

__all__ = ["METHODS"]


def scan(call: Request) -> dict[str, Any]:
    """``{model, config, config_file?, out?, resume?}`` -> ``{run, state, timings}``, with progress."""
    model, out = given_text(call, "model"), given_path(call, "out")
    with ProgressTicker(call.progress) as ticker:
        ticker.stage(Stage.RESOLVE, model)
        config, source = given_config(call), resolve(model)
        loaded = MODEL_CACHE.get(source, config, stage_teller(call, ticker), whole=False)
        stop_if_cancelled(call)
        from mechamap.scan.scan import ScanRequest
        from mechamap.scan.scan import scan as run_scan

        request = ScanRequest(source, config, out, resume=bool(call.params.get("resume")))
        try:
            run = run_scan(request, on_event=ticker.hear, cancel=call.cancel, loaded=loaded)
        except OutOfMemory:
            del loaded
            MODEL_CACHE.drop()
            raise
        ticker.send_now()
    return {"run": str(run.path), "state": run.record.state, "timings": dict(run.record.timings)}


def plan(call: Request) -> dict[str, Any]:
    """``{model, config, config_file?, out?, fetch?}`` -> what a scan would take, and whether that is there."""
    model, out, config = given_text(call, "model"), given_path(call, "out"), given_config(call)
    fetch = bool(call.params.get("fetch", True))
    from mechamap.plan.scan_plan import plan_scan, plan_to_dict

    def stage(_text: str) -> None:
        stop_if_cancelled(call)

    found = plan_to_dict(plan_scan(resolve(model), config, out, fetch=fetch, started=True, stage=stage))
    return found | {"notes": [*found["notes"], *_passed_over(call, model)]}


def _passed_over(call: Request, model: str) -> Iterator[str]:
    """That a config file lists models, where it does: a scan here is of one."""
    from mechamap.scan.sweep_jobs import load_sweep

    file = given_path(call, "config_file")
    if models := load_sweep(file).models:
        listed = quantity(len(models), "model")
        yield f"The config file lists {listed}; `mechamap scan --config {file}` scans those, and here {model} alone."


def activations(call: Request) -> dict[str, Any]:
    """``{run, layer}`` -> ``{file}``: a layer's activations, computed again unless the run kept them."""
    run, layer = given_run(call), call.params.get("layer")
    if not isinstance(layer, int) or isinstance(layer, bool):
        raise RpcFault(rpc.INVALID_PARAMS, "layer is a number.")
    from mechamap.runs.run import activations_file

    folder = run.folder_to_rerun()
    run.layer_rows(layer)
    if run.activations(layer) is None:
        config = run.config
        with ProgressTicker(call.progress) as ticker:
            loaded = MODEL_CACHE.get(resolve(run.record.model.name), config, stage_teller(call, ticker), whole=False)
            stop_if_cancelled(call)
            ticker.stage(Stage.PASS, f"layer {layer}")
            from mechamap.scan.activations import layer_activations

            try:
                return {"file": str(layer_activations(run, layer, loaded))}
            except OutOfMemory:
                del loaded
                MODEL_CACHE.drop()
                raise
    return {"file": str(activations_file(folder, layer))}


def export(call: Request) -> dict[str, Any]:
    """``{run, path, format, wide?, scope?, overwrite?, rows? or names? or where?, sort?, limit?}`` -> what was written.

    The answer is ``{path, rows, neurons}``; without any choice of neurons all are written.
    """
    from mechamap.exports.registry import ExportRequest, export_run

    run, params = given_run(call), call.params
    written = export_run(
        run,
        user_path(given_text(call, "path")),
        ExportRequest(
            given_text(call, "format"),
            wide=bool(params.get("wide")),
            rows=_rows(call, run),
            scope=str(params.get("scope") or "all"),
        ),
        overwrite=bool(params.get("overwrite")),
    )
    return {"path": str(written.path), "rows": written.rows, "neurons": written.neurons}


def models(call: Request) -> dict[str, Any]:
    """``{}`` -> ``{cached}``: ids in the local hub cache."""
    return {"cached": cached_models()}


def _rows(call: Request, run: Run) -> NDArray[np.int64] | None:
    """The rows to export, in order: given as row numbers, as neurons' names or as a query; None: all."""
    import numpy as np

    from mechamap.errors import UsageError
    from mechamap.runs.neuron_names import parse_neuron

    rows, names = call.params.get("rows"), call.params.get("names")
    if rows is None and names is None:
        return _queried(call, run)
    if rows is not None:
        chosen = np.asarray(rows)  # [chosen]
        if chosen.size == 0:
            return np.zeros(0, np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind != "i" or chosen.min() < 0 or chosen.max() >= run.neurons:
            raise RpcFault(rpc.INVALID_PARAMS, f"rows are numbers from 0 to {run.neurons - 1}.")
        return chosen.astype(np.int64)
    places = zip(run.layer_of.tolist(), run.index_of.tolist(), run.expert_of.tolist(), strict=True)
    row_at = {place: row for row, place in enumerate(places)}
    found = []
    for name in map(parse_neuron, names or ()):
        if (row := row_at.get((name.layer, name.index, name.expert))) is None:
            raise UsageError(f"{name} is not in {run.name}.")
        found.append(row)
    return np.array(found, np.int64)


def _queried(call: Request, run: Run) -> NDArray[np.int64] | None:
    where, sort, limit = (call.params.get(name) for name in ("where", "sort", "limit"))
    if where is None and sort is None and limit is None:
        return None
    if not isinstance(limit, int | None) or isinstance(limit, bool):
        raise RpcFault(rpc.INVALID_PARAMS, "limit is a number.")
    from mechamap.query.evaluate import chosen_rows

    return chosen_rows(run, where and str(where), sort and str(sort), limit)


METHODS = Methods(
    queued={"scan": scan, "plan": plan, "activations": activations, **engine_checks.QUEUED, **engine_matches.QUEUED},
    prompt={"models": models},
    beside={"export": export, **engine_reports.BESIDE},
)
