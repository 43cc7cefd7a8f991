"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["home", "user_path"]


def user_path(given: Path | str) -> Path:
    """A path with ``~`` at its beginning expanded; where nobody is called so, it is a name like any other.

    ``Path.expanduser`` raises an error that nobody expects there, and ``~0`` may well be what a model is called.
    """
    return Path(os.path.expanduser(given))  # noqa: PTH111


def home() -> Path:
    """MechaMap's data folder: ``$MECHAMAP_HOME``, else the platform's user data folder."""
    given = os.environ.get("MECHAMAP_HOME")
    if given:
        return user_path(given)
    from platformdirs import user_data_path

    return user_data_path("mechamap", appauthor=False)
