"""Writing a run: rows of each figure as layers finish, and ``run.json`` replaced after them.

The order is what makes it safe against a crash at any moment: rows are written and synced first, and only then is
``run.json`` replaced, atomically, by one that calls their layers complete. Syncing is the slow part and needs no
processor, so a thread of its own does it while the scan goes on; layers that finish in the meantime are committed
together.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.runs import record as run_record
from mechamap.runs.figure_names import (
    CATEGORY_FIGURES,
    CORPUS_CATEGORY_FIGURES,
    CORPUS_NEURON_FIGURES,
    LATER_FIGURES,
    NEURON_FIGURES,
    ROUTED_FIGURES,
    TOKEN_FIGURES,
)
from mechamap.runs.lock import RunLock
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run, activations_file
from mechamap.system.atomic import beside, replacing

__all__ = ["RunWriter"]


COMMIT_SECONDS = 0.1  # at least, between commits


class RunWriter:
    """Writes one run; use as a context manager, so that the files are closed and the last layers committed.

    Args:
        folder: an existing folder; the files of an earlier run in it are replaced unless it is resumed.
        record: everything known at the start. Its layers that are already complete are kept as they are on disk.
        top_k: columns of the token figures.

    Raises:
        RunError: the folder cannot be written, or another scan is writing it.
    """

    def __init__(self, folder: Path, record: RunRecord, top_k: int) -> None:
        self.folder = folder
        self.record = record
        self._fixed = run_record.dump_fixed(record)
        self._files: dict[str, tuple[BinaryIO, int, np.dtype[Any], tuple[int, ...]]] = {}
        self._committer = ThreadPoolExecutor(1, thread_name_prefix="commit")
        self._committing: Future[None] | None = None
        self._committed = 0.0
        self._lock: RunLock | None = None
        resumed = any(layer.complete for layer in record.layers)
        try:
            self._lock = RunLock(folder)
            for name in record.figures:
                if name in LATER_FIGURES:
                    continue  # written whole by others, and kept as it is
                self._open(name, top_k, fresh=not resumed)
            self._replace_record(record)
        except OSError as error:
            self._close_files()
            raise RunError(f"{folder} cannot be written: {error.strerror or error}.", "Choose another place.") from None
        except RunError:
            self._close_files()  # and leave the record of the run that is there as it is
            raise

    def __enter__(self) -> RunWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close()

    def _open(self, name: str, top_k: int, *, fresh: bool) -> None:
        columns: tuple[int, ...]
        if name in (*CATEGORY_FIGURES, *CORPUS_CATEGORY_FIGURES, "occurrences"):
            columns = (len(self.record.categories),)
        elif name in TOKEN_FIGURES:
            columns = (top_k,)
        elif name in (*NEURON_FIGURES, *CORPUS_NEURON_FIGURES, *ROUTED_FIGURES):
            columns = ()
        else:
            raise ValueError(f"there is no figure {name}")
        dtype = np.dtype(np.int32 if name.endswith("positions") else np.float32)
        path = self.folder / f"{name}.npy"
        shape = (self.record.neurons, *columns)
        if fresh or not path.exists():
            _create(path, shape, dtype)
        file = path.open("r+b")
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        file_shape, _, file_dtype = read(file)
        if file_shape != shape or file_dtype != dtype:
            file.close()
            raise RunError(
                f"{path} holds {file_shape} {file_dtype}; this scan writes {shape} {dtype}.",
                "Resume with the settings the run was started with, or write to another folder.",
            )
        self._files[name] = (file, file.tell(), dtype, columns)

    def write_layer(
        self, layer: int, figures: Mapping[str, NDArray[Any]], flags: tuple[str, ...] = (), problem: str = ""
    ) -> None:
        """Write a finished layer's rows: each figure ``[width, ...]``, in the order of the layer's neurons.

        Raises:
            RunError: the disk is full or gone; layers committed before stay readable.
        """
        index = next(i for i, rows in enumerate(self.record.layers) if rows.layer == layer)
        rows = self.record.layers[index]
        try:
            for name, values in figures.items():
                file, offset, dtype, columns = self._files[name]
                if values.shape != (rows.width, *columns):
                    raise ValueError(f"{name} of layer {layer} has shape {values.shape}, not {(rows.width, *columns)}")
                row_bytes = dtype.itemsize * int(np.prod(columns, dtype=np.int64))
                file.seek(offset + rows.first_row * row_bytes)
                file.write(np.ascontiguousarray(values, dtype=dtype).data)
            layers = list(self.record.layers)
            layers[index] = replace(rows, complete=True, flags=flags)
            problems = (*self.record.problems, problem) if problem else self.record.problems
            self.record = replace(self.record, layers=tuple(layers), problems=problems)
            self._commit_soon()
        except OSError as error:
            raise RunError(
                f"Layer {layer} cannot be written to {self.folder}: {error.strerror or error}.",
                "Free some space or choose another place; the layers written before are kept.",
            ) from None

    def write_activations(self, layer: int, activations: NDArray[np.float16]) -> None:
        """Keep a layer's activations, ``[width, positions]``, for the text view."""
        try:
            write_activations(self.folder, layer, activations)
        except OSError as error:
            raise RunError(
                f"The activations of layer {layer} cannot be kept in {self.folder}: {error.strerror or error}.",
                "Free some space, or scan with `keep_activations: never`.",
            ) from None

    def _commit_soon(self) -> None:
        """Have the thread commit what is written so far; if it is busy, a later call will."""
        if self._committing is not None:
            if not self._committing.done():
                return
            self._committing.result()  # raises what the thread met
        if time.monotonic() - self._committed >= COMMIT_SECONDS:
            self._committed = time.monotonic()
            for file, *_ in self._files.values():
                file.flush()  # here, not in the thread: a buffered file is not for two threads at once
            self._committing = self._committer.submit(self._sync, self.record)

    def commit(self) -> None:
        """Sync what was written and say in ``run.json`` that its layers are complete.

        Raises:
            RunError: the disk is full, or the folder is gone or another's.
        """
        try:
            self._commit()
        except OSError as error:
            raise RunError(
                f"{self.folder} cannot be written any more: {error.strerror or error}.",
                "Free some space, or choose another place; the layers written before are kept.",
            ) from None

    def _commit(self) -> None:
        if self._committing is not None:
            self._committing.result()
            self._committing = None
        for file, *_ in self._files.values():
            file.flush()
        self._sync(self.record)

    def _sync(self, record: RunRecord) -> None:
        """Rows first, then the record that calls them complete."""
        for file, *_ in self._files.values():
            os.fsync(file.fileno())
        self._replace_record(record)

    def finish(self, state: str, finished: str, timings: Mapping[str, float]) -> Run:
        """Write the closing record and open the run for reading.

        Raises:
            RunError: the disk is full or gone.
        """
        self.record = replace(self.record, state=state, finished=finished, timings=dict(timings))
        try:
            self._commit()
        except OSError as error:
            raise RunError(
                f"The end of the run cannot be written to {self.folder}: {error.strerror or error}.",
                "Free some space; the layers written before are kept.",
            ) from None
        return Run.open(self.folder)

    def update(self, **changes: Any) -> None:
        """Change members of the record that may change during a scan (see ``run_record.CHANGING``)."""
        unknown = set(changes) - set(run_record.CHANGING)
        if unknown:
            raise ValueError(f"these members are fixed once a scan has started: {sorted(unknown)}")
        self.record = replace(self.record, **changes)

    def close(self) -> None:
        """Commit what is written and close the files; safe to call twice."""
        try:
            if self._files:
                self._commit()
        except OSError:
            pass  # a disk that cannot take the rows cannot take the record either; what was committed stays
        finally:
            self._close_files()

    def _close_files(self) -> None:
        self._committer.shutdown()
        for file, *_ in self._files.values():
            with suppress(OSError):  # closing flushes, and that may be what failed before
                file.close()
        self._files.clear()
        if self._lock is not None:
            self._lock.release()

    def _replace_record(self, record: RunRecord) -> None:
        with replacing(self.folder / "run.json") as stream:
            stream.write(run_record.dump(record, self._fixed).encode("utf-8", "replace"))


def write_activations(folder: Path, layer: int, activations: NDArray[np.float16]) -> Path:
    """Keep a layer's activations in a run's folder; whole or not at all."""
    path = activations_file(folder, layer)
    path.parent.mkdir(exist_ok=True)
    temporary = beside(path)
    with temporary.open("wb") as file:  # not synced, which takes longer than the layer: they can be computed again
        np.save(file, activations, allow_pickle=False)
    temporary.replace(path)
    return path


def _create(path: Path, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    """A ``.npy`` file filled with "not computed": NaN, or -1 for positions."""
    row = np.full(shape[1:], np.nan if dtype.kind == "f" else -1, dtype=dtype)
    block = np.broadcast_to(row, (min(shape[0], 65_536), *shape[1:]))
    temporary = path.with_name(f".{path.name}.new")
    with temporary.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(dtype)}
        )
        for first in range(0, shape[0], max(len(block), 1)):
            file.write(np.ascontiguousarray(block[: shape[0] - first]).data)
    temporary.replace(path)  # cutting an old file short would kill a reader that has it mapped
