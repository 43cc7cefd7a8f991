"""The header of a CSV: which columns are read, and as what.

There are two layouts (docs/exports.md): one row for each neuron and category, and one for each neuron with all of its
figures. Columns stand in any order, and case and spaces of their names do not matter.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from mechamap.csv_files.source import CsvSource
from mechamap.figures.catalogue import figure_names
from mechamap.wording.suggest import nearest

__all__ = ["COLUMNS", "CsvHeader", "FigureColumn", "read_header"]


COLUMNS = ("model", "layer", "neuron", "category", "avg_activation", "top_tokens")
_NEEDED = ("layer", "neuron", "category", "avg_activation")
_NAMING = ("model", "layer", "neuron", "name", "expert", "side")
_LISTS = ("top_tokens", "bottom_tokens")


@dataclass(frozen=True, slots=True)
class FigureColumn:
    """A column of the wide layout: a figure, of a category where it has one value for each."""

    name: str
    position: int
    figure: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class CsvHeader:
    """The columns of a CSV.

    Attributes:
        positions: where each column that is read stands, by its name in lower case; the first where there are two.
        figures: in the wide layout, the columns with figures; else none.
        unread: the names of the columns that mean nothing here.
        unnamed: the number of the first column that has no name; 0 where all have one.
    """

    positions: dict[str, int]
    figures: tuple[FigureColumn, ...] = ()
    unread: tuple[str, ...] = ()
    unnamed: int = 0

    @property
    def categories(self) -> tuple[str, ...]:
        """The categories that the wide layout has figures of."""
        return tuple(dict.fromkeys(column.category for column in self.figures if column.category is not None))


def read_header(source: CsvSource) -> CsvHeader:
    """Read the header of a file.

    Raises:
        RunError: the file is empty, a column that is needed is missing, or there are two of one.
    """
    if not any(cell.strip() for cell in source.header):
        source.fail(" is empty", f"Expected the columns {','.join(COLUMNS)}.")
    names = [_plain(cell) for cell in source.header]
    positions = {name: names.index(name) for name in dict.fromkeys(names) if name}
    figures = _figure_columns(source.header, names) if _is_wide(positions) else ()
    if not figures:
        _check_needed(source, positions)
    for column in figures:
        names[column.position] = column.name
    read = {*_NAMING, *_LISTS, *(column.name for column in figures)} if figures else {*COLUMNS, "name", "tokens"}
    for name, count in Counter(names).items():
        if count > 1 and name in read:
            places = [str(place + 1) for place, header_name in enumerate(names) if header_name == name]
            source.fail(
                f" has {count} columns called {name}: {', '.join(places)}", "Keep one; rename or remove the others."
            )
    return CsvHeader(
        positions,
        figures,
        tuple(source.header[place].strip() for place, name in enumerate(names) if name and name not in read),
        next((place + 1 for place, name in enumerate(names) if not name), 0),
    )


def _plain(cell: str) -> str:
    """A column's name in its normal form: ``Avg Activation`` is ``avg_activation``."""
    return re.sub(r"[\s-]+", "_", cell.strip()).lower()


def _is_wide(positions: dict[str, int]) -> bool:
    return (
        "layer" in positions
        and "neuron" in positions
        and not ("category" in positions or "avg_activation" in positions)
    )


def _figure_columns(header: list[str], names: list[str]) -> tuple[FigureColumn, ...]:
    """The columns with figures; none where no category has one, as then the file is not a wide export."""
    columns = []
    for place, (cell, name) in enumerate(zip(header, names, strict=True)):
        figure, dot, category = cell.strip().partition(".")  # a category's name may have dots, and keeps its case
        if name in figure_names("neuron"):
            columns.append(FigureColumn(name, place, name))
        elif dot and category.strip() and (plain := _plain(figure)) in figure_names("category"):
            columns.append(FigureColumn(f"{plain}.{category.strip()}", place, plain, category.strip()))
    return tuple(columns) if any(column.category is not None for column in columns) else ()


def _check_needed(source: CsvSource, positions: dict[str, int]) -> None:
    missing = [name for name in _NEEDED if name not in positions]
    if not missing:
        return
    have = [name for name in positions if name not in COLUMNS]
    hints = [
        f"If {near[0]} is the column {name}, rename it in the header."
        for name in missing
        if (near := nearest(name, have))
    ]
    if not any(name in positions for name in COLUMNS):
        hints = [f"Row {source.header_row} must name the columns: {','.join(COLUMNS)}."]
    if len(source.header) == 1:
        hints.append("Cells must be separated by commas, semicolons or tabs.")
    cells = [cell.strip() for cell in source.header if cell.strip()]
    shown = ", ".join(cell if len(cell) <= 40 else f"{cell[:40]}…" for cell in cells[:12])
    more = f" and {len(cells) - 12} more" if len(cells) > 12 else ""
    source.fail(
        f" has no column {', '.join(missing)}; the header has {shown}{more}",
        " ".join(hints) or f"Expected the columns {','.join(COLUMNS)}.",
    )
