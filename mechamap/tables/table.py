"""Tables of what runs say, before any format: typed columns, rows of plain values, and the neurons behind each cell."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias

from mechamap.query.link import Link

__all__ = ["Cell", "Column", "Kind", "Report", "Table", "Values", "report_from_dict", "report_to_dict"]


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


@dataclass(frozen=True, slots=True)
class Column:
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

    def to_dict(self) -> dict[str, Any]:
        """In plain values; :meth:`from_dict` reads it back."""
        columns = [[column.key, column.title, column.kind] for column in self.columns]
        links = [[link and asdict(link) for link in row] for row in self.links]
        rows = [[_plain(cell) for cell in row] for row in self.rows]
        return {
            "key": self.key, "title": self.title, "columns": columns, "rows": rows, "about": self.about,
            "links": links, "heat": self.heat, "limit": self.limit, "stubs": self.stubs, "total": self.total,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Table:
        return cls(
            key=data["key"],
            title=data["title"],
            columns=tuple(Column(*column) for column in data["columns"]),
            rows=tuple(tuple(map(_cell, row)) for row in data["rows"]),
            about=data["about"],
            links=tuple(tuple(Link(**link) if link else None for link in row) for row in data["links"]),
            heat=data["heat"],
            limit=data["limit"],
            stubs=data["stubs"],
            total=data["total"],
        )


def _plain(cell: Cell) -> Any:
    if isinstance(cell, Values):
        return {"numbers": [*cell.numbers], "kind": cell.kind}
    return [*cell] if isinstance(cell, tuple) else cell


def _cell(plain: Any) -> Cell:
    if isinstance(plain, dict):
        return Values(tuple(plain["numbers"]), plain["kind"])
    cell: Cell = tuple(plain) if isinstance(plain, list) else plain
    return cell


@dataclass(frozen=True, slots=True)
class Report:
    """What is said about one run, or about several.

    Attributes:
        title: what it is about, in a line.
        tables: in the order that people read them.
        remarks: what has to be known with the numbers, a sentence each.
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


def report_to_dict(report: Report) -> dict[str, Any]:
    """A report in plain values, as it goes from the engine to the explorer."""
    return {
        "title": report.title,
        "tables": [table.to_dict() for table in report.tables],
        "remarks": list(report.remarks),
        "runs": list(report.runs),
        "main": report.main,
    }


def report_from_dict(data: Mapping[str, Any]) -> Report:
    """What :func:`report_to_dict` gave."""
    tables: Sequence[Mapping[str, Any]] = data["tables"]
    return Report(
        title=data["title"],
        tables=tuple(map(Table.from_dict, tables)),
        remarks=tuple(data["remarks"]),
        runs=tuple(data["runs"]),
        main=data["main"],
    )
