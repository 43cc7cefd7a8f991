"""What screens and widgets may ask the app around them for, and how they reach it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from textual.app import App
from textual.dom import DOMNode
from textual.signal import Signal

from mechamap_tui.terminal.textual_internals import is_leaving

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.errors import MechaMapError
    from mechamap.protocol.requests import ExportParams
    from mechamap.query.link import Link
    from mechamap.replay.view import View
    from mechamap.runs.run import Run
    from mechamap_tui.data.counting import Counting
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.jobs.draft import ScanDraft
    from mechamap_tui.jobs.job import AnyJob, JobChanged

__all__ = ["Explorer", "ExplorerApp", "explorer_of", "follow_jobs"]


class Explorer(Protocol):
    """The explorer as its screens see it: the engine, the job that runs, and the other screens."""

    @property
    def engine(self) -> EngineClient:
        """The engine's client; the process starts with its first request."""

    # --- jobs ------------------------------------------------------------------------------------------------

    @property
    def job(self) -> AnyJob | None:
        """The job that runs."""

    @property
    def job_changes(self) -> Signal[JobChanged]:
        """Published when a job begins, progresses or ends; :func:`follow_jobs` subscribes to it."""

    def start(self, job: AnyJob) -> None:
        """Begin a job, a scan on a screen of its own; a dialog says why one cannot begin."""

    async def cancel_job(self) -> None:
        """Stop the job that runs."""

    # --- the log of the session ------------------------------------------------------------------------------

    def viewed(self, run: Run, view: View) -> None:
        """Take what the table of a run shows now; it is written to the log once it stays so."""

    def did(self, run: Run, words: Sequence[str] | None, remark: str = "") -> None:
        """Write an action to the log.

        Args:
            words: the command that does the same; None: no command can.
            remark: what came of it.
        """

    # --- screens ---------------------------------------------------------------------------------------------

    def show_error(self, error: MechaMapError) -> None:
        """Show an error as a dialog."""

    def back(self) -> None:
        """To the screen below; from the last one to the start screen."""

    def open_target(self, typed: str) -> None:
        """Open whatever ``typed`` means: a run, a CSV, or a model, which is scanned."""

    def take_tour(self) -> None:
        """Begin the tour of the example, which is opened for it; or end it where it goes on."""

    def open_run(self, run: Run) -> None:
        """Show a run, in place of the progress of the scan that made it."""

    def open_link(self, run: Run, link: Link) -> None:
        """Show the neurons behind a cell of a report; going back leads to the report."""

    def open_interpretation(self, run: Run) -> None:
        """Show what a run's neurons say about its model, in the view it was left in."""

    def open_comparison(self, run: Run) -> None:
        """Ask what to compare a run with, and show the comparison."""

    def open_probe(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        """Ask a neuron with sentences.

        Args:
            go: called with the name of another neuron that was chosen there.
        """

    def open_steering(self, run: Run, neuron: str, scopes: Mapping[str, NDArray[np.int64]]) -> None:
        """Steer a neuron, or with the user's choice those of a scope or set.

        Args:
            neuron: its name.
            scopes: row numbers by scope, as of :meth:`open_export`.
        """

    def take_away(self, run: Run, neuron: str, where: str, sort: str, category: str) -> None:
        """Ask in which form to copy a neuron, or what the table shows: as a command, or as code.

        Args:
            neuron: its name.
            where, sort: filter and sort of the table, as the command line takes them.
            category: meant by a figure without one.
        """

    def open_similar(self, run: Run, neuron: str, go: Callable[[str], None]) -> None:
        """Show the neurons most like one; ``go`` as of :meth:`open_probe`."""

    def open_counts(self, counting: Counting, show: Callable[[str], None]) -> None:
        """Show how many neurons there are in each group of a column; ``show`` is called with a filter for one."""

    def open_export(self, run: Run, scopes: Mapping[str, NDArray[np.int64]], category: str) -> None:
        """Ask which part of a run to export.

        Args:
            scopes: row numbers by scope (all, filtered, marked), each in the order to write them.
            category: the current one, for the file's name.
        """

    def export(self, order: ExportParams) -> None:
        """Write an export through the engine, and report where it was written."""

    def open_form(self, draft: ScanDraft) -> None:
        """Show the form of a scan, filled in; in place of the progress of a scan that failed."""

    def open_new_form(self, model: str = "") -> None:
        """Show the form of a scan of ``model``; else as it was filled in last, or for the model on the screen."""

    def keep_draft(self, draft: ScanDraft) -> None:
        """Keep a form's content for the next time it is opened."""


class ExplorerApp(App[None]):
    """An app that has an explorer for its screens."""

    explorer: Explorer


def explorer_of(node: DOMNode) -> Explorer:
    """The explorer that a screen or a widget is part of.

    Raises:
        TypeError: the app around it has none.
    """
    app = node.app
    if not isinstance(app, ExplorerApp):
        raise TypeError(f"{type(node).__name__} stands in an app without an explorer: {type(app).__name__}")
    return app.explorer


def follow_jobs(node: DOMNode, show: Callable[[JobChanged], None]) -> None:
    """Call ``show`` whenever a job begins, progresses or ends, until the mounted ``node`` is removed."""

    def changed(change: JobChanged) -> None:
        if not is_leaving(node):
            show(change)

    explorer_of(node).job_changes.subscribe(node, changed)
