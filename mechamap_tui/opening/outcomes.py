"""What a job's progress and end lead to: a notice, a dialog, or the screen that takes its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from textual.app import App
from textual.screen import Screen
from textual.widgets import Input, TextArea

from mechamap.errors import Cancelled
from mechamap.figures.findings import confirmed
from mechamap.runs.corpus.words import corpus_progress
from mechamap.runs.record import CORPUS_FORMAT
from mechamap.wording.amounts import duration, quantity
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.ablation import AblationScreen
from mechamap_tui.jobs.checks import AblationJob, CausesJob, ConfirmJob
from mechamap_tui.jobs.match import MatchJob
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.report.compare import CompareScreen
from mechamap_tui.scan.screen import ScanScreen

if TYPE_CHECKING:
    from mechamap.protocol.messages import CausesEstimated, Confirmed
    from mechamap.runs.run import Run
    from mechamap_tui.explorer import Explorer
    from mechamap_tui.jobs.job import AnyJob

__all__ = ["show_outcome"]


def show_outcome(app: App[None], explorer: Explorer, job: AnyJob) -> None:
    """Report how a job ended, unless the screen on top shows it; a scan's run opens with its first layers."""
    if job.ended and job.answer is None and job.error is None:
        return  # the app is closing, or failed through a bug, which is reported as such
    if isinstance(job, ScanJob):
        _show_scan(app, job)
    elif isinstance(job.error, Cancelled):
        unchanged = "" if isinstance(job, MatchJob) else "; the run is unchanged"
        if isinstance(job, ConfirmJob) and job.randomize:
            unchanged = "; what was complete is kept"
        app.notify(f"{job.title} was cancelled{unchanged}.", markup=False)
    elif job.answer is not None:
        _show_answer(app, job)
    if job.error is not None and not isinstance(job.error, Cancelled):
        explorer.show_error(job.error)


def _show_answer(app: App[None], job: AnyJob) -> None:
    match job:
        case ConfirmJob(run=run, answer=answer) if answer is not None:
            title = f"{run.name} confirmed"
            app.notify(_confirmed_text(run, answer), title=title, timeout=15, markup=False)
        case CausesJob(run=run, answer=answer) if answer is not None:
            app.notify(_causes_text(run, answer), title=run.name, timeout=10, markup=False)
        case AblationJob():
            _show_ablations(app, job)
        case MatchJob() if not _is_shown(app.screen, job):
            text = f"The closest neurons of {' and '.join(path.name for path in job.paths)} have been found."
            app.notify(f"{text} They are among the tables of the comparison.", timeout=10, markup=False)


def _show_scan(app: App[None], job: ScanJob) -> None:
    if job.ended:
        _tell_end_of_scan(app, job)
    if job.ended or job.can_be_browsed:
        for screen in app.screen_stack:
            if isinstance(screen, ScanScreen) and screen.job is job:
                screen.give_way()


def _tell_end_of_scan(app: App[None], job: ScanJob) -> None:
    cancelled, run = isinstance(job.error, Cancelled), job.run
    if run is None:
        if cancelled:
            app.notify("Cancelled before the pass began.", markup=False)
        return
    if cancelled:
        app.notify(f"Cancelled; {_kept_text(run)} kept in {run.name}. R resumes it.", markup=False)
    elif job.answer is not None and run.record.problems:
        app.notify("\n".join(run.record.problems), severity="warning", timeout=15, markup=False)
    elif job.answer is not None and not _is_shown(app.screen, job):
        app.notify(f"{run.name} is complete.", markup=False)


def _kept_text(run: Run) -> str:
    """``3 of 17 shards are``, or layers of a run over a text."""
    if run.record.corpus is not None:
        return f"{corpus_progress(run.record.corpus)} are"
    if run.record.format == CORPUS_FORMAT:
        return "no shard is"
    return f"{len(run.complete_layers)} of {len(run.layers)} layers are"


def _show_ablations(app: App[None], job: AblationJob) -> None:
    """Show the measurement, unless the user is elsewhere or typing: then say how to open it."""
    typing = isinstance(app.focused, Input | TextArea)
    for ablation in job.answer.ablations if job.answer is not None else ():
        if _is_shown(app.screen, job) and not typing:
            app.push_screen(AblationScreen(ablation))
        else:
            text = f"{job.neuron} of {job.run.name} has been measured; press a on it to see the result."
            app.notify(text, markup=False)


def _is_shown(screen: Screen[object], job: AnyJob) -> bool:
    """Whether the user is looking at the job or its run."""
    match screen:
        case ScanScreen():
            return screen.job is job
        case BrowseScreen():
            return [screen.run.path] == job.paths
        case CompareScreen():
            return [run.path for run in screen.of_runs] == job.paths
        case _:
            return False


def _causes_text(run: Run, answer: CausesEstimated) -> str:
    took = duration(answer.seconds)
    return f"The causes of {run.neurons:,} neurons were estimated in {took}. Press a to measure one."


def _confirmed_text(run: Run, answer: Confirmed) -> str:
    """``37 neurons confirmed: food 9, animal 4``, the largest first."""
    counts = sorted(((count, name) for name, count in answer.confirmed.items() if count), reverse=True)
    took = duration(answer.seconds)
    if answer.randomized:
        others = ", ".join(f"{way} {sum(counts.values()):,}" for way, counts in answer.randomized.items())
        return f"Findings confirmed: {sum(answer.confirmed.values()):,}; in random models: {others} ({took}). Press i."
    if not counts:
        return f"No neuron is confirmed in any category ({took}); press i to see how close they came."
    in_any = np.zeros(run.neurons, dtype=bool)
    for name in run.categories:
        in_any |= confirmed(run, name)
    neurons = int(np.count_nonzero(in_any)) or sum(count for count, _ in counts)
    listed = ", ".join(f"{name} {count:,}" for count, name in counts)
    return f"{quantity(neurons, 'neuron')} confirmed in {took}: {listed}"
