"""Errors that nobody foresaw: written down in a log, and said as something that can be shown."""

from __future__ import annotations

from textual.worker import WorkerFailed

from mechamap.errors import MechaMapError
from mechamap.failure_log import record_failure

__all__ = ["shown_error"]


def shown_error(error: BaseException, where: str) -> MechaMapError:
    """The error itself where it is meant for users; else one that names the log its traceback went to."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    if isinstance(cause, MechaMapError):
        return cause
    file = record_failure(cause, where)
    hint = "This is a mistake in MechaMap" + (f"; the details are in {file}." if file else ".")
    return MechaMapError(f"{type(cause).__name__}: {cause}", hint)
