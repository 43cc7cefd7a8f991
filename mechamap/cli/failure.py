"""What ended a command, told: the error and what to do, and for an unexpected one where its report is."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from mechamap.cli.narration import Narration
from mechamap.cli.stopping import stop_code, was_interrupted
from mechamap.errors import Cancelled, MechaMapError
from mechamap.system.room import lacks_memory, out_of_memory
from mechamap.wording.plain import printable

__all__ = ["tell_failure"]


def tell_failure(narration: Narration, error: BaseException, argv: Sequence[str] | None) -> int:
    """Tell what ended a command; returns its exit code."""
    if isinstance(error, Cancelled):
        narration.error("cancelled", error)
        return stop_code()
    if isinstance(error, KeyboardInterrupt) or was_interrupted():
        narration.say("cancelled")
        return stop_code()
    if isinstance(error, MechaMapError):
        _log_refusal(error)
        narration.error(f"error: {error.title}", error)
        return error.exit_code
    assert isinstance(error, Exception)
    if lacks_memory(error):
        error = out_of_memory("The command")
        narration.error(f"error: {error.title}", error)
        return error.exit_code
    return _unexpected(narration, error, argv)


def _log_refusal(error: MechaMapError) -> None:
    """Say in the log what kind of error ended the command, and where it comes from; its text may quote the user."""
    import logging

    from mechamap.system.log import place_of

    logging.getLogger(__name__).info("refused: %s from %s", type(error).__name__, place_of(error))


def _unexpected(narration: Narration, error: Exception, argv: Sequence[str] | None) -> int:
    """Report an unexpected failure: one line here, the traceback in a file."""
    from mechamap.system.failures import record_failure

    words = " ".join(sys.argv[1:] if argv is None else argv)
    log = record_failure(error, f"mechamap {words}")
    narration.say("error: Something went wrong that should not have")
    narration.say(f"  {printable(f'{type(error).__name__}: {error}'.splitlines()[0][:300])}")
    narration.say(f"  The details are in {log}." if log else "  The details could not be written to a log file.")
    return 1
