"""Rows of a table put together cell by cell, each with the neurons behind it where there are any."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import SupportsFloat

import numpy as np
from numpy.typing import NDArray

from mechamap.tables.table import Cell, Column, Link, Table

__all__ = ["Behind", "Rows", "first_rows", "number", "numbers"]


@dataclass(frozen=True, slots=True)
class Behind:
    """A cell with the neurons behind it."""

    cell: Cell
    link: Link | None = None


@dataclass(slots=True)
class Rows:
    """Rows as they come, for :class:`mechamap.tables.table.Table`."""

    cells: list[tuple[Cell, ...]] = field(default_factory=list)
    links: list[tuple[Link | None, ...]] = field(default_factory=list)

    def add(self, *cells: Cell | Behind) -> None:
        """One row; a cell alone has no neurons behind it."""
        self.cells.append(tuple(cell.cell if isinstance(cell, Behind) else cell for cell in cells))
        self.links.append(tuple(cell.link if isinstance(cell, Behind) else None for cell in cells))

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
    """The sentence that a table has only the first rows of so many; empty where it has them all."""
    return f" The first {rows:,} of {total:,}." if rows < total else ""


def number(value: SupportsFloat) -> float | None:
    """A number as a cell holds it: None where there is none; of a float32 the digits that it has."""
    plain = float(str(value)) if isinstance(value, np.float32) else float(value)
    return plain if math.isfinite(plain) else None


def numbers(values: NDArray[np.floating]) -> list[float | None]:
    """:func:`number` of each, ``[n]``, to the seven digits that float32 has."""
    wide = np.asarray(values, np.float64)
    there = np.isfinite(wide)
    size = np.where(there & (wide != 0), np.abs(wide), 1)
    unit = 10.0 ** (6 - np.floor(np.log10(size)))
    cells: list[float | None] = (np.round(np.where(there, wide, 0) * unit) / unit).tolist()
    for at in np.flatnonzero(~there).tolist():
        cells[at] = None
    return cells
