"""A scan, the second text that its first neurons are looked at in, and the checks that were asked for with it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from mechamap.errors import Cancelled, MechaMapError
from mechamap.events import Listener, ScanEvent, ScanFinished, Stage, StageEntered
from mechamap.figures.second_text import natural_look
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.kinds import refuse_undefined
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import opened_corpus, scan_corpus
from mechamap.scan.prepare import ScanRequest, load_for
from mechamap.scan.scan import scan_and_keep_model

__all__ = ["Checks", "scan_and_check"]


SHARE = 1 / 3  # of the scan's time that a second text may take


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
    load: Callable[[], LoadedModel] | None = None,
) -> Run:
    """Scan, look at the first neurons in a second text as the config has it, then check.

    Arguments and errors are those of :func:`mechamap.scan.scan.scan`; ``load`` gives the model where there is a kept
    one, once a corpus has been looked through. Where a check is stopped or fails, the run is there, complete, without
    what that check would have added.
    """
    started = time.perf_counter()
    corpus = None if request.config.corpus is None else opened_corpus(request, on_event, cancel)
    loaded = load() if load is not None else None
    if loaded is None and (checks.confirm or checks.causes):
        loaded = load_for(request, on_event, whole=checks.causes)  # causes need the model's output
    if loaded is not None and checks.causes:
        refuse_undefined(loaded, "cause")  # before the scan, which may take long
    finished: list[ScanEvent] = []

    def hear(event: ScanEvent) -> None:
        if isinstance(event, ScanFinished) and event.state == "complete":
            finished.append(event)  # who listens takes it for the last one, and the second text is still to be read
        else:
            on_event(event)

    if corpus is not None:
        run, loaded = scan_corpus(request, hear, cancel, loaded, corpus)
    else:
        run, loaded = scan_and_keep_model(request, hear, cancel, loaded)
    try:
        run = _second_text(run, loaded, time.perf_counter() - started, on_event, cancel)
    finally:
        for event in finished:
            on_event(event)
    if checks.confirm:
        from mechamap.checks.confirm import confirm_run

        run = confirm_run(run, loaded, on_event=on_event, cancel=cancel)
    if checks.causes:
        from mechamap.checks.causes.attribution import estimate_causes
        from mechamap.checks.causes.large_writers import measure_large_writers

        run = estimate_causes(run, loaded, on_event, cancel)
        run = measure_large_writers(run, loaded, on_event, cancel)
    return run


def _second_text(
    run: Run, loaded: LoadedModel, scan_seconds: float, on_event: Listener, cancel: threading.Event | None
) -> Run:
    """The run with its first neurons looked at in the natural text; as it was where that is stopped or fails."""
    when = run.config.second_text
    if when == "never" or natural_look(run) is not None:  # that of the run that was resumed is still about its neurons
        return run
    from mechamap.checks.natural_look import look_in_natural_text
    from mechamap.checks.timed_reading import TimeLimit

    timings, corpus = run.record.timings, run.record.corpus
    forward, tokens = timings["pass"], corpus.tokens if corpus is not None else len(run.record.tokens.ids)
    if corpus is None:
        forward -= sum(timings[part] for part in ("score", "writes", "disk"))
    limit = TimeLimit(
        seconds=scan_seconds * SHARE if when == "auto" else None,
        tokens_per_second=tokens / max(forward, 1e-3),
        started=time.perf_counter(),
    )
    try:
        return look_in_natural_text(run, loaded, limit, on_event, cancel)
    except Cancelled:
        return run
    except MechaMapError as error:
        on_event(StageEntered(Stage.SECOND_TEXT, error.message))
        return run
