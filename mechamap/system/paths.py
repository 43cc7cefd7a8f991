"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home", "user_path"]


def user_path(path: Path | str) -> Path:
    """A path with a leading ``~`` expanded; where there is no such user, it is a name like any other.

    ``Path.expanduser`` raises an unexpected error there, and a model may well be called ``~0``.
    """
    return Path(os.path.expanduser(path))  # noqa: PTH111


def home() -> Path:
    """MechaMap's data folder: ``$MECHAMAP_HOME``, else the platform's user data folder."""
    folder = os.environ.get("MECHAMAP_HOME")
    if folder:
        return user_path(folder)
    from platformdirs import user_data_path

    return user_data_path("mechamap", appauthor=False)
