"""The content of an export, whatever its format: which neurons of which run, in which order, block by block.

Blocks keep the memory of an export small whatever the size of the run, and turn arrays into plain Python values once
for many neurons: one value at a time out of numpy is what makes exports slow.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FIGURES, figure_names
from mechamap.runs.layout import LayerLayout, whole_layouts
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.words.features import feature_name

__all__ = ["LONG_COLUMNS", "ExportTable", "NeuronBlock", "SpelledTokens", "WideColumn"]


LONG_COLUMNS = ("model", "layer", "neuron", "category", "avg_activation", "top_tokens")
DECIMALS = 4  # of mean activations and token values in the long layout
_BLOCK = 16_384  # neurons


@dataclass(frozen=True, slots=True)
class WideColumn:
    """A figure as one column: ``max``, or ``selectivity.food`` for column ``category`` of a figure that has several."""

    name: str
    figure: str
    category: int | None

    @property
    def whole(self) -> bool:
        """Whether it counts something."""
        figure = FIGURES.get(self.figure)
        return figure is not None and figure.written == "count"

    def written(self, values: NDArray[np.float64], digits: int) -> list[str]:
        """Values to ``digits`` significant digits, counts in full, features by name; empty: not computed."""
        if (figure := FIGURES.get(self.figure)) is not None and figure.written == "feature":
            return [*map(feature_name, values.tolist())]
        numbers = [*map(format, values.tolist(), repeat(".0f" if self.whole else f".{digits}g"))]
        for place in np.flatnonzero(np.isnan(values)).tolist():
            numbers[place] = ""
        return numbers


@dataclass(frozen=True)
class ExportTable:
    """The neurons to export, and what the export states about them.

    Args:
        rows: row numbers in the order they are written, ``[exported]``.
        threshold: the mean activation at which the long layout lists a neuron under a category.
        scope: what the rows are, in words.
        excel: whether a CSV is for a spreadsheet.
    """

    run: Run
    rows: NDArray[np.int64]
    threshold: float
    scope: str
    excel: bool = False

    @property
    def model(self) -> str:
        return self.run.record.model.name

    def blocks(self) -> Iterator[NeuronBlock]:
        for first in range(0, len(self.rows), _BLOCK):
            yield NeuronBlock(self, self.rows[first : first + _BLOCK])

    @cached_property
    def long_rows(self) -> int:
        """How many rows the long layout has: one per neuron and category, one for a neuron with none."""
        return sum(len(block.listed()[0]) for block in self.blocks())

    @cached_property
    def wide_columns(self) -> tuple[WideColumn, ...]:
        """Every figure of the run but lists such as tokens and contexts, per-neuron ones first."""
        per_neuron, per_category = [], []
        for figure in self.run.record.figures:
            if figure in figure_names("tokens", "list"):
                continue
            if figure in figure_names("category") or self.run.figure(figure).ndim > 1:
                names = enumerate(self.run.categories)
                per_category += [WideColumn(f"{figure}.{name}", figure, place) for place, name in names]
            else:
                per_neuron.append(WideColumn(figure, figure, None))
        return (*per_neuron, *per_category)

    @cached_property
    def token_columns(self) -> tuple[str, ...]:
        """``top_tokens`` and ``bottom_tokens``, as far as the run has them."""
        return tuple(f"{side}_tokens" for side in ("top", "bottom") if self.run.has(f"{side}_positions"))

    @cached_property
    def layouts(self) -> dict[int, LayerLayout]:
        """The layers that have experts; empty where there are none."""
        return whole_layouts(self.run.record)

    @cached_property
    def sides(self) -> dict[int, str]:
        """The side of each layer, by number; empty for a model without sides."""
        return {layer.layer: layer.side for layer in self.run.layers if layer.side}

    @property
    def long_columns(self) -> tuple[str, ...]:
        """The original's columns; for a run with experts followed by the name and the number of tokens."""
        tokens = ("tokens",) if self.run.has("tokens") else ()
        return (*LONG_COLUMNS, "name", *tokens) if self.layouts else LONG_COLUMNS

    @property
    def naming_columns(self) -> tuple[str, ...]:
        """The columns of the wide layout that say which neuron a row is about."""
        columns = ["layer", "neuron", "name"]
        if self.layouts:
            columns.append("expert")
        if self.sides:
            columns.append("side")
        return tuple(columns)


