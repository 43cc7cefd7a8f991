"""Neurons of a run as a pandas frame, in the columns of the exports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mechamap.exports.table import LONG_COLUMNS, ExportTable, NeuronBlock
from mechamap.runs.run import Run
from mechamap.words.features import feature_name

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["long_frame", "wide_frame"]


def wide_frame(run: Run, rows: NDArray[np.int64]) -> pd.DataFrame:
    """A row for each neuron: which it is, every figure of the run, and its top tokens as lists of (token, value).

    Args:
        rows: of the run, in the order of the frame.

    Returns:
        With the columns of ``export --wide``; indexed by the neurons' names.
    """
    table = ExportTable(run, rows, run.threshold, "")
    block = NeuronBlock(table, rows)  # all at once: the frame holds everything anyway
    columns: dict[str, Any] = {"model": [table.model] * len(rows)}
    columns |= dict(zip(table.naming_columns, block.naming, strict=True))
    for column in table.wide_columns:
        values = block.column(column)
        columns[column.name] = (
            [feature_name(value) for value in values.tolist()] if column.figure == "explained" else values
        )
    for name in table.token_columns:
        columns[name] = _tokens(block, name)
    return pd.DataFrame(columns).set_index("name", drop=False).rename_axis(None)


def long_frame(run: Run, rows: NDArray[np.int64], threshold: float) -> pd.DataFrame:
    """A row for each neuron and category whose mean reaches the threshold, one for a neuron with none.

    Returns:
        With the columns of ``export``: model, layer, neuron, category, avg_activation, top_tokens.
    """
    table = ExportTable(run, rows, threshold, "")
    block = NeuronBlock(table, rows)
    neurons, categories = block.listed()
    tokens = _tokens(block, "top_tokens")
    names = [*run.categories, None]  # the last stands for -1
    values = [
        [table.model] * len(neurons),
        np.asarray(block.layers)[neurons],
        np.asarray(block.neurons)[neurons],
        [names[category] for category in categories.tolist()],
        block.listed_means(neurons, categories),
        [tokens[neuron] for neuron in neurons.tolist()],
    ]
    return pd.DataFrame(dict(zip(LONG_COLUMNS, values, strict=True)))


def _tokens(block: NeuronBlock, column: str) -> list[list[tuple[str, float]]]:
    positions, values = block.tokens(column)
    pieces = block.table.run.token_text.shown
    return [
        [(pieces[position], value) for position, value in zip(*row, strict=True) if position >= 0]
        for row in zip(positions.tolist(), values.tolist(), strict=True)
    ]
