"""A frequency table: how many neurons there are in each group of a column, or of a pair of columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mechamap.counts.bins import checked_bins
from mechamap.counts.grouping import Binning, Grouping, grouping
from mechamap.errors import UsageError
from mechamap.query.evaluate import Query, matching
from mechamap.query.filters import bracketed
from mechamap.query.link import Link
from mechamap.query.parts import parts_of
from mechamap.query.syntax import parse
from mechamap.runs.run import Run
from mechamap.tables.numbers import cell_text
from mechamap.tables.rows import LinkedCell, Rows, number
from mechamap.tables.table import Cell, Column, Report, Table
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

__all__ = ["COUNT_TABLES", "count_neurons"]


COUNT_TABLES = ("counts", "cross")
_IN_PAIRS = 30  # first tokens that have a row or a column each beside another expression
_WIDEST = 40  # columns of the table of a pair
_NONE = "none"

_NEURONS = Column("neurons", "neurons", "count")
_SHARE = Column("share", "share", "share")
_WHERE = Column("where", "where")


def count_neurons(
    run: Run,
    by: str,
    *,
    where: str | None = None,
    among: NDArray[np.bool_] | None = None,
    category: str | None = None,
    bins: int | None = None,
    cut: str = "auto",
) -> Report:
    """How many neurons there are in each group.

    Args:
        by: one expression of the language of filters, or two with a comma between: ``layer``, ``reads.food``,
            ``layer, best``. A number is cut into bins, a condition gives two groups.
        where: a filter; only the neurons that it keeps are counted.
        among: only these are, ``[neurons]``; the filters of the rows do not say so.
        category: the current one, meant by a figure without a category.
        bins: about how many a number is cut into.
        cut: where: ``round`` numbers, ``quantile``; ``auto``: as suits the figure.

    Returns:
        A report with the table ``counts``, a row for each group that has neurons, and of a pair the table ``cross``.

    Raises:
        QueryError: an expression makes no sense on the run.
        UsageError: there are more than two expressions, or the bins are out of range.
    """
    way = checked_bins(bins, cut)
    nodes, names = parse(by, run.categories), parts_of(by, run.categories)
    if len(nodes) > 2:
        raise UsageError(f"{quantity(len(nodes), 'column')} were named to count by.", "Name one, or a pair.")
    binning = Binning(bins, way, _IN_PAIRS if len(nodes) == 2 else Binning().most_tokens)
    query = Query(run, by, category)
    groups = [grouping(query, node, name, binning) for node, name in zip(nodes, names, strict=True)]
    counted = run.complete_rows if where is None else matching(run, where, category)  # [neurons]
    if among is not None:
        counted = counted & among
    return _Frequencies(run, groups, counted, where or "", category or "").report()


class _Frequencies:
    """The counts of one or two groupings.

    Args:
        counted: which neurons are counted, ``[neurons]``.
        where, category: of the filter that they are.
    """

    def __init__(self, run: Run, groups: list[Grouping], counted: NDArray[np.bool_], where: str, category: str) -> None:
        self._run, self._groups, self._where, self._category = run, groups, where.strip(), category
        self._total = int(np.count_nonzero(counted))
        sizes = [len(group.labels) for group in groups]
        places = groups[0].places.astype(np.int32)
        if len(groups) == 2:
            places = places * sizes[1] + groups[1].places
        self._counts = np.bincount(places[counted], minlength=int(np.prod(sizes))).reshape(sizes)  # [first(, second)]

    def report(self) -> Report:
        names = " x ".join(printable(group.name) for group in self._groups)
        of = f", where {printable(self._where)}" if self._where else ""
        title = f"{self._run.name}: {quantity(self._total, 'neuron')} by {names}{of}"
        tables = (self._single(),) if len(self._groups) == 1 else (self._cross(), self._pairs())
        run = str(self._run.path) if self._run.path is not None else self._run.name
        return Report(title, tables, (), (run,), main="counts")

    def _single(self) -> Table:
        (group,) = self._groups
        rows = Rows()
        for place in np.flatnonzero(self._counts).tolist():
            count = int(self._counts[place])
            condition = self._filter(place)
            cell = LinkedCell(count, self._link(condition))
            rows.add(_label(group, place), cell, number(count / self._total), condition)
        columns = (_column(group), _NEURONS, _SHARE, _WHERE)
        return rows.table("counts", f"Neurons by {printable(group.name)}", columns)

    def _pairs(self) -> Table:
        """A row for each pair that has neurons."""
        first, second = self._groups
        sums = self._counts.sum(axis=1), self._counts.sum(axis=0)  # [first], [second]
        rows = Rows()
        for one, other in np.argwhere(self._counts).tolist():
            count, condition = int(self._counts[one, other]), self._filter(one, other)
            expected = float(sums[0][one]) * float(sums[1][other]) / self._total
            rows.add(
                _label(first, one),
                _label(second, other),
                LinkedCell(count, self._link(condition)),
                number(count / self._total),
                number(round(expected, 3)),
                number(round(count / expected, 4)),
                condition,
            )
        columns = (
            _column(first),
            _column(second, first.name),
            _NEURONS,
            _SHARE,
            Column("expected", "expected", "number"),
            Column("ratio", "ratio", "number"),
            _WHERE,
        )
        about = (
            "expected: what the pair would have if the two had nothing to do with each other, the sum of its row times "
            "that of its column, divided by all; ratio: how many times as many it has."
        )
        return replace(rows.table("counts", "Neurons by pair", columns, about=about), stubs=2)

    def _cross(self) -> Table:
        """The pairs as a table of the first by the second."""
        first, second = self._groups
        shown = np.flatnonzero(self._counts.sum(axis=0)).tolist()
        left, shown = shown[_WIDEST:], shown[:_WIDEST]
        rows = Rows()
        for one in np.flatnonzero(self._counts.sum(axis=1)).tolist():
            label = cell_text(_label(first, one), first.kind)
            cells = [self._cell(one, other) for other in shown]
            rows.add(LinkedCell(label, self._link(self._filter(one))), *cells)
        titles = [cell_text(_label(second, other), second.kind) for other in shown]
        keys = [title if title != first.name else f"{title} (2)" for title in titles]
        columns = (
            Column(first.name, printable(first.name)),
            *(Column(key, title, "count") for key, title in zip(keys, titles, strict=True)),
        )
        about = f"{quantity(len(left), 'column')} more in the table counts." if left else ""
        largest = float(self._counts.max(initial=0))
        title = f"{printable(first.name)} by {printable(second.name)}"
        return rows.table("cross", title, columns, about=about, limit=max(largest, 1.0))

    def _cell(self, one: int, other: int) -> LinkedCell:
        count = int(self._counts[one, other])
        return LinkedCell(count, self._link(self._filter(one, other)) if count else None)

    def _filter(self, *places: int) -> str:
        """The filter for the neurons of a cell; empty where it would be too long."""
        filters = [group.filters[place] for group, place in zip(self._groups, places, strict=False)]
        if not all(filters):
            return ""
        return " and ".join(bracketed(each) for each in (self._where, *filters) if each)

    def _link(self, condition: str) -> Link | None:
        return Link(condition, self._category) if condition else None


def _label(group: Grouping, place: int) -> Cell:
    """What a group is called; of the neurons without a value, nothing among numbers, else a word."""
    label = group.labels[place]
    return _NONE if label is None and group.kind == "text" else label


def _column(group: Grouping, taken: str = "") -> Column:
    """The column of a grouping's labels; its key is another one where that is ``taken``."""
    return Column(f"{group.name} (2)" if group.name == taken else group.name, printable(group.name), group.kind)
