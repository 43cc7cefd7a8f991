"""What the engine process keeps from one request to the next."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.engine.kept_model import ModelCache

if TYPE_CHECKING:
    from mechamap.compare.closest.closest import Closest
    from mechamap.models.loaded import LoadedModel
    from mechamap.probe.reference import Reference
    from mechamap.runs.run import Run

__all__ = ["CsvCache", "Kept", "MatchCache", "ReferenceCache"]


LOOK = 0.1  # seconds between two looks at whether a request that waits for another's reading was cancelled
CSVS_KEPT = 2  # as many as are compared with one another; a large one takes half a minute to read


class CsvCache:
    """The CSVs that were read last, as runs."""

    def __init__(self) -> None:
        self._runs: dict[tuple[Path, int, int], Run] = {}
        self._reading = threading.Lock()  # requests that need not wait for a scan have threads of their own

    def read(self, path: Path, stop_if_cancelled: Callable[[], None], progress: Callable[[float], None]) -> Run:
        """The run of a file, read anew where the file has changed.

        Args:
            stop_if_cancelled: raises where the request was cancelled, while it waits for another to be read.
            progress: called with the share of the file that was read.
        """
        from mechamap.csv_files.run import read_csv

        try:
            status = path.stat()
            key = (path, status.st_mtime_ns, status.st_size)
        except OSError:
            return read_csv(path)  # which says what is wrong
        while not self._reading.acquire(timeout=LOOK):
            stop_if_cancelled()
        try:
            if key not in self._runs:
                run = read_csv(path, progress)
                while len(self._runs) >= CSVS_KEPT:
                    del self._runs[next(iter(self._runs))]
                self._runs[key] = run
            return self._runs[key]
        finally:
            self._reading.release()


class MatchCache:
    """The result of the last search for closest neurons, so that comparing by another figure needs no new one."""

    def __init__(self) -> None:
        self._last: tuple[tuple[object, ...], Closest | None] = ((), None)  # one value: compare has threads of its own

    def of(self, a: Run, b: Run, specialised: float, cancel: threading.Event) -> Closest | None:
        """Those of two runs; None where they are not the last ones, or were scanned anew.

        Args:
            specialised: from which \\|selectivity\\| on a neuron is specialised; shares from another are counted again.
            cancel: set it to stop that.
        """
        key, closest = self._last
        if closest is None or key != _identity(a, b):
            return None
        counted = closest.specialised_from(specialised, cancel=cancel)
        if counted is not closest and self._last[1] is closest:
            self._last = (key, counted)
        return counted

    def keep(self, a: Run, b: Run, closest: Closest) -> None:
        self._last = (_identity(a, b), closest)


class ReferenceCache:
    """What is usual for the neurons of the run that was asked last, as long as its model is in memory."""

    def __init__(self) -> None:
        self._last: tuple[tuple[object, ...], weakref.ref[object], Reference] | None = None

    def of(self, run: Run, loaded: LoadedModel) -> Reference | None:
        """That of a run and its model; None where they are not the last ones."""
        if self._last is None or self._last[0] != _identity(run) or self._last[1]() is not loaded.model:
            return None
        return self._last[2]

    def keep(self, run: Run, loaded: LoadedModel, reference: Reference) -> None:
        self._last = (_identity(run), weakref.ref(loaded.model), reference)  # the model can be freed all the same


def _identity(*runs: Run) -> tuple[object, ...]:
    return tuple((str(run.path), run.record.created, len(run.complete_layers)) for run in runs)


@dataclass(frozen=True, slots=True)
class Kept:
    """What one engine keeps; its requests share it."""

    model: ModelCache = field(default_factory=ModelCache)
    csvs: CsvCache = field(default_factory=CsvCache)
    matches: MatchCache = field(default_factory=MatchCache)
    references: ReferenceCache = field(default_factory=ReferenceCache)
