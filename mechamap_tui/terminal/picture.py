"""A screenshot as an SVG file."""

from __future__ import annotations

import re
from pathlib import Path

from textual.screen import Screen

from mechamap.errors import ExportError
from mechamap.system.paths import home

__all__ = ["save_picture"]


def save_picture(svg: str, screen: Screen[object]) -> Path:
    """Write a picture into the current folder, or where that cannot be written into the data folder.

    Raises:
        ExportError: neither can be written.
    """
    name = re.sub(r"(?<!^)(?=[A-Z])", "-", type(screen).__name__.removesuffix("Screen")).lower()
    problem: OSError | None = None
    for folder in (Path.cwd(), home()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            path = _free(folder / f"mechamap-{name}.svg")
            path.write_text(svg, encoding="utf-8")
        except OSError as error:
            problem = error
        else:
            return path
    raise ExportError(f"The screenshot cannot be written: {problem}.", "Start from a folder you can write to.")


def _free(path: Path) -> Path:
    """The path, numbered where there is such a file already."""
    number = 2
    candidate = path
    while candidate.exists():
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}")
        number += 1
    return candidate