@dataclass(frozen=True)
class NeuronBlock:
    """Some thousands of neurons of an export, at most."""

    table: ExportTable
    rows: NDArray[np.int64]  # [block]

    @cached_property
    def layers(self) -> list[int]:
        return [int(layer) for layer in self.table.run.layer_of[self.rows].tolist()]

    @cached_property
    def neurons(self) -> list[int]:
        """The number of each neuron among all of its layer; experts' neurons are counted one expert after another."""
        numbers = self.table.run.index_of[self.rows].tolist()
        for place, expert in enumerate(self.experts):
            if expert is not None:
                numbers[place] = self.table.layouts[self.layers[place]].number(numbers[place], expert)
        return list(numbers)

    @cached_property
    def experts(self) -> list[int | None]:
        """The expert that each neuron is one of, None for those of none."""
        return [expert if expert >= 0 else None for expert in self.table.run.expert_of[self.rows].tolist()]

    @property
    def naming(self) -> list[list[Any]]:
        """The values of :attr:`ExportTable.naming_columns`, ``[columns][block]``."""
        columns: list[list[Any]] = [self.layers, self.neurons, self.names]
        if self.table.layouts:
            columns.append(self.experts)
        if self.table.sides:
            columns.append([self.table.sides.get(layer, "") for layer in self.layers])
        return columns

    @property
    def long_naming(self) -> list[list[Any]]:
        """The values of the columns that the long layout adds to the original's, ``[columns][block]``."""
        if not self.table.layouts:
            return []
        tokens = self.table.run.figure("tokens")[self.rows].tolist() if self.table.run.has("tokens") else None
        if tokens is None:
            return [self.names]
        return [self.names, [None if math.isnan(count) else int(count) for count in tokens]]

    @cached_property
    def names(self) -> list[str]:
        run = self.table.run
        indices = run.index_of[self.rows].tolist()
        experts = run.expert_of[self.rows].tolist()
        return [str(NeuronName(*place)) for place in zip(self.layers, indices, experts, strict=True)]

    @cached_property
    def means(self) -> NDArray[np.float64]:
        """Mean activation per category to four decimals, ``[block, categories]``."""
        with np.errstate(over="ignore", invalid="ignore"):
            means: NDArray[np.float64] = self.table.run.figure("mean")[self.rows].astype(np.float64)
            return means.round(DECIMALS)

    def listed(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The long layout's rows, each as (neuron of the block, category), category -1 for a neuron with none."""
        with np.errstate(invalid="ignore"):
            reached = self.table.run.figure("mean")[self.rows] >= self.table.threshold  # [block, categories]
        none = ~reached.any(axis=1, keepdims=True)  # [block, 1]
        neurons, categories = np.nonzero(np.concatenate([reached, none], axis=1))
        categories[categories == reached.shape[1]] = -1
        return neurons, categories

    def listed_means(self, neurons: NDArray[np.int64], categories: NDArray[np.int64]) -> NDArray[np.float64]:
        """Mean activations of rows that :meth:`listed` gave, NaN for those without a category, ``[rows]``."""
        means = np.full(len(neurons), np.nan)
        has_category = categories >= 0
        means[has_category] = self.means[neurons[has_category], categories[has_category]]
        return means

    def column(self, column: WideColumn) -> NDArray[np.float64]:
        """A figure's values, ``[block]``."""
        array = self.table.run.figure(column.figure)
        values = array[self.rows] if column.category is None else array[self.rows, column.category]
        return values.astype(np.float64)

    def tokens(self, column: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Positions and values to four decimals of ``top_tokens`` or ``bottom_tokens``, ``[block, k]``; -1: none."""
        side = column.removesuffix("_tokens")
        run = self.table.run
        if not run.has(f"{side}_positions"):
            return np.full((len(self.rows), 0), -1, dtype=np.int64), np.zeros((len(self.rows), 0))
        positions = run.figure(f"{side}_positions")[self.rows].astype(np.int64)
        positions[positions >= len(run.record.tokens.pieces)] = -1
        values = run.figure(f"{side}_values")[self.rows].astype(np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # a value may be near the end of its type
            return positions, np.round(values, DECIMALS)

    def token_lists(self, column: str, quoted: SpelledTokens, pair: str, missing: str) -> list[str]:
        """Each neuron's tokens as one text such as ``[(' apple', 1.5)]``.

        Args:
            quoted: each piece in the spelling of the format.
            pair: brackets around a token and its value, ``()`` or ``[]``.
            missing: what stands for a value that is not a finite number.
        """
        positions, values = self.tokens(column)
        number: Callable[[float], str] = repr
        if not np.isfinite(values[positions >= 0]).all():
            number = lambda value: repr(value) if math.isfinite(value) else missing  # noqa: E731
        left, right = pair[0], pair[1]
        return [
            "["
            + ", ".join(
                [
                    f"{left}{quoted[position]}, {number(value)}{right}"
                    for position, value in zip(*row, strict=True)
                    if position >= 0
                ]
            )
            + "]"
            for row in zip(positions.tolist(), values.tolist(), strict=True)
        ]


_REMEMBERED = 1_000_000  # spellings


class SpelledTokens(dict[int, str]):
    """The pieces of a run's tokens in the spelling of a format, by position, each spelled when it is first needed: a
    run over a corpus keeps many more than its neurons' top tokens.

    Args:
        spell: a piece in the format's spelling.
    """

    def __init__(self, run: Run, spell: Callable[[str], str]) -> None:
        super().__init__()
        self._pieces = run.token_text.shown
        self._spell = spell

    def __missing__(self, position: int) -> str:
        if len(self) >= _REMEMBERED:
            self.clear()
        self[position] = spelled = self._spell(self._pieces[position])
        return spelled
