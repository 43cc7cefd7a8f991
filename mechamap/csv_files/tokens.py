"""The column ``top_tokens`` of a CSV, which is the same in every row of a neuron."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.source import RowBlock
from mechamap.csv_files.token_list import TokenLists, TokenNumbers
from mechamap.wording.amounts import quantity

__all__ = ["TokenCells"]


class TokenCells:
    """The tokens of each neuron, from the first of its rows; none where the file has no such column.

    Args:
        position: where the column stands, None where there is none.
        column: its name: ``top_tokens`` or ``bottom_tokens``.
        numbers: of tokens, shared by columns.
    """

    def __init__(self, position: int | None, column: str, numbers: TokenNumbers | None = None) -> None:
        self._position, self._column = position, column
        self.lists = TokenLists(numbers)
        self._hashes = np.zeros(0, np.int64)  # [neurons] and more, of the cells that were taken
        self._others: dict[int, str] = {}  # neurons with other tokens in another row, and where

    def add(self, block: RowBlock, first: Sequence[int]) -> None:
        """Take the tokens of new neurons.

        Args:
            first: the places of the rows that are a neuron's first.

        Raises:
            RunError: a cell is not a list of tokens, named by row and column.
        """
        cells = block.column(self._position) if self._position is not None else [""] * len(block.rows)
        for row in first:
            try:
                self.lists.add(cells[row])
            except ValueError as error:
                self._fail(block, row, cells[row], error)

    def compare(self, block: RowBlock, neurons: NDArray[np.int64], first: Sequence[int]) -> None:
        """Check that every row of a neuron (``neurons``, ``[rows]``) has the tokens of the first, or none.

        Raises:
            RunError: a cell is not a list of tokens, named by row and column.
        """
        if self._position is None:
            return
        cells = block.column(self._position)
        hashes = np.array([*map(hash, cells)], np.int64)  # [rows]
        if len(self._hashes) < len(self.lists):
            self._hashes = np.concatenate([self._hashes, np.zeros(len(self.lists), np.int64)])
        self._hashes[neurons[first]] = hashes[first]
        for row in np.flatnonzero(hashes != self._hashes[neurons]).tolist():
            neuron = int(neurons[row])
            if neuron in self._others or not cells[row].strip():
                continue
            try:
                same = self.lists.says(neuron, cells[row])
            except ValueError as error:
                self._fail(block, row, cells[row], error)
            if not same:
                self._others[neuron] = block.where(row)

    def _fail(self, block: RowBlock, row: int, cell: str, error: ValueError) -> NoReturn:
        block.fail(row, self._column, f"{cell[:60]!r} is not a list of (token, value) pairs: {error}")

    def figures(self) -> dict[str, NDArray[Any]]:
        """Positions (numbers of tokens; -1: none) and values, ``[neurons, k]``."""
        side = self._column.removesuffix("_tokens")
        positions, values = self.lists.arrays()
        return {f"{side}_values": values, f"{side}_positions": positions}

    def remarks(self) -> list[str]:
        """Remarks on how they were read."""
        remarks = []
        if self._others:
            remarks.append(
                f"{quantity(len(self._others), 'neuron')} with different {self._column} in another row, first "
                f"{next(iter(self._others.values()))}; those of a neuron's first row were taken."
            )
        if longer := self.lists.longer:
            remarks.append(
                f"{quantity(longer, 'neuron')} with more than {self.lists.kept:,} {self._column}: the first "
                f"{self.lists.kept:,} were taken."
            )
        return remarks
