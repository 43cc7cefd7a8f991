"""``mechamap scan`` of several models: a run each, one after another, and a table over all of them."""

from __future__ import annotations

import argparse
import shlex
import shutil
import threading
from collections.abc import Mapping, Sequence

from mechamap.cli.narration import Narration, print_data
from mechamap.cli.progress import SweepProgress
from mechamap.cli.stopping import layers_kept, stopping
from mechamap.errors import Cancelled, RunError, UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.exports.target import check_target
from mechamap.runs.run import Run
from mechamap.scan.sweep import check_jobs, resumed, sweep
from mechamap.scan.sweep_jobs import SweepConfig, SweepJob, sweep_jobs

__all__ = ["run_sweep"]


_FORMATS = ("csv", "json")


def run_sweep(args: argparse.Namespace, asked: SweepConfig, flags: Mapping[str, object], narration: Narration) -> int:
    """Scan all models, tell, compare them. 1 where one of them failed.

    Raises:
        Cancelled: by Ctrl+C, after what is finished was told.
    """
    jobs = _checked(args, sweep_jobs(asked, flags, args.out, resume=args.resume), narration)
    if args.plan:
        from mechamap.cli.plan import tell_plans

        return tell_plans(args, jobs, narration)

    def export(job: SweepJob, run: Run) -> None:
        for format in _FORMATS:
            if (target := _target(args, format, job)) is not None:
                done = export_run(run, target, ExportRequest(format), overwrite=args.overwrite)
                narration.say(f"{format.upper()}: {done.rows:,} rows, {done.scope}, to {done.path}")

    progress = SweepProgress(args, jobs, narration, export)
    stopped = _scan(args, jobs, progress, narration)
    _tell(args, jobs, progress, narration)
    if not args.events:
        for run in progress.runs.values():
            print_data(str(run.path))
    if stopped is not None:
        raise stopped
    return 1 if progress.troubles else 0


def _checked(args: argparse.Namespace, jobs: Sequence[SweepJob], narration: Narration) -> tuple[SweepJob, ...]:
    """The jobs, after everything that can be wrong with them was looked for."""
    if args.out is not None and (args.out / "run.json").exists():
        raise RunError(
            f"{args.out} holds a run; of several models each gets a folder in --out.", "Choose another folder."
        )
    targets = [target for job in jobs for format in _FORMATS if (target := _target(args, format, job)) is not None]
    for target in targets:
        check_target(target, overwrite=args.overwrite)
    if args.resume:
        narration.progress("looking at the runs")
    try:
        found = resumed(jobs)
        check_jobs(found)
    finally:
        narration.clear()
    return found


def _target(args: argparse.Namespace, format: str, job: SweepJob) -> str | None:
    """The file that a model is exported to.

    Raises:
        UsageError: it would be the same for all.
    """
    name: str | None = getattr(args, format)
    if name is None:
        return None
    if "{model}" not in name:
        where = "standard output" if name == "-" else name
        raise UsageError(
            f"--{format} would write every model to {where}.",
            f'Write {{model}} where the name of each goes: --{format} "{{model}}.{format}"',
        )
    return name.replace("{model}", job.label)


def _scan(
    args: argparse.Namespace, jobs: Sequence[SweepJob], progress: SweepProgress, narration: Narration
) -> Cancelled | None:
    """Scan them all; what stopped it is returned, with what is left to do."""
    narration.progress("loading torch and transformers")
    cancel = threading.Event()
    try:
        with stopping(cancel, progress, narration):
            from mechamap.scan.with_checks import Checks

            sweep(jobs, Checks(args.confirm, args.causes), progress, cancel)
    except (Cancelled, KeyboardInterrupt):
        return _what_is_left(args, jobs, progress)
    finally:
        narration.clear()
    return None


def _what_is_left(args: argparse.Namespace, jobs: Sequence[SweepJob], progress: SweepProgress) -> Cancelled:
    said = []
    if progress.broken_off is not None:
        label, folder = progress.broken_off
        said.append(f"{label}: {layers_kept(folder)}")
    done = {*progress.runs, *progress.troubles, progress.broken_off and progress.broken_off[0]}
    if left := [job.label for job in jobs if job.label not in done]:
        said.append(f"Not begun: {', '.join(left)}")
    again = "again" if args.resume else "with --resume"
    return Cancelled("\n".join(said) or "The sweep was cancelled.", f"To go on: the same command {again}")


def _tell(args: argparse.Namespace, jobs: Sequence[SweepJob], progress: SweepProgress, narration: Narration) -> None:
    """The table over what is complete, how many that are, and what went wrong."""
    runs = list(progress.runs.values())
    if runs:
        narration.say(_comparison(runs, list(progress.runs)))
    narration.say(f"{len(runs)} of {len(jobs)} models are scanned" + (":" if progress.troubles else "."))
    width = max(map(len, progress.troubles), default=0)
    for label, trouble in progress.troubles.items():
        narration.say(f"  {label:{width}}  {trouble}")
    names = [shlex.quote(run.name if args.out is None else str(run.path)) for run in runs]
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
