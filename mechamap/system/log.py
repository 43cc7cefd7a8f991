"""The log: what each process did, in a file that rotates, to find out what went wrong. Nothing goes to the terminal.

``MECHAMAP_LOG`` says how much is written: ``debug``, ``info`` (the default), ``warning``, ``error``, or ``off``. Lines
name stages, requests, times and kinds of errors; what a user wrote (texts, words, notes, filters) never stands there,
so that the file can be sent to somebody.
"""

from __future__ import annotations

import logging
import os
import sys
import time
import traceback
from logging.handlers import RotatingFileHandler
from pathlib import Path

from mechamap import __version__
from mechamap.system.failures import log_folder

__all__ = ["LEVELS", "log_file", "place_of", "start_log"]

LEVELS = ("debug", "info", "warning", "error", "off")
_BYTES, _EARLIER = 1_000_000, 3  # of a file, and how many earlier ones are kept
_NAME = "mechamap"


def log_file() -> Path:
    """Where the log is: ``log/mechamap.log`` in MechaMap's data folder."""
    return log_folder() / "mechamap.log"


def start_log(process: str) -> None:
    """Begin to write this process's log; a file that cannot be written stops nothing else.

    Args:
        process: what the process is, such as ``scan``, ``engine`` or ``explorer``.
    """
    logger = logging.getLogger(_NAME)
    level = os.environ.get("MECHAMAP_LOG", "info").strip().lower()
    logger.propagate = False  # the root logger prints warnings on stderr
    for handler in tuple(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    if level == "off" or not _folder_is_there():
        logger.addHandler(logging.NullHandler())
        return
    logger.setLevel(logging.getLevelName(level.upper() if level in LEVELS else "INFO"))
    logger.addHandler(_handler(process))
    logger.info("version %s, Python %s, %s", __version__, sys.version.split()[0], sys.platform)
    if level not in LEVELS:
        logger.warning("MECHAMAP_LOG is not one of %s; info is used", ", ".join(LEVELS))


def place_of(error: BaseException) -> str:
    """Where an error was raised, as ``module.function:line``: its text may hold what the user wrote."""
    frames = traceback.extract_tb(error.__traceback__)
    return f"{Path(frames[-1].filename).stem}.{frames[-1].name}:{frames[-1].lineno}" if frames else "?"


class _QuietFile(RotatingFileHandler):
    """A log file whose own failures (a full disk, a removed folder) are ignored."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        pass


def _folder_is_there() -> bool:
    try:
        log_folder().mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return True


def _handler(process: str) -> logging.Handler:
    handler = _QuietFile(
        log_file(), maxBytes=_BYTES, backupCount=_EARLIER, encoding="utf-8", errors="backslashreplace", delay=True
    )
    lines = logging.Formatter(f"%(asctime)s.%(msecs)03dZ %(levelname)-7s {process}[%(process)d] %(name)s: %(message)s")
    lines.converter = time.gmtime
    lines.default_time_format, lines.default_msec_format = "%Y-%m-%dT%H:%M:%S", ""
    handler.setFormatter(lines)
    return handler
