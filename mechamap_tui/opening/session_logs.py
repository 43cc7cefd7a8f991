"""What this session did with each run, written to a log beside it; see :mod:`mechamap.replay.session_log`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from textual.app import App

from mechamap.replay.view import View

if TYPE_CHECKING:  # the first frame loads no numpy
    from mechamap.replay.session_log import SessionLog
    from mechamap.runs.run import Run

__all__ = ["SessionLogs"]


REST = 1.0  # seconds that a table's view stays as it is before it counts as an action


class SessionLogs:
    """Takes what was done, and writes it.

    A view that is passed through, as categories are on the way to another one, is no action: the one that stays is.

    Args:
        app: whose timers are used, and where a log that cannot be written is told once.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._runs: dict[Path, Run] = {}
        self._logs: dict[Path, SessionLog] = {}
        self._views: dict[Path, View] = {}  # as the log has them
        self._passing: tuple[Path, View] | None = None
        self._last: dict[Path, list[str]] = {}
        self._told = False

    def viewed(self, run: Run, view: View) -> None:
        """Take what the table of a run shows now."""
        if run.path is None:
            return
        path = run.path
        self._runs[path] = run
        self._views.setdefault(path, View(category=run.categories[0] if run.categories else ""))
        if self._passing is not None and self._passing[0] != path:
            self.flush()
        if view == self._views[path]:
            self._passing = None
        elif self._passing != (path, view):
            self._passing = path, view
            self._app.set_timer(REST, lambda: self._stays(path, view))

    def did(self, run: Run, words: Sequence[str] | None, remark: str = "") -> None:
        """Write an action; None is one that no command can say."""
        if run.path is None or words is None:
            return
        self._runs.setdefault(run.path, run)
        self.flush()
        self._write(run.path, list(words), remark)

    def answered(self, params: Struct | None) -> None:
        """Write what the engine was asked and has answered, where it is about a run that was opened."""
        from mechamap.replay.requests import command_of, run_of

        path = run_of(params)
        run = None if path is None else self._runs.get(path)
        if path is not None and run is not None:
            self.flush()
            self.did(run, command_of(params, self._views.get(path, View())))

    def flush(self) -> None:
        """Write the view that is shown, if it is not in the log."""
        if self._passing is not None:
            path, view = self._passing
            self._passing, self._views[path] = None, view
            from mechamap.replay.actions import viewed

            self._write(path, viewed(self._runs[path], view), "")

    def show(self, run: Run) -> None:
        """Show the log of a run."""
        from mechamap_tui.dialogs.session_log import LogPage

        self.flush()
        self._app.push_screen(LogPage(self._logs.get(run.path) if run.path is not None else None))

    def _stays(self, path: Path, view: View) -> None:
        if self._passing == (path, view):
            self.flush()

    def _write(self, path: Path, words: list[str], remark: str) -> None:
        if words == self._last.get(path):
            return  # a report that is asked for again, for one
        self._last[path] = words
        if path not in self._logs:
            from mechamap.replay.session_log import SessionLog

            self._logs[path] = SessionLog(self._runs[path])
        log = self._logs[path]
        log.add(words, remark)
        if log.problem and not self._told:
            self._told = True
            told = f"What is done is not logged: {log.problem}."
            self._app.notify(told, severity="warning", markup=False)
