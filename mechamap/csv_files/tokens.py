"""The column ``top_tokens`` of a CSV, which says the same in every row of a neuron."""

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
        at: the place of the column, None where there is none.
        column: its name: ``top_tokens`` or ``bottom_tokens``.
        numbers: of tokens, shared by columns.
    """

    def __init__(self, at: int | None, column: str, numbers: TokenNumbers | None = None) -> None:
        self._at, self._column = at, column
        self.lists = TokenLists(numbers)
        self._hashes = np.zeros(0, np.int64)  # [neurons] and more, of the cells that were taken
        self._others: dict[int, str] = {}  # neurons with other tokens in another row, and where

    def add(self, block: RowBlock, first: Sequence[int]) -> None:
        """Take the tokens of new neurons.

        Args:
            first: the places of the rows that are a neuron's first.

        Raises:
            RunError: a cell is no list of tokens, named by row and column.
        """
        cells = block.column(self._at) if self._at is not None else [""] * len(block.rows)
        for at in first:
            try:
                self.lists.add(cells[at])
            except ValueError as error:
                self._fail(block, at, cells[at], error)

    def compare(self, block: RowBlock, neurons: NDArray[np.int64], first: Sequence[int]) -> None:
        """See that every row of a neuron (``neurons``, ``[rows]``) says what its first did, or nothing.

        Raises:
            RunError: a cell is no list of tokens, named by row and column.
        """
        if self._at is None:
            return
        cells = block.column(self._at)
        hashes = np.array([*map(hash, cells)], np.int64)  # [rows]
        if len(self._hashes) < len(self.lists):
            self._hashes = np.concatenate([self._hashes, np.zeros(len(self.lists), np.int64)])
        self._hashes[neurons[first]] = hashes[first]
        for at in np.flatnonzero(hashes != self._hashes[neurons]).tolist():
            neuron = int(neurons[at])
            if neuron in self._others or not cells[at].strip():
                continue
            try:
                same = self.lists.says(neuron, cells[at])
            except ValueError as error:
                self._fail(block, at, cells[at], error)
            if not same:
                self._others[neuron] = block.where(at)

    def _fail(self, block: RowBlock, at: int, cell: str, error: ValueError) -> NoReturn:
        block.fail(at, self._column, f"{cell[:60]!r} is not a list of (token, value) pairs: {error}")

    def figures(self) -> dict[str, NDArray[Any]]:
        """Positions (numbers of tokens; -1: none) and values, ``[neurons, k]``."""
        side = self._column.removesuffix("_tokens")
        positions, values = self.lists.arrays()
        return {f"{side}_values": values, f"{side}_positions": positions}

    def remarks(self) -> list[str]:
        """What is to be said of how they were read."""
        said = []
        if self._others:
            said.append(
                f"{quantity(len(self._others), 'neuron')} with other {self._column} in another row, first "
                f"{next(iter(self._others.values()))}; those of a neuron's first row were taken."
            )
        if longer := self.lists.longer:
            said.append(
                f"{quantity(longer, 'neuron')} with more than {self.lists.kept:,} {self._column}: so many were taken."
            )
        return said
