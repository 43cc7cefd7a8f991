"""Tables independent of any format: typed columns, rows of plain values, and the neurons behind each cell.

A report goes from the engine to the explorer as :func:`mechamap.protocol.messages.plain` writes it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import Struct

from mechamap.query.link import Link

__all__ = ["Cell", "Column", "Kind", "Report", "Table", "Values"]


# What a column holds, which says how it is written: see mechamap.tables.numbers.
Kind: TypeAlias = Literal[
    "text",  # as it stands
    "neuron",  # a neuron's name, L7.N1844
    "tokens",  # the pieces of text that a neuron is highest at: a tuple of strings
    "count",  # a number of things
    "number",  # any number, signed only where it is negative
    "signed",  # any number, always with its sign
    "correlation",  # within -1 and 1, with its sign
    "probability",  # within 0 and 1
    "p",  # a probability of which the small ones matter
    "share",  # within 0 and 1, written as a percentage
    "effect",  # a change of log probability
    "feature",  # the number of a feature of words
]


@dataclass(frozen=True, slots=True)
class Values:
    """Numbers of one cell.

    Attributes:
        numbers: None where there is none.
        kind: how each is written.
    """

    numbers: tuple[float | None, ...]
    kind: Kind


# None: there is nothing to say; a float is never NaN or infinite.
Cell: TypeAlias = str | int | float | bool | tuple[str, ...] | Values | None


class Column(Struct, frozen=True, array_like=True):
    """``key`` is what programs call it (JSON, CSV), ``title`` what people read."""

    key: str
    title: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Table:
    """One table.

    Attributes:
        key: what programs call it.
        title: what people read, without a full stop.
        columns: the first say what each row is about.
        rows: as many cells each as there are columns.
        about: how it was worked out and what it cannot say, in a sentence or two; empty where that is plain.
        links: for each row, for each of its cells, the neurons behind it or None; empty: there are none anywhere.
        heat: whether the columns behind the first are alike, so that the table can be drawn as a heat map.
        limit: of a heat map, the value whose colour is full; None: the largest there is.
        stubs: how many of the first columns say what a row is about, and stand in front wherever the table is broken.
        total: how many rows there would be, of a table that was cut as it was made; None: these are all.
    """

    key: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    about: str = ""
    links: tuple[tuple[Link | None, ...], ...] = ()
    heat: bool = False
    limit: float | None = None
    stubs: int = 1
    total: int | None = None

    def __post_init__(self) -> None:
        if self.total is not None and self.total < len(self.rows):
            raise ValueError(f"{self.key}: {len(self.rows)} rows are more than the {self.total} that there are")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"{self.key}: a row has {len(row)} cells under {len(self.columns)} columns")
            if any(isinstance(cell, float) and not math.isfinite(cell) for cell in row):
                raise ValueError(f"{self.key}: a cell is not finite: {row}")

    @property
    def every_row(self) -> int:
        """How many rows there are, with those that were left out as it was made."""
        return len(self.rows) if self.total is None else self.total

    def link(self, row: int, column: int) -> Link | None:
        """The neurons behind a cell."""
        return self.links[row][column] if self.links else None


@dataclass(frozen=True, slots=True)
class Report:
    """A report about one run, or about several.

    Attributes:
        title: what it is about, in a line.
        tables: in the order that people read them.
        remarks: what qualifies the numbers, a sentence each.
        runs: names or paths of the runs that links lead to.
        main: the key of the table that stands for the whole where a format holds one table; empty: the first.
    """

    title: str
    tables: tuple[Table, ...]
    remarks: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    main: str = ""

    def table(self, key: str) -> Table | None:
        return next((table for table in self.tables if table.key == key), None)
