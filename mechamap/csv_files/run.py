"""A CSV opened as a run, whoever wrote it, in either layout that exports have.

One in the columns ``model,layer,neuron,category,avg_activation,top_tokens`` has mean activations (those at or above
some threshold) and top tokens, nothing else: the run has the figures ``mean``, ``top_values`` and ``top_positions``,
and positions that have no neighbours. The wide layout has every figure. Whatever can be read in more than one way, or
was left out, is noted in the run's ``record.problems``. Where no column names the model, it takes the name of the
file, and its ``id`` is empty.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.file_names import named_as_csv
from mechamap.csv_files.header import CsvHeader, read_header
from mechamap.csv_files.limits import limits_of_model
from mechamap.csv_files.long import LongRows
from mechamap.csv_files.neurons import layer_rows
from mechamap.csv_files.source import CsvSource, RowBlock, open_source
from mechamap.csv_files.wide import WideRows
from mechamap.errors import RunError, UsageError
from mechamap.runs.library import find_run, run_folder
from mechamap.runs.record import ModelRecord, RunRecord, TokenRecord
from mechamap.runs.run import Run
from mechamap.system.paths import user_path
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.spreadsheet import as_read
from mechamap.wording.suggest import suggestion

__all__ = ["open_run", "read_csv"]


Progress = Callable[[float], None]


def open_run(name: Path | str, *, model: str | None = None, progress: Progress | None = None) -> Run:
    """Open what a user names: a run folder, the name of a run in the data folder, or a CSV file.

    Args:
        model: of a CSV with several models, the one to read.
        progress: called with the share of a CSV's bytes that was read.

    Raises:
        RunError: nothing has that name, or it is damaged.
        UsageError: a model is given for a run, which has one.
    """
    path = user_path(name)
    try:
        if path.is_file() and path.name != "run.json":
            return read_csv(path, progress, model=model)
        if not path.exists() and named_as_csv(path):
            raise RunError(f"No such file: {path}.", "Check the path.")
        if path.is_dir() and run_folder(str(name)) is None:
            raise RunError(f"{path} is a folder without a run.json, so it is not a run.", _inside(path))
        if path.exists() and not path.is_file() and not path.is_dir():
            raise RunError(f"{path} is a pipe or a device, not a file.", "Save its contents as a CSV file first.")
        run = Run.open(path.parent if path.is_file() else find_run(str(name)))
    except (OSError, ValueError) as error:  # such as a name too long for a file, or one with a NUL
        reason = getattr(error, "strerror", None) or error
        raise RunError(f"{str(name)[:80]!r} cannot be opened: {reason}.") from None
    if model is not None:
        raise UsageError(
            f"{run.name} is a run, which has one model, {run.record.model.name}.",
            Advice.of("{} is for CSV files.", Setting("model")),
        )
    return run


def _inside(folder: Path) -> str:
    files = sorted(path.name for path in folder.iterdir() if named_as_csv(path))
    return f"Did you mean {folder / files[0]}?" if files else "Give a run, or a CSV file."


def read_csv(path: Path, progress: Progress | None = None, *, model: str | None = None) -> Run:
    """Read a CSV, packed with gzip or not, as a complete run in memory, its ``source`` being ``csv``.

    Rows are read some thousands at a time: memory is that of the run. Neurons are sorted by layer and number.

    Args:
        progress: called now and then with the share of the file's bytes that was read; what it raises ends the reading.
        model: the one to read where the file has several, and its name where the file does not name one.

    Raises:
        RunError: unreadable, columns missing, several models, or a cell that is wrong or beyond the model, named by
            row and column.
    """
    with open_source(path, progress) as source:
        header = read_header(source)
        rows: LongRows | WideRows = WideRows(source, header) if header.figures else LongRows(source, header)
        models = _Models(header.positions.get("model"), model)
        for block in source.blocks():
            wanted_rows = models.check(block)
            if wanted_rows.rows:
                if rows.neurons.limits is None and not len(rows.neurons) and models.name:
                    rows.neurons.limits = limits_of_model(models.name)
                rows.add(wanted_rows)
        if not len(rows.neurons):
            models.fail_if_not_found(source)
            source.fail(" has a header and no rows", f"Expected rows under {','.join(source.header)}.")
    problems = [*_about_columns(header), *models.remarks(path), *source.remarks(), *rows.remarks()]
    return _run(path, models, rows, problems)


class _Models:
    """The column ``model``: all rows that are read must be about one model.

    Args:
        position: where the column stands, None where there is none.
        model: the one to read; None: the one that the file is about.
    """

    def __init__(self, position: int | None, model: str | None) -> None:
        self._position = position
        self._wanted = model
        self.name = model.strip() if model is not None else None
        self._others: dict[str, int] = {}  # models passed over, and how many rows

    def check(self, block: RowBlock) -> RowBlock:
        """The rows of a block that are to be read.

        Raises:
            RunError: rows of several models, where none was asked for.
        """
        if self._position is None:
            return block
        cells = [row[self._position] for row in block.rows]
        if any(name.startswith("'") for name in {*cells}):
            cells = [as_read(cell) for cell in cells]
        if self.name is None:
            self.name = cells[0].strip()
        if {*cells} == {self.name}:
            return block
        cells = [cell.strip() for cell in cells]
        if {*cells} == {self.name}:
            return block
        if self._wanted is None:
            other = next(place for place, cell in enumerate(cells) if cell != self.name)
            block.source.fail(
                f" holds several models: {self.name!r}, and {cells[other][:80]!r} from {block.where(other)} on",
                Advice.of(
                    "Split it into one file per model, or read one of them on the command line with {}.",
                    Setting("model", shlex.quote(self.name or cells[other])),
                ),
            )
        for cell in cells:
            if cell != self.name:
                self._others[cell] = self._others.get(cell, 0) + 1
        return block.only([place for place, cell in enumerate(cells) if cell == self.name])

    def fail_if_not_found(self, source: CsvSource) -> None:
        """Raise an error if the model that was asked for is not in the file."""
        if self._others:
            names = [*self._others]
            known = f"{', '.join(names[:8])}{' ...' if len(names) > 8 else ''}"
            hint = f"{suggestion(str(self._wanted), names)} The file is about {known}.".lstrip()
            source.fail(f" has no rows of the model {self._wanted!r}", hint)

    def remarks(self, path: Path) -> list[str]:
        """Remarks on the model."""
        if self._others:
            rows, models = sum(self._others.values()), len(self._others)
            passed_over = f"{rows:,} of {next(iter(self._others))}" if models == 1 else f"{rows:,} of {models:,} others"
            return [f"Rows of other models that were not read: {passed_over}."]
        return [] if self.name else [f"The file names no model; it is called {_stem(path)}, after the file."]


def _about_columns(header: CsvHeader) -> list[str]:
    remarks = []
    if header.unnamed:
        also = ", as pandas writes the numbers of rows" if header.unnamed == 1 else ""
        remarks.append(f"Column {header.unnamed} has no name{also}; it was not read.")
    if "top_tokens" not in header.positions:
        remarks.append("Without a column top_tokens, no neuron has top tokens.")
    return remarks


def _stem(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).stem or path.name


def _run(path: Path, models: _Models, rows: LongRows | WideRows, problems: list[str]) -> Run:
    places, numbers = rows.neurons.places()  # [neurons, 3]: layer, expert, index; [neurons]
    order = np.lexsort(places.T[::-1])  # [neurons]
    sorted_already = bool((order == np.arange(len(order))).all())
    places, numbers = places[order], numbers[order]
    arrays: dict[str, NDArray[Any]] = {
        name: np.ascontiguousarray(values if sorted_already else values[order])
        for name, values in rows.figures().items()
    }
    layers, first, width = np.unique(places[:, 0], return_index=True, return_counts=True)
    sides = rows.sides
    pieces = rows.tokens.lists.pieces
    name = models.name or _stem(path)
    record = RunRecord(
        model=ModelRecord(
            name, name.rsplit("/", 1)[-1], models.name or "", None, "unknown", 0, "unknown", "unknown", len(layers)
        ),
        categories=rows.categories,
        layers=tuple(
            layer_rows(
                layer,
                first_row,
                places[first_row : first_row + count, 1:],
                numbers[first_row : first_row + count],
                sides.get(layer, ""),
            )
            for layer, first_row, count in zip(layers.tolist(), first.tolist(), width.tolist(), strict=True)
        ),
        figures=tuple(arrays),
        tokens=TokenRecord(ids=(-1,) * len(pieces), pieces=pieces),
        problems=tuple(problems),
        source="csv",
    )
    layer_of, expert_of, index_of = places.T.astype(np.int32)
    return Run(record, arrays, path, (layer_of, expert_of, index_of), rows.threshold)
