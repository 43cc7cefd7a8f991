"""What becomes of a failure in the explorer: a line in the place of what failed, or a dialog, and the rest goes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.app import App
from textual.screen import Screen
from textual.widget import Widget
from textual.worker import WorkerFailed

from mechamap.errors import MechaMapError, Unforeseen
from mechamap.system.failures import failure_report, record_failure
from mechamap.system.log import place_of
from mechamap.system.room import lacks_memory, out_of_memory
from mechamap_tui.terminal.textual_internals import Blame, Stage, cover, holds_panes, is_leaving

__all__ = ["Failures", "shown_error"]


PATIENCE = 3  # times that the app's own handlers may fail at one place: without them no key arrives


def shown_error(error: BaseException, where: str) -> MechaMapError:
    """The error itself where it is meant for users; else one that names the log its traceback went to."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    if isinstance(cause, MechaMapError):
        return cause
    if lacks_memory(cause):
        return out_of_memory("The explorer")
    file = record_failure(cause, where)
    hint = "This is a bug in MechaMap" + (f"; the details are in {file}." if file else ".")
    unforeseen = Unforeseen(f"{type(cause).__name__}: {cause}", hint)
    unforeseen.report = failure_report(cause, where)
    return unforeseen


@dataclass
class _Failure:
    """One failure, however often it was seen.

    Attributes:
        kind: the class of the error.
        error: as it is shown.
        times: how often it was seen.
    """

    kind: str
    error: MechaMapError
    times: int = 0

    @property
    def report(self) -> str:
        """What a maintainer needs to know; empty for an error that is meant for users."""
        report = getattr(self.error, "report", None)
        if not report:
            return ""
        return report if self.times == 1 else f"{report}\nseen {self.times:,} times"


class Failures:
    """Shows each failure once, and counts it after that.

    Args:
        show_error: opens a dialog.
    """

    def __init__(self, app: App[None], show_error: Callable[[MechaMapError], None]) -> None:
        self._app, self._show_error = app, show_error
        self._seen: dict[tuple[str, str, str], _Failure] = {}  # by class, place and what was done
        self._covered: set[Widget] = set()

    @property
    def report(self) -> str:
        """A report of all failures so far, without any text of the user's; empty where there are none."""
        return "\n\n".join(filter(None, (failure.report for failure in self._seen.values())))

    def in_action(self, blame: Blame, error: Exception, action: str) -> None:
        """Show a dialog, each time: somebody has pressed a key for it; but not for a part that is covered."""
        failure = self._note(error, f"on the action {action}")
        if blame.node not in self._covered:
            self._tell(failure)

    def in_worker(self, error: WorkerFailed) -> None:
        """Show a dialog; errors that are meant for users each time."""
        failure = self._note(error, "in the explorer")
        if failure.times == 1 or not isinstance(failure.error, Unforeseen):
            self._tell(failure)

    def in_part(self, blame: Blame, error: Exception) -> bool:
        """Cover a part of the screen, or show a dialog where it is a whole screen; False where neither helps."""
        from mechamap_tui.widgets.failed_part import FailedPart

        node, stage = blame
        failure = self._note(error, f"{stage.value} {type(node).__name__}")
        if isinstance(node, Widget) and is_leaving(node):  # its handlers were at work when it was removed
            return True
        if isinstance(node, FailedPart):
            return False
        if not isinstance(node, Widget):
            if failure.times >= PATIENCE:
                return False
        elif isinstance(node, Screen):
            if stage is not Stage.HANDLE:
                return False
        elif stage is not Stage.HANDLE or not holds_panes(node):
            return self._cover(node, stage, failure)
        if failure.times == 1:
            self._tell(failure)
        return True

    def _cover(self, part: Widget, stage: Stage, failure: _Failure) -> bool:
        from mechamap_tui.widgets.failed_part import FailedPart

        if part in self._covered:
            return stage is not Stage.LAYOUT
        self._covered.add(part)
        if isinstance(failure.error, Unforeseen):
            line = f"This pane failed: {failure.kind}. F2 copies a report; the rest goes on."
        else:
            line = f"{failure.error.title}: {failure.error.message}"
        cover(part, FailedPart(line, framed=part.has_class("pane")), measured=stage is not Stage.LAYOUT)
        self._app.refresh_bindings()
        return True

    def _note(self, error: Exception, where: str) -> _Failure:
        cause = error.error if isinstance(error, WorkerFailed) else error
        key = type(cause).__name__, place_of(cause), where
        failure = self._seen.get(key)
        if failure is None or not isinstance(failure.error, Unforeseen):
            failure = self._seen[key] = _Failure(key[0], shown_error(error, where), failure.times if failure else 0)
        failure.times += 1
        return failure

    def _tell(self, failure: _Failure) -> None:
        """Show a dialog; while one is open that says the same, none, and behind one that says something else a note."""
        from mechamap_tui.dialogs.error import ErrorScreen

        top = self._app.screen
        if not isinstance(top, ErrorScreen):
            self._show_error(failure.error)
        elif str(top.error) != str(failure.error):
            text = "Something else failed too; F2 copies a report of both." if failure.report else failure.error.message
            self._app.notify(text, title=failure.error.title, severity="error", markup=False)
