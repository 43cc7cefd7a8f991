"""Numbers in the cells of a CSV, and remarks on those that can be read in more than one way."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from itertools import chain
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from mechamap.csv_files.source import RowBlock

__all__ = ["FigureCells", "WholeNumbers"]


_WHOLE = re.compile(r"\+?(\d{1,9})(?:\.0*)?", re.ASCII)
_WHOLE_WITH_COMMA = re.compile(r"\+?(\d{1,9})(?:[.,]0*)?", re.ASCII)


class WholeNumbers(dict[str, int]):
    """The numbers of layers and neurons by their spelling, each worked out once: ``7``, and ``7.0`` as pandas writes it
    where cells of the column are missing. Looking up another spelling raises a ValueError.
    """

    def __init__(self, delimiter: str) -> None:
        super().__init__()
        self._pattern = _WHOLE if delimiter == "," else _WHOLE_WITH_COMMA

    def __missing__(self, cell: str) -> int:
        match = self._pattern.fullmatch(cell.strip())
        if match is None:
            raise ValueError(f"{cell[:40]!r} is not a whole number from 0 to 999,999,999")
        number = self[cell] = int(match[1])
        return number

    def of(self, block: RowBlock, column: str, cells: Sequence[str]) -> NDArray[np.int64]:
        """The numbers of a block's cells, ``[rows]``.

        Raises:
            RunError: a cell is not one, named by row and column.
        """
        try:
            return np.array([*map(self.__getitem__, cells)], np.int64)
        except ValueError as error:
            row = next(place for place, cell in enumerate(cells) if not self._is_one(cell))
            block.fail(row, column, str(error))

    def _is_one(self, cell: str) -> bool:
        return self._pattern.fullmatch(cell.strip()) is not None


class FigureCells:
    """Reads figures, and counts those that are not plain numbers.

    Where cells are separated by something other than a comma, ``0,25`` is read as 0.25, as spreadsheets of many
    countries write it. ``nan`` is a figure that was not computed; ``inf`` is kept.
    """

    def __init__(self, delimiter: str) -> None:
        self._with_comma = delimiter != ","
        self._commas = 0
        self._first_comma = ""
        self._odd = 0
        self._first_odd = ""

    def of(
        self, block: RowBlock, columns: Mapping[str, int], places: Sequence[int], *, empty: bool = False
    ) -> NDArray[np.float32]:
        """The figures in some columns of some rows of a block, ``[places, columns]``.

        Args:
            columns: the place of each column, by its name.
            places: those of the rows.
            empty: whether a cell may be empty: not computed.

        Raises:
            RunError: a cell is not a number, named by row and column.
        """
        rows = block.rows if len(places) == len(block.rows) else [block.rows[place] for place in places]
        if len(columns) == 1:
            (only,) = columns.values()
            cells = [row[only] for row in rows]
        else:
            cells = [*chain.from_iterable(map(itemgetter(*columns.values()), rows))]
        try:
            values = np.array([float(cell or "nan") for cell in cells] if empty else [*map(float, cells)], np.float64)
            plain = "_" not in "".join(cells)  # Python takes 1_000 for a number
        except ValueError:
            plain = False
        if not plain:
            cell_places = [(place, name) for place in places for name in columns]  # of each cell
            values = np.array(
                [
                    self._read(block, place, name, cell, empty)
                    for (place, name), cell in zip(cell_places, cells, strict=True)
                ],
                np.float64,
            )
        with np.errstate(over="ignore"):
            figures = values.astype(np.float32)
        odd = [place for place in np.flatnonzero(~np.isfinite(figures)).tolist() if cells[place].strip()]
        if odd:
            self._odd += len(odd)
            where = block.where(places[odd[0] // len(columns)])
            self._first_odd = self._first_odd or f"{cells[odd[0]].strip()[:20]!r} in {where}"
        return figures.reshape(len(places), len(columns))

    def _read(self, block: RowBlock, row: int, column: str, cell: str, empty: bool) -> float:
        text = cell.strip()
        if not text and empty:
            return math.nan
        if "_" not in text:
            try:
                return float(text)
            except ValueError:
                pass
            if self._with_comma and "." not in text:
                try:
                    number = float(text.replace(",", ".", 1))
                except ValueError:
                    pass
                else:
                    self._commas += 1
                    self._first_comma = self._first_comma or f"{text[:20]} in {block.where(row)}"
                    return number
        block.fail(row, column, f"{cell[:40]!r} is not a number")

    def remarks(self) -> list[str]:
        """Remarks on the numbers that were read."""
        remarks = []
        if self._commas:
            remarks.append(
                f"Numbers with a decimal comma were read as such: {self._commas:,}, first {self._first_comma}."
            )
        if self._odd:
            remarks.append(
                f"Figures that are not finite numbers: {self._odd:,}, first {self._first_odd}; nan means not computed."
            )
        return remarks
