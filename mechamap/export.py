"""Exports: one registry of formats for keyboard and command line, and files written whole or not at all.

Importing this module loads no numpy: the command line reads the registry for its help.
"""

from __future__ import annotations

import errno
import importlib
import math
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mechamap.errors import ExportError, UsageError
from mechamap.paths import user_path

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.exports.table import ExportTable
    from mechamap.run import Run

    class Writer(Protocol):
        """A format's ``write``: the table, whether it is wide, where to; it returns the number of rows."""

        def __call__(self, table: ExportTable, wide: bool, stream: BinaryIO) -> int: ...


__all__ = [
    "FORMATS",
    "ExportResult",
    "Format",
    "check_target",
    "export_run",
    "format_of",
    "write_export",
    "write_whole",
]


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name on the command line, what it is in words, its file suffix and the module that writes it."""

    name: str
    description: str
    suffix: str
    module: str


FORMATS: dict[str, Format] = {
    form.name: form
    for form in (
        Format("csv", "comma-separated values, one row per neuron and category", ".csv", "csv_table"),
        Format("json", "JSON, one entry per neuron", ".json", "json_table"),
        Format("parquet", "Parquet, typed columns (needs pyarrow)", ".parquet", "parquet_table"),
        Format("md", "a Markdown table", ".md", "markdown_table"),
    )
}


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What was written: ``path`` is None for a stream; ``scope`` says in words what the rows cover."""

    path: Path | None
    rows: int
    neurons: int
    scope: str


def format_of(path: Path | str) -> str | None:
    """The name of the format that a file's suffix means, or None."""
    suffix = Path(path).suffix.lower()
    return next((form.name for form in FORMATS.values() if suffix == form.suffix), None)


def export_run(
    run: Run,
    path: Path | str,
    *,
    format: str,
    wide: bool = False,
    rows: NDArray[np.int64] | None = None,
    scope: str = "all",
    threshold: float | None = None,
    overwrite: bool = False,
) -> ExportResult:
    """Write a run's complete layers to a file, whole or not at all.

    Args:
        wide: one row per neuron with every figure, instead of one per neuron and category.
        rows: row numbers to write, in this order; all where None.
        scope: what ``rows`` are: ``all``, ``filtered``, ``marked``.
        threshold: mean activation at which a neuron is listed under a category; the run's own where None.
        overwrite: replace the file where there is one.

    Raises:
        ExportError: the file exists, its folder does not, no permission, disk full.
        MissingExtra: the format needs a package that is not installed.
        UsageError: no such format, or the threshold is no finite number.
    """
    target = check_target(path, overwrite=overwrite)
    table = _table(run, rows, scope, threshold)
    written = write_whole(target, partial(_writer(format), table, wide), overwrite=overwrite)
    return ExportResult(target, written, len(table.rows), table.scope)


def write_export(
    run: Run,
    stream: BinaryIO,
    *,
    format: str,
    wide: bool = False,
    rows: NDArray[np.int64] | None = None,
    scope: str = "all",
    threshold: float | None = None,
) -> ExportResult:
    """Write a run to an open binary stream, such as standard output; see :func:`export_run`."""
    table = _table(run, rows, scope, threshold)
    return ExportResult(None, _writer(format)(table, wide, stream), len(table.rows), table.scope)


def check_target(path: Path | str, *, overwrite: bool) -> Path:
    """The absolute path of a file that may be written.

    Raises:
        ExportError: it exists and is not to be overwritten, is a folder, or its folder is missing or not writable.
    """
    target = user_path(path)
    try:
        target = target.resolve()
        mode = target.stat().st_mode if target.exists() else None
    except OSError as error:
        raise _failed(target, error) from None
    if mode is not None and stat.S_ISDIR(mode):
        raise ExportError(f"{target} is a folder.", "Name a file inside it.")
    if mode is not None and stat.S_ISREG(mode) and not overwrite:
        raise _exists(target)
    if not target.parent.is_dir():
        raise ExportError(f"The folder {target.parent} does not exist.", f"Make it first: mkdir -p {target.parent}")
    if (mode is None or stat.S_ISREG(mode)) and not os.access(target.parent, os.W_OK):
        raise ExportError(f"No permission to write in {target.parent}.", "Choose a folder that is yours.")
    return target


def write_whole(target: Path, write: Callable[[BinaryIO], int], *, overwrite: bool) -> int:
    """Write a file whole or not at all; returns what ``write`` does.

    Args:
        target: what :func:`check_target` gave.
        write: writes the content to a stream.

    Raises:
        ExportError: the file exists meanwhile, or it cannot be written.
    """
    try:
        if target.exists() and not target.is_file():  # a pipe or a device: nothing to lose there
            with target.open("wb") as stream:
                return write(stream)
        return _write_beside(target, write, overwrite=overwrite)
    except OSError as error:
        raise _failed(target, error) from None


def _writer(format: str) -> Writer:
    try:
        module = FORMATS[format].module
    except KeyError:
        raise UsageError(f"No format {format!r}; there are {', '.join(FORMATS)}.") from None
    write: Writer = importlib.import_module(f"mechamap.exports.{module}").write
    return write


def _table(run: Run, rows: NDArray[np.int64] | None, scope: str, threshold: float | None) -> ExportTable:
    import numpy as np

    from mechamap.exports.table import ExportTable

    complete = np.zeros(run.neurons, dtype=np.bool_)
    for layer in run.complete_layers:
        complete[layer.rows] = True
    chosen = np.flatnonzero(complete) if rows is None else np.asarray(rows, dtype=np.int64)
    chosen = chosen[complete[chosen]]
    if threshold is None:
        threshold = float(run.record.config.get("threshold", 0.2))
    if not math.isfinite(threshold):
        raise UsageError(f"The threshold is {threshold}; it must be a number.")
    return ExportTable(run, chosen, threshold, _scope(run, scope, len(chosen)))


def _scope(run: Run, scope: str, neurons: int) -> str:
    said = f"all {neurons:,} neurons" if scope == "all" else f"{scope}: {neurons:,} of {run.neurons:,} neurons"
    done, layers = len(run.complete_layers), len(run.layers)
    if done == layers:
        return said
    said = f"{neurons:,} of {run.neurons:,} neurons" if scope == "all" else said
    return f"{said}, from the {done} of {layers} layers that are complete (the scan: {run.record.state})"


def _write_beside(target: Path, write: Callable[[BinaryIO], int], *, overwrite: bool) -> int:
    """Write beside the target and rename, so that what is already there is lost only to a complete file."""
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as stream:
            written = write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        if not overwrite and target.exists():  # someone wrote it meanwhile
            raise _exists(target)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return written


def _exists(target: Path) -> ExportError:
    return ExportError(f"{target} exists already.", "Choose another name, or overwrite it (--overwrite).")


def _failed(target: Path, error: OSError) -> ExportError:
    hints = {
        errno.ENOSPC: "Free some space, or choose another disk.",
        errno.EDQUOT: "Your disk quota is used up; free some space.",
        errno.EACCES: "Choose a folder that is yours.",
        errno.EROFS: "The disk is read-only; choose another place.",
        errno.ENAMETOOLONG: "Choose a shorter name.",
    }
    hint = hints.get(error.errno or 0, "Choose another place.")
    return ExportError(f"{target} cannot be written: {error.strerror or error}. Nothing was changed there.", hint)
