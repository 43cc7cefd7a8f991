"""The wide layout of a CSV: one row for each neuron, with all of its figures (``mechamap export --wide``)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_header import CsvHeader
from mechamap.csv_neurons import NeuronRows
from mechamap.csv_numbers import FigureCells
from mechamap.csv_source import CsvSource, RowBlock
from mechamap.csv_tokens import TokenCells
from mechamap.token_list import TokenNumbers

__all__ = ["WideRows"]

_SIDES = ("", "encoder", "decoder")


class WideRows:
    """What the rows of such a file say."""

    threshold = 0.2  # what scans list neurons with where they are not told otherwise

    def __init__(self, source: CsvSource, header: CsvHeader) -> None:
        self._header = header
        self.neurons = NeuronRows(source, header.at)
        self.categories = header.categories
        numbers = TokenNumbers()
        columns = [name for name in ("top_tokens", "bottom_tokens") if name in header.at] or ["top_tokens"]
        self._lists = [TokenCells(header.at.get(name), name, numbers) for name in columns]
        self.tokens = self._lists[0]
        self._numbers = FigureCells(source.delimiter)
        self._figures: list[NDArray[np.float32]] = []  # of each block, [columns, rows]
        self._rows: list[int] = []  # of each neuron
        self._sides: dict[int, tuple[str, str]] = {}  # by layer: its side, and the row that said so

    def add(self, block: RowBlock) -> None:
        """Take the next rows.

        Raises:
            RunError: a cell that makes no sense, named by row and column, or a neuron for the second time.
        """
        columns = block.columns()
        neurons, first = self.neurons.add(block, columns)  # [rows]
        if len(first) < len(block.rows):
            at = next(place for place in range(len(block.rows)) if place not in set(first))
            self._rows += [block.numbers[place] for place in first]
            neuron = int(neurons[at])
            block.fail(
                at,
                "neuron",
                f"{self.neurons.name(neuron)} is in row {self._rows[neuron]} already",
                "In this layout a neuron has one row: remove one of the two.",
            )
        self._rows += block.numbers
        for cells in self._lists:
            cells.add(block, columns, first)
        places = range(len(block.rows))
        self._figures.append(
            np.stack(
                [
                    self._numbers.of(block, column.name, columns[column.at], places, empty=True)
                    for column in self._header.figures
                ]
            )
        )
        if "side" in self._header.at:
            self._add_sides(block, columns[self._header.at["layer"]], columns[self._header.at["side"]])

    def _add_sides(self, block: RowBlock, layers: tuple[str, ...], cells: tuple[str, ...]) -> None:
        first: dict[tuple[str, str], int] = {}
        for place, pair in enumerate(zip(layers, cells, strict=True)):
            first.setdefault(pair, place)
        for (layer, cell), place in first.items():
            side = cell.strip()
            its, where = self._sides.setdefault(self.neurons.number(layer), (side, block.where(place)))
            if side not in _SIDES:
                block.fail(place, "side", f"{side[:40]!r} is neither encoder nor decoder")
            if its != side:
                block.fail(place, "side", f"layer {layer} is {its or 'on no side'} in {where}")

    @property
    def sides(self) -> dict[int, str]:
        """The side of each layer, in a model that has two."""
        return {layer: side for layer, (side, _) in self._sides.items()}

    def figures(self) -> dict[str, NDArray[Any]]:
        """Every figure by name, ``[neurons, ...]``, neurons in the order that they come."""
        values = np.concatenate(self._figures, axis=1)  # [columns, neurons]
        found: dict[str, NDArray[Any]] = {}
        shape = values.shape[1], len(self.categories)
        for column, its in zip(self._header.figures, values, strict=True):
            if column.category is None:
                found[column.figure] = its
                continue
            table = found.setdefault(
                column.figure, np.full((values.shape[1], len(self.categories)), np.nan, np.float32)
            )
            table[:, self.categories.index(column.category)] = its
        if "mean" not in found:
            found["mean"] = np.full(shape, np.nan, np.float32)
        for cells in self._lists:
            found |= cells.figures()
        return found

    def remarks(self) -> list[str]:
        """What is to be said of how the rows were read."""
        header = self._header
        others = [
            *header.others,
            *(name for name in ("name", "expert") if name in header.at and not self.neurons.named),
        ]
        said = [f"Columns that were not read: {', '.join(others)}."] if others else []
        have = {(column.figure, column.category) for column in header.figures}
        figures = dict.fromkeys(column.figure for column in header.figures if column.category is not None)
        lacking = [f"{figure}.{name}" for figure in figures for name in self.categories if (figure, name) not in have]
        if "mean" not in figures:
            lacking.append("mean")
        if lacking:
            said.append(f"Figures that are not in it: {', '.join(lacking)}.")
        return [*said, *self._numbers.remarks(), *(line for cells in self._lists for line in cells.remarks())]
