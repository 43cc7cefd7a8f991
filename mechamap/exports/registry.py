"""Exports: one registry of formats for keyboard and command line, and files written whole or not at all.

Importing this module loads no numpy: the command line reads the registry for its help.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

from mechamap.errors import UsageError
from mechamap.exports.target import check_target, write_whole
from mechamap.wording.suggest import unknown_name

__all__ = ["FORMATS", "ExportRequest", "ExportResult", "Format", "export_run", "format_of", "write_export"]


if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mechamap.exports.table import ExportTable
    from mechamap.runs.run import Run

    class Writer(Protocol):
        """A format's ``write``: the table, whether it is wide, where to; it returns the number of rows."""

        def __call__(self, table: ExportTable, wide: bool, stream: BinaryIO) -> int: ...


@dataclass(frozen=True, slots=True)
class Format:
    """A format: its name on the command line, its description, its file suffix and the module that writes it."""

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


@dataclass(frozen=True, slots=True, eq=False)
class ExportRequest:
    """What to write of a run.

    Attributes:
        format: the name of one of FORMATS.
        wide: one row per neuron with every figure, instead of one per neuron and category.
        rows: row numbers to write, in this order; all where None.
        scope: what ``rows`` are: ``all``, ``filtered``, ``marked``.
        threshold: mean activation at which a neuron is listed under a category; the run's own where None.
        excel: of a CSV, whether it is for a spreadsheet: with a byte order mark, and no cell that is run as a formula.
    """

    format: str
    wide: bool = False
    rows: NDArray[np.int64] | None = None
    scope: str = "all"
    threshold: float | None = None
    excel: bool = False


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


def export_run(run: Run, path: Path, request: ExportRequest, *, overwrite: bool = False) -> ExportResult:
    """Write a run's complete layers to a file, whole or not at all.

    Args:
        request: what to write.
        overwrite: replace the file if it exists.

    Raises:
        ExportError: the file exists, its folder does not, no permission, disk full.
        MissingExtra: the format needs a package that is not installed.
        UsageError: no such format, one that is not for spreadsheets, or the threshold is not a finite number.
    """
    target = check_target(path, overwrite=overwrite)
    table = _table(run, request)
    written = write_whole(target, partial(_writer(request.format), table, request.wide), overwrite=overwrite)
    return ExportResult(target, written, len(table.rows), table.scope)


def write_export(run: Run, stream: BinaryIO, request: ExportRequest) -> ExportResult:
    """Write a run to an open binary stream, such as standard output; see :func:`export_run`."""
    table = _table(run, request)
    return ExportResult(None, _writer(request.format)(table, request.wide, stream), len(table.rows), table.scope)


def _writer(format: str) -> Writer:
    try:
        module = FORMATS[format].module
    except KeyError:
        raise UsageError(*unknown_name("format", format, tuple(FORMATS))) from None
    write: Writer = importlib.import_module(f"mechamap.exports.{module}").write
    return write


def _table(run: Run, request: ExportRequest) -> ExportTable:
    import numpy as np

    from mechamap.exports.table import ExportTable

    complete = run.complete_rows
    chosen = np.flatnonzero(complete) if request.rows is None else np.asarray(request.rows, dtype=np.int64)
    chosen = chosen[complete[chosen]]
    threshold = request.threshold
    if threshold is None:
        threshold = run.threshold
    if not math.isfinite(threshold):
        raise UsageError(f"The threshold is {threshold}; it must be a number.")
    if request.excel and request.format != "csv":
        raise UsageError(f"{request.format} is written in one way only.", "A CSV can be written for a spreadsheet.")
    return ExportTable(run, chosen, threshold, _scope(run, request.scope, len(chosen)), request.excel)


def _scope(run: Run, scope: str, neurons: int) -> str:
    scope_text = f"all {neurons:,} neurons" if scope == "all" else f"{scope}: {neurons:,} of {run.neurons:,} neurons"
    done, layers = len(run.complete_layers), len(run.layers)
    if done == layers:
        return scope_text
    scope_text = f"{neurons:,} of {run.neurons:,} neurons" if scope == "all" else scope_text
    return f"{scope_text}, from the {done} of {layers} layers that are complete (scan {run.record.state})"
