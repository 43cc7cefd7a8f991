"""A scan and the checks that were asked for with it, on one loaded model."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from mechamap.events import Listener
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_undefined
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest, load_for
from mechamap.scan.scan import scan

__all__ = ["Checks", "scan_and_check"]


@dataclass(frozen=True, slots=True)
class Checks:
    """What is done after a scan: confirm its findings, estimate what every neuron causes."""

    confirm: bool = False
    causes: bool = False


def scan_and_check(
    request: ScanRequest,
    checks: Checks,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
    loaded: LoadedModel | None = None,
) -> Run:
    """Scan, then check; arguments and errors as those of :func:`mechamap.scan.scan.scan`.

    Where a check is stopped or fails, the run is there, complete, without what that check would have added.
    """
    if loaded is None and (checks.confirm or checks.causes):
        loaded = load_for(request, on_event, whole=checks.causes)  # causes need the model's output
    if loaded is not None and checks.causes:
        refuse_undefined(loaded, "cause")  # before the scan, which may take long
    run = scan(request, on_event, cancel, loaded)
    if loaded is not None and checks.confirm:
        from mechamap.checks.confirm import confirm_run

        run = confirm_run(run, loaded, on_event=on_event, cancel=cancel)
    if loaded is not None and checks.causes:
        from mechamap.checks.attribution import estimate_causes
        from mechamap.checks.large_writers import measure_large_writers

        run = estimate_causes(run, loaded, on_event, cancel)
        run = measure_large_writers(run, loaded, on_event, cancel)
    return run
