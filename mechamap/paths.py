"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["user_path"]


def user_path(given: Path | str) -> Path:
    """A path with ``~`` at its beginning expanded; where nobody is called so, it is a name like any other.

    ``Path.expanduser`` raises an error that nobody expects there, and ``~0`` may well be what a model is called.
    """
    return Path(os.path.expanduser(given))  # noqa: PTH111
