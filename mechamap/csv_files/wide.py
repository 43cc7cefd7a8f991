"""The wide layout of a CSV: one row for each neuron, with all of its figures (``mechamap export --wide``)."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.header import CsvHeader
from mechamap.csv_files.neurons import NeuronRows
from mechamap.csv_files.numbers import FigureCells
from mechamap.csv_files.source import CsvSource, RowBlock
from mechamap.csv_files.token_list import TokenNumbers
from mechamap.csv_files.tokens import TokenCells

__all__ = ["WideRows"]


_SIDES = ("", "encoder", "decoder")


class WideRows:
    """The rows of a file in the wide layout."""

    threshold = 0.2  # the default with which scans list neurons

    def __init__(self, source: CsvSource, header: CsvHeader) -> None:
        self._header = header
        self.neurons = NeuronRows(source, header.positions)
        self.categories = header.categories
        numbers = TokenNumbers()
        columns = [name for name in ("top_tokens", "bottom_tokens") if name in header.positions] or ["top_tokens"]
        self._lists = [TokenCells(header.positions.get(name), name, numbers) for name in columns]
        self.tokens = self._lists[0]
        self._numbers = FigureCells(source.delimiter)
        self._columns = {column.name: column.position for column in header.figures}
        self._figures: list[NDArray[np.float32]] = []  # of each block, [rows, columns]
        self._rows: list[int] = []  # of each neuron
        self._sides: dict[int, tuple[str, str]] = {}  # by layer: its side, and the row that gives it

    def add(self, block: RowBlock) -> None:
        """Take the next rows.

        Raises:
            RunError: a cell is wrong, named by row and column, or a neuron comes a second time.
        """
        neurons, first = self.neurons.add(block)  # [rows]
        if len(first) < len(block.rows):
            self._fail_at_second(block, neurons, first)
        self._rows += block.numbers
        for cells in self._lists:
            cells.add(block, first)
        self._figures.append(self._numbers.of(block, self._columns, range(len(block.rows)), empty=True))
        if "side" in self._header.positions:
            self._add_sides(
                block, block.column(self._header.positions["layer"]), block.column(self._header.positions["side"])
            )

    def _fail_at_second(self, block: RowBlock, neurons: NDArray[np.int64], first: list[int]) -> NoReturn:
        second = min({*range(len(block.rows))} - {*first})
        rows = [*self._rows, *(block.numbers[place] for place in first)]
        neuron = int(neurons[second])
        block.fail(
            second,
            "neuron",
            f"{self.neurons.name(neuron)} is already in row {rows[neuron]}",
            "In this layout a neuron has one row: remove one of the two.",
        )

    def _add_sides(self, block: RowBlock, layers: list[str], cells: list[str]) -> None:
        first: dict[tuple[str, str], int] = {}
        for place, pair in enumerate(zip(layers, cells, strict=True)):
            first.setdefault(pair, place)
        for (layer, cell), place in first.items():
            side = cell.strip()
            earlier, earlier_row = self._sides.setdefault(self.neurons.number(layer), (side, block.where(place)))
            if side not in _SIDES:
                block.fail(place, "side", f"{side[:40]!r} is neither encoder nor decoder")
            if earlier != side:
                block.fail(place, "side", f"layer {layer} is {earlier or 'on no side'} in {earlier_row}")

    @property
    def sides(self) -> dict[int, str]:
        """The side of each layer, in a model that has two."""
        return {layer: side for layer, (side, _) in self._sides.items()}

    def figures(self) -> dict[str, NDArray[Any]]:
        """Every figure by name, ``[neurons, ...]``, neurons in the order in which they appear."""
        shape = len(self.neurons), len(self.categories)
        figures: dict[str, NDArray[Any]] = {}
        for place, column in enumerate(self._header.figures):
            values = np.concatenate([block[:, place] for block in self._figures])  # [neurons]
            if column.category is None:
                figures[column.figure] = values
            else:
                table = figures.setdefault(column.figure, np.full(shape, np.nan, np.float32))
                table[:, self.categories.index(column.category)] = values
        if "mean" not in figures:
            figures["mean"] = np.full(shape, np.nan, np.float32)
        for cells in self._lists:
            figures |= cells.figures()
        return figures

    def remarks(self) -> list[str]:
        """Remarks on how the rows were read."""
        header = self._header
        unread = [
            *header.unread,
            *(name for name in ("name", "expert") if name in header.positions and not self.neurons.named),
        ]
        remarks = [f"Columns that were not read: {', '.join(unread)}."] if unread else []
        have = {(column.figure, column.category) for column in header.figures}
        figures = dict.fromkeys(column.figure for column in header.figures if column.category is not None)
        lacking = [f"{figure}.{name}" for figure in figures for name in self.categories if (figure, name) not in have]
        if "mean" not in figures:
            lacking.append("mean")
        if lacking:
            remarks.append(f"Figures that the file does not have: {', '.join(lacking)}.")
        return [*remarks, *self._numbers.remarks(), *(line for cells in self._lists for line in cells.remarks())]
