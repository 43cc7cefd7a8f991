"""A CSV in the columns ``model,layer,neuron,category,avg_activation,top_tokens``, opened as a run, whoever wrote it.

Such a file knows mean activations (those at or above some threshold) and top tokens, nothing else: the run has the
figures ``mean``, ``top_values`` and ``top_positions``, and positions that have no neighbours. One of a model with
experts also says which of them a neuron belongs to, and over how many tokens its figures run.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_experts import ExpertColumns, layer_rows
from mechamap.errors import RunError
from mechamap.run import Run
from mechamap.run_record import ModelRecord, RunRecord, TokenRecord
from mechamap.runs import find_run
from mechamap.token_list import TokenLists

__all__ = ["COLUMNS", "open_run", "read_csv"]

COLUMNS = ("model", "layer", "neuron", "category", "avg_activation", "top_tokens")
_THRESHOLD = 0.2  # what such files are written with by default


def open_run(name: Path | str) -> Run:
    """Open what a user names: a run folder, the name of a run in the data folder, or a CSV file.

    Raises:
        RunError: there is nothing of that name, or it is damaged.
    """
    path = Path(name).expanduser()
    try:
        if path.is_file():
            return Run.open(path.parent) if path.name == "run.json" else read_csv(path)
        if path.suffix.lower() == ".csv" and not path.exists():
            raise RunError(f"There is no file {path}.", "Check the path.")
        return Run.open(find_run(str(name)))
    except OSError as error:  # such as a name too long for a file
        raise RunError(f"{str(name)[:80]!r} cannot be opened: {error.strerror or error}.") from None


def read_csv(path: Path | str) -> Run:
    """Read a CSV as a complete run in memory, its ``source`` being ``csv``; rows are sorted by layer and neuron.

    Raises:
        RunError: unreadable, columns missing, several models, or a cell that makes no sense, named by row and column.
    """
    path = Path(path).expanduser()
    content = _Content(path)
    limit = csv.field_size_limit(2**30)
    try:
        rows = csv.reader(io.StringIO(text := _text(path), newline=""), delimiter=_delimiter(text), strict=True)
        _collect(content, rows)
    except csv.Error as error:
        content.fail(f" is no valid CSV: {error}")
    finally:
        csv.field_size_limit(limit)
    return _run(content)


@dataclass
class _Content:
    """What was read so far. Neurons, categories and tokens are numbered as they first appear."""

    path: Path
    model: str | None = None
    neurons: dict[tuple[str, str], int] = field(default_factory=dict)
    categories: dict[str, int] = field(default_factory=dict)
    tokens: TokenLists = field(default_factory=TokenLists)
    # of each row with a category: its number, neuron, category and avg_activation
    rows: list[int] = field(default_factory=list)
    neuron_of: list[int] = field(default_factory=list)
    category_of: list[int] = field(default_factory=list)
    means: list[str] = field(default_factory=list)
    experts: ExpertColumns = field(default_factory=lambda: ExpertColumns((), ()))
    ignored: tuple[str, ...] = ()

    def fail(self, problem: str, hint: str = "") -> NoReturn:
        raise RunError(f"{self.path}{problem}.", hint or f"Expected the columns {','.join(COLUMNS)}.")

    def fail_at(self, row: int, column: str, problem: str) -> NoReturn:
        self.fail(f", row {row}, column {column}: {problem}", "Row 1 is the header.")


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RunError(
            f"{path} is not UTF-8 text: byte 0x{error.object[error.start]:02x} at {error.start:,}.",
            "Save it as CSV in UTF-8.",
        ) from None
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror or error}.", "Check the path and its rights.") from None


def _delimiter(text: str) -> str:
    """Spreadsheets of some countries write semicolons or tabs."""
    header = text.split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _collect(content: _Content, rows: Iterator[list[str]]) -> None:
    header = _header(content, next(rows, []))
    at_model, at_layer, at_neuron, at_category, at_mean, at_tokens = (header.index(name) for name in COLUMNS)
    neurons, categories = content.neurons, content.categories
    for number, row in enumerate(rows, start=2):
        if not row:
            continue  # a blank line
        if len(row) != len(header):
            content.fail(f", row {number}: {len(row)} cells under {len(header)} columns")
        if row[at_model] != content.model:
            _check_model(content, number, row[at_model])
        if not neurons:
            content.experts = ExpertColumns(header, row)
        place = (row[at_layer], row[at_neuron])
        neuron = neurons.get(place)
        if neuron is None:
            neuron = neurons[place] = len(neurons)
            _add_neuron(content, number, place, row[at_tokens])
            if wrong := content.experts.add(int(place[0]), int(place[1]), row):
                content.fail_at(number, *wrong)
        category = row[at_category]
        if category:
            content.rows.append(number)
            content.neuron_of.append(neuron)
            content.category_of.append(categories.setdefault(category, len(categories)))
            content.means.append(row[at_mean])
        elif row[at_mean].strip():
            content.fail_at(number, "category", f"is empty although avg_activation is {row[at_mean][:40]!r}")
    if not neurons:
        content.fail(" has a header and no rows")


def _header(content: _Content, cells: list[str]) -> list[str]:
    header = [name.strip().lower() for name in cells]
    if not any(header):
        content.fail(" is empty")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        hint = ""
        if "name" in header and any("." in name for name in header):
            hint = "This is a wide export; open the run itself, or an export without --wide."
        content.fail(f" has no column {', '.join(missing)}", hint)
    content.ignored = tuple(name for name in header if name not in COLUMNS)
    return header


def _add_neuron(content: _Content, row: int, place: tuple[str, str], tokens: str) -> None:
    for name, cell in zip(("layer", "neuron"), place, strict=True):
        if not cell.strip().isdecimal() or len(cell) > 9:
            content.fail_at(row, name, f"{cell[:40]!r} is no number from 0")
    try:
        content.tokens.add(tokens)
    except ValueError as error:
        content.fail_at(row, "top_tokens", f"{tokens[:60]!r} is not a list of (token, value) pairs: {error}")


def _check_model(content: _Content, row: int, model: str) -> None:
    if content.model is not None:
        content.fail(
            f" holds several models: {content.model!r}, and {model!r} from row {row} on",
            "Split it into one file per model.",
        )
    content.model = model


def _run(content: _Content) -> Run:
    numbered = np.array([*content.neurons]).astype(np.int64)  # [neurons, 2]
    places = np.stack([numbered[:, 0], *content.experts.places()], axis=1)  # [neurons, 3]: layer, expert, index
    order = np.lexsort(places.T[::-1])  # [neurons]
    places, numbers, tokens = places[order], numbered[order, 1], content.experts.tokens()
    if len(places) > 1 and (np.diff(places, axis=0) == 0).all(axis=1).any():
        content.fail(" spells the number of one neuron in two ways", "Write layer and neuron without leading zeros.")
    row_of = np.empty(len(order), dtype=np.int64)
    row_of[order] = np.arange(len(order))
    mean, twice = _means(content, row_of)
    pieces = content.tokens.pieces
    positions, values = content.tokens.arrays()
    layers, first, width = np.unique(places[:, 0], return_index=True, return_counts=True)
    problems = []
    if ignored := [name for name in content.ignored if name not in content.experts.read]:
        problems.append(f"Columns that were not read: {', '.join(ignored)}.")
    if twice:
        problems.append(f"{twice:,} rows give a neuron and category a second time; the last was taken.")
    finite = mean[np.isfinite(mean)]
    model = content.model or content.path.stem
    record = RunRecord(
        model=ModelRecord(
            model, model.rsplit("/", 1)[-1], model, None, "unknown", 0, "unknown", "unknown", len(layers)
        ),
        categories=tuple(content.categories),
        layers=tuple(
            layer_rows(layer, start, places[start : start + count, 1:], numbers[start : start + count])
            for layer, start, count in zip(layers.tolist(), first.tolist(), width.tolist(), strict=True)
        ),
        figures=("mean", "top_values", "top_positions", *(("tokens",) if tokens is not None else ())),
        # All that the file lists was at or above the threshold it was written with.
        config={"threshold": min(_THRESHOLD, float(finite.min()) if len(finite) else _THRESHOLD)},
        tokens=TokenRecord(ids=(-1,) * len(pieces), pieces=pieces),
        problems=tuple(problems),
        source="csv",
    )
    arrays = {"mean": mean, "top_values": values[order], "top_positions": positions[order]}
    if tokens is not None:
        arrays["tokens"] = tokens[order]
    layer_of, expert_of, index_of = places.T.astype(np.int32)
    return Run(record, arrays, content.path, (layer_of, expert_of, index_of))


def _means(content: _Content, row_of: NDArray[np.int64]) -> tuple[NDArray[np.float32], int]:
    """Means ``[neurons, categories]``, NaN where the file has none, and how many it gives twice."""
    mean = np.full((len(row_of), len(content.categories)), np.nan, dtype=np.float32)
    try:
        numbers = np.array([float(cell) for cell in content.means])
    except ValueError:
        for row, cell in zip(content.rows, content.means, strict=True):
            if not _is_number(cell):
                content.fail_at(row, "avg_activation", f"{cell[:40]!r} is no number")
        raise
    rows, columns = row_of[np.array(content.neuron_of, np.int64)], np.array(content.category_of, np.int64)
    mean[rows, columns] = numbers
    cells = rows * mean.shape[1] + columns
    return mean, len(cells) - len(np.unique(cells))


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True
