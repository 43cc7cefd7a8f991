"""Writing a run over a corpus: all of it anew, each time that more of the corpus was read.

While the scan goes on, figures and tokens are written into new folders, which the record then names. So a reader finds
one publication or the next, never parts of both, also after a process was killed at any moment. Once the scan is
complete the figures are beside the record, as in any run.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.runs.corpus.tokens import KEPT_FILES
from mechamap.runs.gate.records import read_record, read_record_text
from mechamap.runs.record import RunRecord, dump
from mechamap.system.atomic import beside, replacing, synced

__all__ = ["publish_run", "write_record", "write_run", "write_tokens"]


_KEPT, _FIGURES = "tokens-", "figures-"


def publish_run(
    folder: Path, record: RunRecord, figures: Mapping[str, NDArray[Any]], tokens: Mapping[str, NDArray[Any]]
) -> None:
    """Write what a scan has found so far; what was published before stays until the next time.

    Others that have it open may be on another machine, where a file that is removed cannot be read any more.

    Args:
        folder: the run's, which the caller has locked.
        record: of the run, over a corpus.
        figures: ``[neurons, ...]`` by name.
        tokens: that the run keeps: the files of :mod:`mechamap.runs.corpus.tokens` by name; ``offsets`` is worked out.

    Raises:
        RunError: the disk is full or gone; the run is as it was.
    """
    _check_rows(record, figures)
    try:
        _remove_all_but(folder, _published(folder))
        kept, place = write_tokens(folder, tokens), _new_folder(folder, _FIGURES)
        for name, values in figures.items():
            _save(place / f"{name}.npy", values)
        _write_named(folder, record, kept, place.name)
    except OSError as error:
        raise _cannot_write(folder, error) from None


def write_run(
    folder: Path, record: RunRecord, figures: Mapping[str, NDArray[Any]], tokens: Mapping[str, NDArray[Any]]
) -> None:
    """Write a complete run, its figures beside its record; nothing else that was published is left.

    No record that is there may name figures beside it: they are replaced one by one.

    Arguments and errors are those of :func:`publish_run`.
    """
    _check_rows(record, figures)
    written: list[tuple[Path, Path]] = []  # beside its place, and its place
    try:
        _remove_all_but(folder, _published(folder))
        kept = write_tokens(folder, tokens)
        for name, values in figures.items():
            written.append((beside(folder / f"{name}.npy"), folder / f"{name}.npy"))
            _save(written[-1][0], values)
        for temporary, path in written:
            temporary.replace(path)
        _write_named(folder, record, kept, "")
    except OSError as error:
        raise _cannot_write(folder, error) from None
    finally:
        for temporary, _ in written:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    _remove_all_but(folder, {kept})


def write_record(folder: Path, record: RunRecord) -> None:
    """Replace a run's record.

    Raises:
        OSError: the disk is full or gone.
    """
    with replacing(folder / "run.json") as stream:
        stream.write(dump(record).encode("utf-8", "replace"))


def _write_named(folder: Path, record: RunRecord, kept: str, figures_in: str) -> None:
    """Replace the record by one that names the folders."""
    assert record.corpus is not None
    write_record(folder, replace(record, corpus=replace(record.corpus, kept=kept, figures_in=figures_in)))


def _check_rows(record: RunRecord, figures: Mapping[str, NDArray[Any]]) -> None:
    for name, values in figures.items():
        if len(values) != record.neurons:
            raise ValueError(f"{name} has {len(values)} rows; the run has {record.neurons} neurons")


def write_tokens(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> str:
    """Write the tokens that a run keeps into a new folder, and return its name, for the record.

    Raises:
        OSError: the disk is full or gone.
    """
    arrays = {**arrays, "offsets": _offsets(arrays["sizes"], arrays["windows"][:, 1])}
    place = _new_folder(folder, _KEPT)
    for file in KEPT_FILES:
        _save(place / f"{file}.npy", arrays[file])
    return place.name


def _save(file: Path, values: NDArray[Any]) -> None:
    with synced(file) as stream:
        np.save(stream, np.ascontiguousarray(values), allow_pickle=False)


def _offsets(sizes: NDArray[Any], starts: NDArray[Any]) -> NDArray[np.int64]:
    """``[stretches]`` the first byte of each stretch of tokens, so that a reader need not add up all sizes."""
    if not len(starts):
        return np.zeros(0, np.int64)
    return np.concatenate([[0], np.cumsum(np.add.reduceat(sizes, starts, dtype=np.int64))[:-1]])


# --- folders of publications ----------------------------------------------------------------------------


def _numbered(folder: Path, prefix: str) -> dict[int, Path]:
    """The folders of a kind, by number."""
    paths = {path.name.removeprefix(prefix): path for path in folder.glob(f"{prefix}*")}
    return {int(number): path for number, path in paths.items() if number.isascii() and number.isdecimal()}


def _new_folder(folder: Path, prefix: str) -> Path:
    place = folder / f"{prefix}{max(_numbered(folder, prefix), default=0) + 1}"
    place.mkdir()
    return place


def _published(folder: Path) -> set[str]:
    """The names of the folders that the record on disk names; all that are there where it cannot be read."""
    file = folder / "run.json"
    try:
        corpus = read_record(read_record_text(file), str(file)).corpus
    except FileNotFoundError:
        return set()
    except (OSError, UnicodeDecodeError, RunError):
        return {path.name for prefix in (_KEPT, _FIGURES) for path in _numbered(folder, prefix).values()}
    return set() if corpus is None else {corpus.kept, corpus.figures_in}


def _remove_all_but(folder: Path, names: set[str]) -> None:
    for prefix in (_KEPT, _FIGURES):
        for path in _numbered(folder, prefix).values():
            if path.name not in names:
                shutil.rmtree(path, ignore_errors=True)


def _cannot_write(folder: Path, error: OSError) -> RunError:
    return RunError(
        f"{folder} cannot be written: {error.strerror or error}.",
        "Free some space and resume; what was gathered so far is kept.",
    )
