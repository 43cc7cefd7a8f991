"""The file that an export goes to: checked before any work is done, and replaced only by a complete one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mechamap.errors import ExportError
from mechamap.system.atomic import replacing
from mechamap.system.paths import path_problem
from mechamap.wording.advice import Advice, Setting

__all__ = ["check_target", "write_whole"]


def check_target(path: Path, *, overwrite: bool) -> Path:
    """The absolute path of a file that may be written.

    Raises:
        ExportError: it exists and is not to be overwritten, is a folder, or its folder is missing or not writable.
    """
    target = path
    try:
        target = path.resolve()
        mode = target.stat().st_mode if target.exists() else None
    except (OSError, ValueError) as error:  # ValueError: NUL, or a character that the locale's file names cannot have
        raise _failed(target, error) from None
    if mode is not None and stat.S_ISDIR(mode):
        raise ExportError(f"{target} is a folder.", "Name a file inside it.")
    if mode is not None and stat.S_ISREG(mode) and not overwrite:
        raise _exists(target)
    if not target.parent.is_dir():
        raise ExportError(f"The folder {target.parent} does not exist.", f"Create it first: mkdir -p {target.parent}")
    if (mode is None or stat.S_ISREG(mode)) and not os.access(target.parent, os.W_OK):
        raise ExportError(f"No permission to write in {target.parent}.", "Choose a folder that you may write to.")
    return target


def write_whole(target: Path, write: Callable[[BinaryIO], int], *, overwrite: bool) -> int:
    """Write a file whole or not at all; returns what ``write`` returns.

    Args:
        target: the result of :func:`check_target`.
        write: writes the content to a stream.

    Raises:
        ExportError: the file exists meanwhile, or it cannot be written.
    """
    try:
        if target.exists() and not target.is_file():  # a pipe or a device: nothing there can be lost
            with target.open("wb") as stream:
                return write(stream)
        return _write_beside(target, write, overwrite=overwrite)
    except OSError as error:
        raise _failed(target, error) from None


def _write_beside(target: Path, write: Callable[[BinaryIO], int], *, overwrite: bool) -> int:
    """Write a file that replaces the target, so that an existing one is lost only to a complete one."""
    with replacing(target, shared=True) as stream:
        written = write(stream)
        if not overwrite and target.exists():  # another process wrote it meanwhile
            raise _exists(target)
    return written


def _exists(target: Path) -> ExportError:
    return ExportError(
        f"{target} already exists.", Advice.of("Choose another name, or overwrite it ({}).", Setting("overwrite"))
    )


def _failed(target: Path, error: OSError | ValueError) -> ExportError:
    hints = {
        errno.ENOSPC: "Free some space, or choose another disk.",
        errno.EDQUOT: "Your disk quota is used up; free some space.",
        errno.EACCES: "Choose a folder that you may write to.",
        errno.EROFS: "The disk is read-only; choose another place.",
        errno.ENAMETOOLONG: "Choose a shorter name.",
    }
    reason, hint = path_problem(error, hints.get(getattr(error, "errno", None) or 0, "Choose another place."))
    return ExportError(f"{target} cannot be written: {reason}. Nothing was changed there.", hint)
