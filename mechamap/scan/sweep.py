"""A sweep: several models scanned one after another, one in memory at a time, each into a run of its own.

One that fails does not stop the others, and is reported as it happens; see the events of :mod:`mechamap.events`.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.errors import Cancelled, MechaMapError
from mechamap.events import Listener, ModelFinished, ModelStarted, ScanEvent, ScanStarted, SweepFinished, SweepStarted
from mechamap.runs.library import check_run_folder, runs_called
from mechamap.runs.run import Run
from mechamap.scan.sweep_jobs import SweepJob
from mechamap.system.memory import give_memory_back

if TYPE_CHECKING:
    from mechamap.scan.with_checks import Checks

__all__ = ["check_jobs", "resumed", "sweep"]


def resumed(jobs: Sequence[SweepJob]) -> tuple[SweepJob, ...]:
    """The jobs, each that resumes in the data folder with the newest run there that it made."""
    return tuple(replace(job, out=_newest(job)) if job.resume and job.out is None else job for job in jobs)


def check_jobs(jobs: Sequence[SweepJob]) -> None:
    """Raise what can be known to keep any of the scans from being done, before the first of them begins.

    Whether a model is on the hub, can be read and fits shows when it is its turn.

    Raises:
        ModelNotFound: a name means nothing here and can be no hub id.
        UsageError: a revision of a model that is not on the hub.
        RunError: a run's folder cannot be written, or holds a run that is not to be resumed.
    """
    for job in jobs:
        try:
            job.source.check_revision(job.config.revision)
            if job.out is not None:
                check_run_folder(job.out, resume=job.resume)
            _run_so_far(job)
        except MechaMapError as error:
            raise (error.located(job.where) if job.where else error) from None


def sweep(
    jobs: Sequence[SweepJob],
    checks: Checks,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
) -> tuple[ModelFinished, ...]:
    """Scan one model after another, with the checks that were asked for.

    A complete run that is to be resumed is left as it is, except for the checks that it lacks.

    Args:
        jobs: what to scan, see :func:`mechamap.scan.sweep_jobs.sweep_jobs`.
        checks: what is done after each scan.
        on_event: called with each scan's events, between a ModelStarted and a ModelFinished.
        cancel: set it to end the sweep at the next layer; what is finished stays.

    Returns:
        How each model ended, in their order.

    Raises:
        Cancelled: ``cancel`` was set. Models that failed raise nothing.
    """
    states = dict.fromkeys((job.label for job in jobs), "not begun")
    ended: list[ModelFinished] = []
    on_event(SweepStarted(tuple(states)))
    try:
        for number, job in enumerate(jobs, 1):
            if cancel is not None and cancel.is_set():
                raise Cancelled("The sweep was cancelled.")
            if ended and ended[-1].state != "kept":
                give_memory_back()
            on_event(ModelStarted(job.label, job.model, number, len(jobs)))
            states[job.label] = "cancelled"  # unless it ends in another way
            ended.append(_one(job, checks, on_event, cancel))
            states[job.label] = ended[-1].state
            on_event(ended[-1])
    finally:
        on_event(SweepFinished(states))
    return tuple(ended)


def _one(job: SweepJob, checks: Checks, on_event: Listener, cancel: threading.Event | None) -> ModelFinished:
    """Scan one model, and say how that ended; what ends the sweep is raised."""
    folder: Path | None = None

    def watch(event: ScanEvent) -> None:
        nonlocal folder
        if isinstance(event, ScanStarted):
            folder = event.run
        on_event(event)

    try:
        earlier = _run_so_far(job)
        left = checks if earlier is None else _left(earlier, checks)
        if earlier is not None and not (left.confirm or left.causes):
            return ModelFinished(job.label, "kept", earlier.path)
        from mechamap.scan.prepare import ScanRequest
        from mechamap.scan.with_checks import scan_and_check

        request = ScanRequest(job.source, job.config, job.out, job.resume and job.out is not None, job.label)
        return ModelFinished(job.label, "complete", scan_and_check(request, left, watch, cancel).path)
    except (Cancelled, KeyboardInterrupt):
        on_event(ModelFinished(job.label, "cancelled", folder))
        raise
    except BrokenPipeError:  # the listener has gone
        raise
    except MechaMapError as error:
        return ModelFinished(job.label, "failed", folder, type(error).__name__, error.message, str(error.hint))
    except Exception as error:
        return _unforeseen(error, job, folder)


def _unforeseen(error: Exception, job: SweepJob, folder: Path | None) -> ModelFinished:
    """How a model ended that failed in an unexpected way: the error goes to a log, and the sweep goes on."""
    from mechamap.system.failures import record_failure

    log = record_failure(error, f"sweep, {job.model}")
    message = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    hint = f"The details are in {log}." if log else "The details could not be written to a log file."
    return ModelFinished(job.label, "failed", folder, MechaMapError.__name__, message, hint)


def _run_so_far(job: SweepJob) -> Run | None:
    """The complete run that the job resumes; None where it has none, or one with layers left to scan.

    Raises:
        RunError: it cannot be opened, or was made with other settings.
    """
    if not job.resume or job.out is None or not (job.out / "run.json").exists():
        return None
    from mechamap.scan.record import changed_settings, figures_of, refuse_changed

    run = Run.open(job.out)
    model = ["model"] if run.record.model.id != job.source.id else []
    refuse_changed(run, model + changed_settings(run, job.config))
    # One of an older version computed less; its layers are scanned again.
    whole = run.record.state == "complete" and set(run.record.figures) >= set(figures_of(run.layers))
    return run if whole else None


def _newest(job: SweepJob) -> Path | None:
    """The newest run in the data folder that was made by this job; a folder of its own is made where there is none."""
    for folder in runs_called(job.label):
        with suppress(MechaMapError):
            _run_so_far(replace(job, out=folder))
            return folder
    return None


def _left(run: Run, checks: Checks) -> Checks:
    """The checks that a complete run has not had."""
    return replace(
        checks,
        confirm=checks.confirm and not run.record.confirmation,
        causes=checks.causes and not run.has("cause"),
    )
