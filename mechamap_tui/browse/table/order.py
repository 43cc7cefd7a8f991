"""Which neurons the table shows, and in what order: an index into the rows of a run.

Nothing is copied and nothing is drawn here. The sorted order of all neurons is kept, so that a filter only picks
from it (milliseconds at millions of rows), and only another sort or new rows sort again. Who draws may do that sort
beside the screen's thread: :attr:`NeuronOrder.sorting` is what is to be done, :meth:`NeuronOrder.take` its end.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.views.sort_key import SortKey
from mechamap_tui.browse.table.sorting import sorted_rows

__all__ = ["NeuronOrder", "SortKey", "Sorting", "sort_keys"]


KEPT = 4  # orders of all neurons, so that what is undone is there at once


def sort_keys(columns: str, known: Collection[str]) -> tuple[SortKey, ...]:
    """Columns as :func:`mechamap.query.evaluate.sorted_rows` takes them (``-reads.food,layer``), the known ones."""
    keys = []
    for part in filter(None, map(str.strip, columns.split(","))):
        name = part.removeprefix("-").strip()
        name = name if name in known else name.partition(".")[0]
        if name in known:
            keys.append(SortKey(name, part.startswith("-")))
    return tuple(keys)


@dataclass(frozen=True, slots=True)
class Sorting:
    """A sort that is to be done.

    Attributes:
        columns: give the values of each key's column, most important first, and whether they go downwards.
    """

    columns: tuple[tuple[Callable[[], NDArray[Any]], bool], ...]

    def rows(self) -> NDArray[np.int64]:
        """All rows in order, ``[neurons]``; may be called from any thread."""
        return sorted_rows(*(_ascending(values(), descending=descending) for values, descending in self.columns))


def _ascending(values: NDArray[Any], *, descending: bool) -> NDArray[Any]:
    """Values that sort as asked when sorted upwards, NaN last."""
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "u":
        values = values.astype(np.int64)
    elif values.dtype.kind == "b":
        values = values.astype(np.int8)
    return -values if descending else values


class NeuronOrder:
    """The rows shown, top to bottom.

    Args:
        neurons: number of rows of the run.
        values: the values of a column, one per neuron; NaN sorts last in either direction.
        default: how the table is sorted by default.
        beside: whether sorts are done elsewhere: until then the rows stay as they were.
    """

    def __init__(
        self,
        neurons: int,
        values: Callable[[str], NDArray[Any]],
        default: tuple[SortKey, ...],
        *,
        beside: bool = False,
    ) -> None:
        self.neurons = neurons
        self.values = values
        self.default = default
        self._beside = beside
        self._sorting: Sorting | None = None
        self._last: NDArray[np.int64] = np.empty(0, np.int64)
        self.keys = default
        self._before: tuple[SortKey, ...] = default
        self._masks: dict[str, NDArray[np.bool_]] = {}
        self._available: NDArray[np.bool_] | None = None
        self._sorted: NDArray[np.int64] | None = None
        self._version: Hashable = None
        self._kept: dict[tuple[Hashable, tuple[SortKey, ...]], NDArray[np.int64]] = {}  # the last ones, sorted
        self._rows: NDArray[np.int64] | None = None
        self._places: NDArray[np.int64] | None = None

    # --- what is shown ---------------------------------------------------------------------------------------

    @property
    def rows(self) -> NDArray[np.int64]:
        """Rows shown, in order; where a sort is waited for, those of before."""
        if self._rows is None:
            if self.waits:
                return self._last
            self._rows = self._last = self._picked(*self._masks.values())
        return self._rows

    @property
    def rows_now(self) -> NDArray[np.int64]:
        """Rows shown, in order; a sort that is waited for is done at once, as for what is written to a file."""
        return self._picked(*self._masks.values())

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def count(self) -> int:
        """How many rows pass the filters, those that are not shown yet included."""
        if not self.waits:
            return len(self.rows)
        mask = self._mask(*self._masks.values())
        return self.neurons if mask is None else int(np.count_nonzero(mask))

    @property
    def passing(self) -> NDArray[np.bool_] | None:
        """Which rows pass the filters, ``[neurons]``; None: all."""
        return self._mask(*self._masks.values())

    def shows(self, row: int) -> bool:
        """Whether a neuron passes the filters."""
        masks = [*self._masks.values()] if self._available is None else [self._available, *self._masks.values()]
        return all(bool(mask[row]) for mask in masks)

    @property
    def available(self) -> int:
        """How many rows there are to show before any filter."""
        return self.neurons if self._available is None else int(np.count_nonzero(self._available))

    def place_of(self, row: int) -> int | None:
        """The line on which a neuron stands, or None where it is not shown."""
        if self._places is None:
            places = np.full(self.neurons, -1, dtype=np.int64)
            places[self.rows] = np.arange(len(self.rows))
            self._places = places
        place = int(self._places[row])
        return place if place >= 0 else None

    def matching(self, mask: NDArray[np.bool_] | None = None) -> NDArray[np.int64]:
        """All available rows in the table's order, of those in ``mask`` where given; the filters do not count."""
        return self._picked() if mask is None else self._picked(mask)

    # --- filters ---------------------------------------------------------------------------------------------

    @property
    def filters(self) -> frozenset[str]:
        """Names of the filters that are on."""
        return frozenset(self._masks)

    def set_available(self, mask: NDArray[np.bool_] | None) -> None:
        """Set which rows have been computed (None: all); where that changes, the order is made again."""
        if mask is None and self._available is None:
            return
        self._available = mask
        self.values_changed()

    def set_filter(self, name: str, mask: NDArray[np.bool_] | None) -> None:
        """Show only rows that are in ``mask`` (and in those of the other filters); None removes the filter."""
        if mask is None:
            if self._masks.pop(name, None) is None:
                return
        else:
            self._masks[name] = mask
        self._forget_rows()

    # --- sorting ---------------------------------------------------------------------------------------------

    def sort(self, *keys: SortKey) -> None:
        """Sort by the first key, ties by the next ones, and finally by row."""
        keys = keys or self.default
        if keys != self.keys:
            self.keys = keys
            self._sort_again()

    def set_default(self, *keys: SortKey) -> None:
        """Sort by these by default from now on; at once, where the rows are sorted by default now."""
        was, self.default = self.default, keys
        if self._before == was:
            self._before = keys
        if self.keys == was:
            self.sort()

    def cycle(self, column: str, *, descending: bool = True) -> None:
        """Sort by a column: down (or in the direction given), then the other way, then as before."""
        first, begin = self.keys[0], SortKey(column, descending)
        if first.column != column or len(self.keys) > 1:
            self._before = self.keys
            self.sort(begin)
        elif first == begin:
            self.sort(begin.flipped())
        else:
            before = self._before if self._before[0].column != column else self.default
            self.sort(*before)

    def cycle_further(self, column: str, *, descending: bool = True) -> None:
        """Break ties by another column: down (or in the direction given), then the other way, then not at all.

        The columns before and behind it stay; the only one is turned round.
        """
        begin = SortKey(column, descending)
        place = next((place for place, key in enumerate(self.keys) if key.column == column), None)
        if place is None:
            self.sort(*self.keys, begin)
            return
        key, before, behind = self.keys[place], self.keys[:place], self.keys[place + 1 :]
        if key == begin or len(self.keys) == 1:
            self.sort(*before, key.flipped(), *behind)
        else:
            self.sort(*before, *behind)

    def values_changed(self) -> None:
        """The sorted columns have other values now."""
        self._kept.clear()
        self._sort_again()

    def values_of(self, version: Hashable, *, others: bool = True) -> None:
        """The columns have the values of a version now, such as a category's; the last orders are kept.

        Args:
            others: whether the columns that the rows are sorted by have other values than before.
        """
        self._version = version
        if others:
            self._sort_again()
        elif self._sorted is not None:
            self._kept[version, self.keys] = self._sorted

    def _sort_again(self) -> None:
        self._sorted, self._sorting = self._kept.get((self._version, self.keys)), None
        self._forget_rows()

    @property
    def waits(self) -> bool:
        """Whether a sort is to be done beside."""
        return self._beside and self._sorted is None

    @property
    def sorting(self) -> Sorting:
        """The sort that is to be done now; the same until keys or values change."""
        if self._sorting is None:
            self._sorting = Sorting(tuple((partial(self.values, key.column), key.descending) for key in self.keys))
        return self._sorting

    def take(self, sorting: Sorting, rows: NDArray[np.int64]) -> bool:
        """Take over what a sort gave, unless another one is asked for by now; whether it was taken."""
        if sorting is not self._sorting:
            return False
        self._sorted = self._kept[self._version, self.keys] = rows
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        self._forget_rows()
        return True

    # --- how -------------------------------------------------------------------------------------------------

    def _forget_rows(self) -> None:
        self._rows = None
        self._places = None

    def _mask(self, *masks: NDArray[np.bool_]) -> NDArray[np.bool_] | None:
        """The rows that are available and in all masks; None: all."""
        kept = list(masks) if self._available is None else [self._available, *masks]
        if not kept:
            return None
        mask = kept[0]
        for other in kept[1:]:
            mask = mask & other
        return mask

    def _picked(self, *masks: NDArray[np.bool_]) -> NDArray[np.int64]:
        if self._sorted is None:
            self.take(self.sorting, self.sorting.rows())
        assert self._sorted is not None
        mask = self._mask(*masks)
        return self._sorted if mask is None else self._sorted[np.take(mask, self._sorted)]
