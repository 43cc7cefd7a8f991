"""Columns and rows of a table put together, each cell with the neurons behind it where there are any."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.figures.figure import JudgedFigure
from mechamap.query.link import Link
from mechamap.tables.table import Cell, Column, Kind, Table

__all__ = [
    "LinkedCell",
    "Rows",
    "category_columns",
    "checked_threshold",
    "first_rows",
    "number",
    "numbers",
    "threshold_text",
]


def threshold_text(kind: JudgedFigure, threshold: float) -> str:
    """Which values count: ``|reads| >= 0.9``, ``p <= 0.05``, ``auroc >= 0.95 or <= 0.05``."""
    if kind.ascending:
        return f"{kind.label} ≤ {threshold:g}"
    if kind.two_sided and kind.centre == 0:
        return f"|{kind.label}| ≥ {threshold:g}"
    if kind.two_sided:
        return f"{kind.label} ≥ {threshold:g} or ≤ {kind.mirrored(threshold):g}"
    return f"{kind.label} ≥ {threshold:g}"


def category_columns(categories: Iterable[str], kind: Kind, *taken: str) -> tuple[Column, ...]:
    """A column for each category; the key of one named like another column says that it is a category."""
    return tuple(Column(f"{name} (category)" if name in taken else name, name, kind) for name in categories)


def checked_threshold(kind: JudgedFigure, threshold: float) -> float:
    """A threshold that a user gave.

    Raises:
        UsageError: no neuron, or every neuron, would count.
    """
    if not math.isfinite(threshold):
        raise UsageError(f"The threshold is {threshold}; it must be a number.")
    name = f"A threshold of {threshold:g} makes no sense for {kind.label}"
    if kind.two_sided and threshold <= kind.centre:
        raise UsageError(
            f"{name}: it is taken on both sides of {kind.centre:g}, so every neuron would count.",
            f"Give one above {kind.centre:g}; usual is {kind.usual:g}.",
        )
    if kind.written in ("correlation", "probability", "p") and not 0 <= threshold <= 1:
        raise UsageError(f"{name}: it must be between 0 and 1.", f"Usual is {kind.usual:g}.")
    if kind.directed and threshold == 0:
        raise UsageError(f"{name}: every neuron would count.", f"Give one above 0; usual is {kind.usual:g}.")
    return threshold


@dataclass(frozen=True, slots=True)
class LinkedCell:
    """A cell with the neurons behind it."""

    cell: Cell
    link: Link | None = None


@dataclass(slots=True)
class Rows:
    """Rows as they come, for :class:`mechamap.tables.table.Table`."""

    cells: list[tuple[Cell, ...]] = field(default_factory=list)
    links: list[tuple[Link | None, ...]] = field(default_factory=list)

    def add(self, *cells: Cell | LinkedCell) -> None:
        """One row; a cell alone has no neurons behind it."""
        self.cells.append(tuple(cell.cell if isinstance(cell, LinkedCell) else cell for cell in cells))
        self.links.append(tuple(cell.link if isinstance(cell, LinkedCell) else None for cell in cells))

    def table(
        self,
        key: str,
        title: str,
        columns: tuple[Column, ...],
        *,
        about: str = "",
        limit: float | None = None,
        total: int | None = None,
    ) -> Table:
        """The table; with a ``limit`` it can be drawn as a heat map; ``total``: of how many rows, where it was cut."""
        links = tuple(self.links) if any(link for row in self.links for link in row) else ()
        heat = limit is not None
        return Table(key, title, columns, tuple(self.cells), about, links, heat, limit, total=total)


def first_rows(rows: int, total: int) -> str:
    """The sentence that a table has only the first of ``total`` rows; empty where it has them all."""
    return f" The first {rows:,} of {total:,}." if rows < total else ""


def number(value: SupportsFloat) -> float | None:
    """A number as a cell holds it: None where there is none; a float32 keeps only the digits it has."""
    plain = float(str(value)) if isinstance(value, np.float32) else float(value)
    return plain if math.isfinite(plain) else None


def numbers(values: NDArray[np.floating]) -> list[float | None]:
    """:func:`number` of each, ``[n]``, to the seven digits that float32 has."""
    wide = np.asarray(values, np.float64)
    finite = np.isfinite(wide)
    size = np.where(finite & (wide != 0), np.abs(wide), 1)
    unit = 10.0 ** (6 - np.floor(np.log10(size)))
    cells: list[float | None] = (np.round(np.where(finite, wide, 0) * unit) / unit).tolist()
    for index in np.flatnonzero(~finite).tolist():
        cells[index] = None
    return cells
