"""``mechamap scan`` of several models: a run each, one after another, and a table over all of them."""

from __future__ import annotations

import shlex
import shutil
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from mechamap.cli.narration import Narration, print_path
from mechamap.cli.progress import SweepProgress
from mechamap.cli.scan_options import ScanOptions
from mechamap.cli.scan_report import export_as
from mechamap.cli.stopping import layers_kept, stopping
from mechamap.errors import Cancelled, RunError, UsageError
from mechamap.exports.target import check_target
from mechamap.runs.run import Run
from mechamap.scan.sweep import check_jobs, resumed, sweep
from mechamap.scan.sweep_jobs import SweepConfig, SweepJob, sweep_jobs

__all__ = ["run_sweep"]


def run_sweep(config: SweepConfig, flags: Mapping[str, object], options: ScanOptions, narration: Narration) -> int:
    """Scan all models, tell, compare them. 1 where one of them failed.

    Raises:
        Cancelled: by Ctrl+C, after what is finished was told.
    """
    jobs = _checked(sweep_jobs(config, flags, options.out, resume=options.resume), options, narration)
    if options.plan:
        from mechamap.cli.plan import tell_plans

        return tell_plans(jobs, options, narration)

    def export(job: SweepJob, run: Run) -> None:
        for format, target in _targets(options, job):
            export_as(format, run, target, narration, overwrite=options.overwrite)

    progress = SweepProgress(jobs, options, narration, export)
    stopped = _scan(jobs, options, progress, narration)
    _tell(jobs, options, progress, narration)
    if not options.events:
        for run in progress.runs.values():
            print_path(run.path)
    if stopped is not None:
        raise stopped
    return 1 if progress.troubles else 0


def _checked(jobs: Sequence[SweepJob], options: ScanOptions, narration: Narration) -> tuple[SweepJob, ...]:
    """The jobs, after everything that can be wrong with them was looked for."""
    if options.out is not None and (options.out / "run.json").exists():
        raise RunError(
            f"{options.out} holds a run; of several models, each gets its own folder in --out.",
            "Choose another folder.",
        )
    for _, target in [pair for job in jobs for pair in _targets(options, job)]:
        check_target(target, overwrite=options.overwrite)
    if options.resume:
        narration.progress("looking at the runs")
    try:
        checked = resumed(jobs)
        check_jobs(checked)
    finally:
        narration.clear()
    return checked


def _targets(options: ScanOptions, job: SweepJob) -> list[tuple[str, Path]]:
    """The formats that a model is exported to, each with its file.

    Raises:
        UsageError: it would be the same for all.
    """
    targets = []
    for format, target in options.exports:
        if target is None or "{model}" not in str(target):
            place = target or "standard output"
            raise UsageError(
                f"--{format} would write every model to {place}.",
                f'Write {{model}} where the name of each goes: --{format} "{{model}}.{format}"',
            )
        targets.append((format, Path(str(target).replace("{model}", job.label))))
    return targets


def _scan(
    jobs: Sequence[SweepJob], options: ScanOptions, progress: SweepProgress, narration: Narration
) -> Cancelled | None:
    """Scan them all; what stopped it is returned, with what is left to do."""
    narration.progress("loading torch and transformers")
    cancel = threading.Event()
    try:
        with stopping(cancel, progress, narration):
            from mechamap.scan.with_checks import Checks

            sweep(jobs, Checks(options.confirm, options.causes), progress, cancel)
    except (Cancelled, KeyboardInterrupt):
        return _what_is_left(jobs, progress, resume=options.resume)
    finally:
        narration.clear()
    return None


def _what_is_left(jobs: Sequence[SweepJob], progress: SweepProgress, *, resume: bool) -> Cancelled:
    lines = []
    if progress.broken_off is not None:
        label, folder = progress.broken_off
        lines.append(f"{label}: {layers_kept(folder)}")
    done = {*progress.runs, *progress.troubles}
    if progress.broken_off is not None:
        done.add(progress.broken_off[0])
    if left := [job.label for job in jobs if job.label not in done]:
        lines.append(f"Not begun: {', '.join(left)}")
    again = "again" if resume else "with --resume"
    return Cancelled("\n".join(lines) or "The sweep was cancelled.", f"To go on: the same command {again}")


def _tell(jobs: Sequence[SweepJob], options: ScanOptions, progress: SweepProgress, narration: Narration) -> None:
    """The table over the complete runs, how many there are, and what went wrong."""
    runs = list(progress.runs.values())
    if runs:
        narration.say(_comparison(runs, list(progress.runs)))
    narration.say(f"{len(runs)} of {len(jobs)} models are scanned" + (":" if progress.troubles else "."))
    width = max(map(len, progress.troubles), default=0)
    for label, trouble in progress.troubles.items():
        narration.say(f"  {label:{width}}  {trouble}")
    names = [shlex.quote(run.name if options.out is None else str(run.path)) for run in runs]
    if len(names) > 1:
        narration.say(f"To compare them again: mechamap compare {' '.join(names)}")
    elif names:
        narration.say(f"To look at it: mechamap-tui {names[0]}")


def _comparison(runs: Sequence[Run], labels: Sequence[str]) -> str:
    from mechamap.compare.tables.overview import overview_table
    from mechamap.tables.formats import written
    from mechamap.tables.table import Report

    table = overview_table(runs, labels)
    report = Report(f"{len(runs)} models" if len(runs) > 1 else labels[0], (table,))
    return written(report, "table", width=shutil.get_terminal_size().columns, limit=0)
