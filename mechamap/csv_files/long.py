"""The long layout of a CSV, the original tool's: a row per neuron and category, and one for a neuron that has none."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.header import COLUMNS, CsvHeader
from mechamap.csv_files.neurons import NeuronRows
from mechamap.csv_files.numbers import FigureCells
from mechamap.csv_files.source import CsvSource, RowBlock
from mechamap.csv_files.tokens import TokenCells
from mechamap.wording.amounts import quantity
from mechamap.wording.spreadsheet import as_read

__all__ = ["LongRows"]


_THRESHOLD = 0.2  # what such files are written with by default
_MOST = 2**28  # mean activations, of neurons times categories, of which most may be missing
_MISSING = frozenset(("", "nan", "na", "n/a", "<na>", "#n/a", "null", "none"))
_SPARSE = 64  # with more, how many may be missing for one that is there


class _Categories(dict[str, int]):
    """Categories numbered as they first appear; no category is -1."""

    def __init__(self) -> None:
        super().__init__({"": -1})

    def __missing__(self, name: str) -> int:
        number = self[name] = len(self) - 1
        return number


class LongRows:
    """The rows of a file in the long layout."""

    def __init__(self, source: CsvSource, header: CsvHeader) -> None:
        self._header = header
        self.neurons = NeuronRows(source, header.positions)
        self.tokens = TokenCells(header.positions.get("top_tokens"), "top_tokens")
        self._category, self._mean = header.positions["category"], header.positions["avg_activation"]
        self._numbers = FigureCells(source.delimiter)
        self._categories = _Categories()
        self._means = np.full((0, 0), np.nan, np.float32)  # [neurons, categories] and more, so that it grows seldom
        self._listed = np.zeros((0, 0), np.bool_)  # likewise: where a row gave a mean
        self._bare = np.zeros(0, np.bool_)  # [neurons] and more: which have a row without a category
        self._counts: list[NDArray[np.float32]] = []  # of the new neurons of each block: over how many tokens
        self._given = 0  # rows with a category
        self._again = 0
        self._first_again = ""
        self._missing = 0
        self._first_missing = ""

    def add(self, block: RowBlock) -> None:
        """Take the next rows.

        Raises:
            RunError: a cell that makes no sense, named by row and column.
        """
        neurons, first = self.neurons.add(block)  # [rows]
        if self.neurons.named and (counts := self._header.positions.get("tokens")) is not None:
            self._counts.append(self._numbers.of(block, {"tokens": counts}, first, empty=True)[:, 0])
        self.tokens.add(block, first)
        self.tokens.compare(block, neurons, first)
        names = self._without_missing(block)
        categories = np.array([*map(self._categories.__getitem__, names)], np.int64)  # [rows]
        rows, bare = np.flatnonzero(categories >= 0), np.flatnonzero(categories < 0)
        self._given += len(rows)
        self._make_room(block)
        for row in bare.tolist():
            if not _is_missing(mean := block.rows[row][self._mean]):
                block.fail(row, "category", f"is empty although avg_activation is {mean[:40]!r}")
        self._bare[neurons[bare]] = True
        if len(rows):
            means = self._numbers.of(block, {"avg_activation": self._mean}, rows.tolist())[:, 0]
            self._put(block, rows, neurons[rows], categories[rows], means)

    def _without_missing(self, block: RowBlock) -> list[str]:
        """The categories of a block's rows; ``NaN`` and the like, where the mean is so too, are none."""
        names = block.column(self._category)
        distinct = {*names} - {""}
        if any(name.startswith("'") for name in distinct):
            names = [as_read(name) for name in names]
        if not any(map(_is_missing, distinct)):
            return names
        for row, name in enumerate(names):
            if name and _is_missing(name) and _is_missing(block.rows[row][self._mean]):
                self._missing += 1
                self._first_missing = self._first_missing or f"{name.strip()!r} in {block.where(row)}"
                names[row] = ""
        return names

    def _put(
        self,
        block: RowBlock,
        rows: NDArray[np.int64],
        neurons: NDArray[np.int64],
        categories: NDArray[np.int64],
        means: NDArray[np.float32],
    ) -> None:
        places = neurons * self._listed.shape[1] + categories  # [rows]
        _, first = np.unique(places, return_index=True)
        again = self._listed[neurons, categories]  # [rows]
        again[np.setdiff1d(np.arange(len(places)), first, assume_unique=True)] = True
        if again.any():
            self._again += int(again.sum())
            first_again = int(rows[int(np.argmax(again))])
            self._first_again = self._first_again or block.where(first_again)
        self._means[neurons, categories] = means  # of several, the last stays
        self._listed[neurons, categories] = True

    def _make_room(self, block: RowBlock) -> None:
        """Grow the tables until they hold every neuron and category so far."""
        need = len(self.neurons), len(self._categories) - 1
        if need[0] * need[1] > max(_MOST, _SPARSE * self._given):
            block.source.fail(
                f", up to {block.where(len(block.rows) - 1)}, has {need[1]:,} different categories for {need[0]:,} "
                "neurons: more than fit in memory",
                "Check that the column category holds categories.",
            )
        have = self._means.shape
        if need[0] > have[0] or need[1] > have[1]:
            shape = _grown(need[0], have[0]), _grown(need[1], have[1])
            means = np.full(shape, np.nan, np.float32)
            means[: have[0], : have[1]] = self._means
            listed = np.zeros(shape, np.bool_)
            listed[: have[0], : have[1]] = self._listed
            self._means, self._listed = means, listed
            self._bare = np.concatenate([self._bare, np.zeros(shape[0] - have[0], np.bool_)])

    @property
    def categories(self) -> tuple[str, ...]:
        """In the order in which they appear."""
        return tuple(self._categories)[1:]

    @property
    def sides(self) -> dict[int, str]:
        """The side of each layer, which this layout does not give."""
        return {}

    @property
    def threshold(self) -> float:
        """The mean at which a neuron was listed; all that the file lists are at or above it."""
        finite = self._means[np.isfinite(self._means)]
        return min(_THRESHOLD, float(finite.min()) if len(finite) else _THRESHOLD)

    def figures(self) -> dict[str, NDArray[Any]]:
        """Every figure by name, ``[neurons, ...]``, neurons in the order in which they appear."""
        means = self._means[: len(self.neurons), : len(self._categories) - 1]
        return {"mean": means, **self.tokens.figures(), **self._token_counts()}

    def _token_counts(self) -> dict[str, NDArray[Any]]:
        return {"tokens": np.concatenate(self._counts)} if self._counts else {}

    def remarks(self) -> list[str]:
        """Remarks on how the rows were read."""
        positions = self._header.positions
        read = {*COLUMNS, *(("name", "tokens") if self.neurons.named else ())}
        unread = [
            *self._header.unread,
            *(name for name in ("name", "tokens") if name in positions and name not in read),
        ]
        remarks = [f"Columns that were not read: {', '.join(unread)}."] if unread else []
        if self._missing:
            remarks.append(
                f"{quantity(self._missing, 'row')} whose category and mean are missing, first {self._first_missing}: "
                "read as rows without a category."
            )
        if spaced := [name for name in self.categories if name != name.strip()]:
            remarks.append(f"Categories with spaces around their names; the spaces were kept: {spaced[0][:40]!r}.")
        remarks += [*self._numbers.remarks(), *self.tokens.remarks()]
        bare, listed = self._bare[: len(self.neurons)], self._listed[: len(self.neurons)].any(axis=1)
        if self._again:
            rows = "1 row gives" if self._again == 1 else f"{self._again:,} rows give"
            remarks.append(
                f"{rows} a neuron and category a second time, first {self._first_again}; the last was taken."
            )
        if (both := np.flatnonzero(bare & listed)).size:
            remarks.append(
                f"{quantity(both.size, 'neuron')} with rows both under a category and under none, such as "
                f"{self.neurons.name(int(both[0]))}: their categories were taken."
            )
        return remarks


def _is_missing(cell: str) -> bool:
    """Whether a cell stands for a missing value, as pandas, R and databases write it."""
    return cell.strip().lower() in _MISSING


def _grown(need: int, have: int) -> int:
    """How long a table of length ``have`` should be where ``need`` are needed."""
    return max(need, have * 3 // 2) if need > have else have
