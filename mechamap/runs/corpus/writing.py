"""Writing a run over a corpus: all figures whole, each time that more of the corpus was read."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.runs.corpus.tokens import KEPT_FILES
from mechamap.runs.record import RunRecord, dump
from mechamap.system.atomic import beside, replacing, synced

__all__ = ["write_record", "write_run", "write_tokens"]


_KEPT = "tokens-"


def write_tokens(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write the tokens that a run keeps into a new folder of the run's.

    Args:
        folder: the run's.
        arrays: the files of :mod:`mechamap.runs.corpus.tokens` by name; ``offsets`` is worked out.

    Returns:
        The new folder's name, for the record.

    Raises:
        RunError: the disk is full or gone.
    """
    numbers = [int(path.name.removeprefix(_KEPT)) for path in folder.glob(f"{_KEPT}*") if _number(path).isdecimal()]
    name = f"{_KEPT}{max(numbers, default=0) + 1}"
    arrays = {**arrays, "offsets": _offsets(arrays["sizes"], arrays["windows"][:, 1])}
    try:
        (folder / name).mkdir()
        for file in KEPT_FILES:
            with synced(folder / name / f"{file}.npy") as stream:
                np.save(stream, np.ascontiguousarray(arrays[file]), allow_pickle=False)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    return name


def write_run(folder: Path, record: RunRecord, figures: Mapping[str, NDArray[Any]]) -> None:
    """Replace a run's figures and then its record; tokens that no record names any more are removed.

    Args:
        folder: the run's, which the caller has locked.
        record: which names the figures, and the tokens that are there.
        figures: ``[neurons, ...]`` by name.

    Raises:
        RunError: the disk is full or gone; the run is as it was.
    """
    written: list[tuple[Path, Path]] = []  # beside its place, and its place
    try:
        for name, values in figures.items():
            if len(values) != record.neurons:
                raise ValueError(f"{name} has {len(values)} rows; the run has {record.neurons} neurons")
            written.append((beside(folder / f"{name}.npy"), folder / f"{name}.npy"))
            with synced(written[-1][0]) as stream:
                np.save(stream, np.ascontiguousarray(values), allow_pickle=False)
        for temporary, path in written:
            temporary.replace(path)
        write_record(folder, record)
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        for temporary, _ in written:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    current = record.corpus.kept if record.corpus is not None else ""
    for path in folder.glob(f"{_KEPT}*"):
        if path.name != current and _number(path).isdecimal():
            shutil.rmtree(path, ignore_errors=True)


def _offsets(sizes: NDArray[Any], starts: NDArray[Any]) -> NDArray[np.int64]:
    """``[stretches]`` the first byte of each stretch of tokens, so that a reader need not add up all sizes."""
    if not len(starts):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.cumsum(np.add.reduceat(sizes, starts, dtype=np.int64))[:-1]])


def write_record(folder: Path, record: RunRecord) -> None:
    """Replace a run's record.

    Raises:
        OSError: the disk is full or gone.
    """
    with replacing(folder / "run.json") as stream:
        stream.write(dump(record).encode("utf-8", "replace"))


def _number(path: Path) -> str:
    return path.name.removeprefix(_KEPT)


def _cannot_write(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{folder} cannot be written: {error.strerror or error}.",
        "Free some space and resume; what was gathered so far is kept.",
    )
