"""Paths as users write them."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["can_be_path", "home", "is_whole", "path_problem", "privately", "settings_folder", "typed_text", "user_path"]

_LONGEST_PATH, _LONGEST_NAME = 4095, 255  # bytes


def user_path(path: Path | str) -> Path:
    """A path with a leading ``~`` expanded; where there is no such user, it is a name like any other.

    ``Path.expanduser`` raises an unexpected error there, and a model may well be called ``~0``.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111


def typed_text(argument: str) -> str:
    """A word of the command line that is text and no path, as it was typed.

    Python takes arguments for the locale's encoding; terminals are UTF-8 where the locale names another, too.
    """
    try:
        return os.fsencode(argument).decode("utf-8")
    except UnicodeError:
        return argument


def can_be_path(text: str) -> bool:
    """Whether some file system could have a file of that name."""
    try:
        name = os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return b"\0" not in name and len(name) <= _LONGEST_PATH and max(map(len, name.split(b"/"))) <= _LONGEST_NAME


def privately(path: str, flags: int) -> int:
    """The ``opener`` of a file that nobody else may read: what was copied, and what an error said."""
    descriptor = os.open(path, flags, 0o600)
    if hasattr(os, "fchmod"):
        with suppress(OSError):  # a file system without rights
            os.fchmod(descriptor, 0o600)  # one that was there before
    return descriptor


def is_whole(text: str) -> bool:
    """Whether a text can be written in UTF-8; a name of the command line that was not has halves of characters."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def home() -> Path:
    """MechaMap's data folder: ``$MECHAMAP_HOME``, else the platform's user data folder."""
    folder = os.environ.get("MECHAMAP_HOME")
    if folder:
        return user_path(folder)
    from platformdirs import user_data_path

    return user_data_path("mechamap", appauthor=False)


def settings_folder() -> Path:
    """Where a user's own settings are: ``$MECHAMAP_HOME``, else the platform's folder for settings."""
    folder = os.environ.get("MECHAMAP_HOME")
    if folder:
        return user_path(folder)
    from platformdirs import user_config_path

    return user_config_path("mechamap", appauthor=False)


def path_problem(error: OSError | ValueError, hint: str) -> tuple[str, str]:
    """Why a path cannot be used, without a full stop, and what to do: ``hint`` unless the path itself is at fault."""
    if isinstance(error, UnicodeEncodeError):
        letter = error.object[error.start]
        return (
            f"{letter!r} cannot stand in a file name in this locale ({error.encoding})",
            "Choose another name, or set LC_ALL to a locale in UTF-8.",
        )
    if isinstance(error, ValueError):
        return str(error), "Choose another name."
    return error.strerror or str(error), hint
