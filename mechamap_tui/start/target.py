"""What the argument of ``mechamap-tui`` means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mechamap.csv_files.file_names import named_as_csv
from mechamap.system.paths import user_path

__all__ = ["Target", "read_target"]


@dataclass(frozen=True, slots=True)
class Target:
    """What to open: nothing (the start screen), a run's folder, a CSV file, or a model's name.

    Attributes:
        typed: what was typed.
        path: the folder or file; None for a model and for nothing.
    """

    kind: Literal["nothing", "run", "csv", "model"]
    typed: str = ""
    path: Path | None = None


def read_target(typed: str) -> Target:
    """Tell a run (a folder with ``run.json``, or a run's name) and a CSV from the name of a model.

    Whether a model of that name exists is not asked here: the engine knows, and says what to do if not.
    """
    typed = typed.strip()
    if not typed:
        return Target("nothing")
    from mechamap.runs.library import runs_folder  # not before a run can be meant: the first frame needs none

    path = user_path(typed)
    for folder in (path, runs_folder() / typed):
        if (folder / "run.json").is_file():
            return Target("run", typed, folder)
    if path.name == "run.json" and path.is_file():
        return Target("run", typed, path.parent)
    if named_as_csv(path):
        return Target("csv", typed, path)
    return Target("model", typed)
