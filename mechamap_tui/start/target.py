"""What the argument of ``mechamap-tui`` means."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mechamap.csv_files.file_names import named_as_csv
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["Target", "prepare", "read_target", "run_of"]


@dataclass(frozen=True, slots=True)
class Target:
    """What to open: nothing (the start screen), a run's folder, the bundled example, a CSV file, or a model's name.

    Attributes:
        typed: what was typed.
        path: the folder or file; None for a model, for nothing, and for the example before it was opened once.
    """

    kind: Literal["nothing", "run", "example", "csv", "model"]
    typed: str = ""
    path: Path | None = None


def read_target(typed: str) -> Target:
    """Tell a run (a folder with ``run.json``, or a run's name), the example and a CSV from the name of a model.

    Whether a model of that name exists is not asked here: the engine knows, and says what to do if not.
    """
    typed = typed.strip()
    if not typed:
        return Target("nothing")
    # Not before a run can be meant: the first frame needs none.
    from mechamap.runs.example.place import EXAMPLE
    from mechamap.runs.library import runs_folder

    path = user_path(typed)
    for folder in (path, runs_folder() / typed):
        if (folder / "run.json").is_file():
            return Target("run", typed, folder)
    if typed == EXAMPLE:
        return Target("example", typed)
    if path.name == "run.json" and path.is_file():
        return Target("run", typed, path.parent)
    if named_as_csv(path):
        return Target("csv", typed, path)
    return Target("model", typed)


def prepare(target: Target) -> None:
    """Begin what opening a target takes, while the screens that will show it are loaded."""
    if target.kind == "example":
        from mechamap.runs.example.place import unpack_beforehand
        from mechamap.runs.library import runs_folder

        unpack_beforehand(runs_folder())


def run_of(target: Target) -> Run:
    """The run that a target is; the example is unpacked when it is opened for the first time.

    Raises:
        RunError: it is damaged, or has been removed meanwhile.
    """
    from mechamap.runs.library import find_run
    from mechamap.runs.run import Run

    return Run.open(find_run(target.typed) if target.path is None else target.path)
