"""The folder of all runs, and the runs in it."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mechamap.errors import RunError
from mechamap.runs.corpus.words import corpus_progress
from mechamap.runs.example.place import EXAMPLE, example_folder
from mechamap.runs.gate.records import read_record, read_record_text
from mechamap.runs.lock import has_writer
from mechamap.system.paths import home, user_path
from mechamap.wording.advice import Advice, Setting

__all__ = [
    "RunSummary",
    "check_run_folder",
    "find_run",
    "list_runs",
    "new_run_folder",
    "remove_run",
    "run_folder",
    "runs_called",
    "runs_folder",
]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One line about a run. ``state`` is that of the record, or ``"damaged"`` where it cannot be read, or
    ``"interrupted"`` where it says "running" but no process writes it. ``so_far`` says how much of a corpus an
    unfinished one has read."""

    name: str
    path: Path
    model: str
    state: str
    created: str
    neurons: int
    layers_complete: int
    layers: int
    categories: int
    bytes: int
    so_far: str = ""


def runs_folder() -> Path:
    return home() / "runs"


def new_run_folder(label: str) -> Path:
    """Make an empty folder for a new run, named after the model and numbered: ``demo-3``.

    Raises:
        RunError: the data folder cannot be written.
    """
    base = _as_folder(label)
    folder = runs_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        matches = (re.fullmatch(rf"{re.escape(base)}-(\d+)", entry.name) for entry in folder.iterdir())
        taken = [int(match[1]) for match in matches if match]
        number = max(taken, default=0) + 1
        while True:
            try:
                (folder / f"{base}-{number}").mkdir()
            except FileExistsError:  # another scan took it just now
                number += 1
            else:
                return folder / f"{base}-{number}"
    except OSError as error:
        raise RunError(
            f"No run can be made in {folder}: {error.strerror or error}.",
            Advice.of("Set MECHAMAP_HOME to a folder you can write, or choose a folder with {}.", Setting("out")),
        ) from None


def runs_called(label: str) -> list[Path]:
    """The folders in the default place that :func:`new_run_folder` made for this label, the newest first."""
    base = re.escape(_as_folder(label))
    return [path for path in _folders() if re.fullmatch(rf"{base}-\d+", path.name)]


def _as_folder(label: str) -> str:
    return re.sub(r"[^\w.-]+", "-", label).strip("-.") or "run"


def check_run_folder(folder: Path, *, resume: bool) -> None:
    """Raise the RunError for a folder that a scan cannot write its run to, before it begins.

    Args:
        resume: whether the scan resumes the run that is there.
    """
    if (folder / "run.json").exists():
        if not resume:
            raise RunError(
                f"{folder} holds a run already.",
                Advice.of("Resume it with {}, or choose another folder with {}.", Setting("resume"), Setting("out")),
            )
        return
    there = folder.absolute()
    while not there.exists() and there != there.parent:
        there = there.parent
    if not there.is_dir():
        raise RunError(f"{there} is a file.", "Name a folder for the run.")
    if not os.access(there, os.W_OK):
        raise RunError(f"{folder} cannot be written.", Advice.of("Choose another folder with {}.", Setting("out")))


def run_folder(name: str) -> Path | None:
    """The folder of a run given as a path or by its name under :func:`runs_folder`, or of the bundled example.

    A folder of that name that is no run stands in the way of none.

    Raises:
        RunError: the example cannot be unpacked.
    """
    for candidate in (user_path(name), runs_folder() / name):
        if (candidate / "run.json").is_file():
            return candidate
    return example_folder(runs_folder()) if name == EXAMPLE else None


def find_run(name: str) -> Path:
    """The folder of a run, see :func:`run_folder`.

    Raises:
        RunError: there is no such run.
    """
    if (folder := run_folder(name)) is not None:
        return folder
    known = [path.name for path in _folders()]
    hint = f"Known runs: {', '.join(known[:8])}{' ...' if len(known) > 8 else ''}." if known else "No run was made yet."
    raise RunError(f"Unknown run {name!r}.", hint)


def list_runs() -> list[RunSummary]:
    """All runs in the default place, newest first, damaged ones included and marked as such."""
    return [_summary(path) for path in _folders()]


def remove_run(path: Path) -> None:
    """Delete a run's folder.

    Raises:
        RunError: it is not a run, or cannot be deleted.
    """
    if not (path / "run.json").is_file():
        raise RunError(f"{path} is not a run: it has no run.json.", "Nothing was deleted.")
    try:
        shutil.rmtree(path)
    except OSError as error:
        raise RunError(f"{path} cannot be deleted: {error.strerror or error}.") from None


def _folders() -> list[Path]:
    def changed(path: Path) -> int:
        try:
            return (path / "run.json").stat().st_mtime_ns
        except OSError:
            return 0

    return sorted(_run_folders(), key=changed, reverse=True)


def _run_folders() -> Iterator[Path]:
    try:
        yield from (path for path in runs_folder().iterdir() if (path / "run.json").is_file())
    except OSError:
        return


def _bytes(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with suppress(OSError):  # a running scan replaces files at any moment
            size += file.stat().st_size if file.is_file() else 0
    return size


def _summary(path: Path) -> RunSummary:
    size = _bytes(path)
    try:
        record = read_record(read_record_text(path / "run.json"), str(path / "run.json"))
    except (RunError, OSError, UnicodeDecodeError):
        return RunSummary(path.name, path, "?", "damaged", "", 0, 0, 0, 0, size)
    return RunSummary(
        name=path.name,
        path=path,
        model=record.model.label,
        state="interrupted" if record.state == "running" and not has_writer(path) else record.state,
        created=record.created,
        neurons=record.neurons,
        layers_complete=sum(layer.complete for layer in record.layers),
        layers=len(record.layers),
        categories=len(record.categories),
        bytes=size,
        so_far=corpus_progress(record.corpus) if record.corpus is not None and record.state != "complete" else "",
    )
