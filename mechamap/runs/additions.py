"""Adding results to a run after its scan: whole figures, and members of its record."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.runs.checked import Causes, Confirmation, RandomizedSearches, SecondText
from mechamap.runs.lock import RunLock
from mechamap.runs.record import RunRecord, dump
from mechamap.runs.run import Run
from mechamap.system.atomic import beside, synced

__all__ = ["add_to_run"]


def add_to_run(
    folder: Path,
    figures: Mapping[str, NDArray[Any]],
    *,
    confirmation: Confirmation | None = None,
    causes: Causes | None = None,
    second_looks: tuple[SecondText, ...] | None = None,
    randomized: RandomizedSearches | None = None,
) -> Run:
    """Write figures, a row for each of the run's neurons, and change members of its record; all or nothing.

    Each file is written beside its place and moved there, the record last, so that a reader finds either the run as
    it was or the run with all that is new.

    Args:
        folder: the run's.
        figures: ``[neurons, ...]`` by name; one that is there already is replaced.
        confirmation, causes, second_looks, randomized: new members of the record; None: as they are. A new
            confirmation drops the randomized searches, which went with the one before.

    Returns:
        The run, opened anew.

    Raises:
        RunError: another process is writing the run, or the disk is full or read-only; the run is as it was.
    """
    try:
        with RunLock(folder):
            run = Run.open(folder)
            record = replace(
                run.record,
                figures=tuple(dict.fromkeys((*run.record.figures, *figures))),
                confirmation=run.record.confirmation if confirmation is None else confirmation,
                causes=run.record.causes if causes is None else causes,
                second_looks=run.record.second_looks if second_looks is None else second_looks,
                randomized=_randomized(run.record, confirmation, randomized),
            )
            _write(folder, figures, record, run.neurons)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written: {error.strerror or error}.",
            "Free some space, or copy the run to a folder that you can write; it is as it was.",
        ) from None
    return Run.open(folder)


def _randomized(
    record: RunRecord, confirmation: Confirmation | None, randomized: RandomizedSearches | None
) -> RandomizedSearches:
    if randomized is not None:
        return randomized
    return record.randomized if confirmation is None else RandomizedSearches()


def _write(folder: Path, figures: Mapping[str, NDArray[Any]], record: RunRecord, neurons: int) -> None:
    """Write all files beside their places, then move them there; however it ends, none is left beside."""
    written: list[tuple[Path, Path]] = []  # beside its place, and its place
    try:
        for name, values in figures.items():
            if len(values) != neurons:
                raise ValueError(f"{name} has {len(values)} rows; the run has {neurons} neurons")
            written.append((beside(folder / f"{name}.npy"), folder / f"{name}.npy"))
            with synced(written[-1][0]) as stream:
                np.save(stream, np.ascontiguousarray(values, dtype=np.float32), allow_pickle=False)
        # The record comes last: what it names is there by then.
        written.append((beside(folder / "run.json"), folder / "run.json"))
        with synced(written[-1][0]) as stream:
            stream.write(dump(record).encode("utf-8", "replace"))
        for temporary, path in written:
            temporary.replace(path)
    finally:
        for temporary, _ in written:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
