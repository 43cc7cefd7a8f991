"""CSV: the original's columns, or one row per neuron with every figure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import BinaryIO

from mechamap.exports.table import ExportTable, NeuronBlock, SpelledTokens
from mechamap.wording.spreadsheet import EXCEL_MARK, as_written

__all__ = ["write"]


def write(table: ExportTable, wide: bool, stream: BinaryIO) -> int:
    """Write the table to ``stream``; returns the number of rows below the header."""
    quoted = SpelledTokens(table.run, repr)
    header = table.long_columns
    if wide:
        header = (*table.naming_columns, *(column.name for column in table.wide_columns), *table.token_columns)
    text = io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", newline="", write_through=True)
    if table.excel:
        text.write(EXCEL_MARK)
    writer = csv.writer(text, lineterminator="\n")
    rows = 0
    try:
        writer.writerow(header)
        for block in table.blocks():
            lines = list(_wide(block, quoted) if wide else _long(block, quoted))
            writer.writerows(lines)
            rows += len(lines)
    finally:
        text.detach()  # the stream is its owner's to close
    return rows


def _long(block: NeuronBlock, quoted: SpelledTokens) -> Iterator[tuple[object, ...]]:
    table = block.table
    model = as_written(table.model, excel=table.excel)
    names = [as_written(name, excel=table.excel) for name in table.run.categories]
    tokens = block.token_lists("top_tokens", quoted, "()", "None")
    neurons, categories = block.listed()
    means = [f"{mean:.4f}" for mean in block.listed_means(neurons, categories).tolist()]
    beside = [*zip(*block.long_naming, strict=True)] or [()] * len(block.layers)
    for neuron, category, mean in zip(neurons.tolist(), categories.tolist(), means, strict=True):
        listed = (names[category], mean) if category >= 0 else ("", "")
        yield model, block.layers[neuron], block.neurons[neuron], *listed, tokens[neuron], *beside[neuron]


def _wide(block: NeuronBlock, quoted: SpelledTokens) -> Iterator[tuple[object, ...]]:
    columns: list[list[str]] = []
    for column in block.table.wide_columns:
        columns.append(column.written(block.column(column), 6))
    columns += [block.token_lists(column, quoted, "()", "None") for column in block.table.token_columns]
    return zip(*block.naming, *columns, strict=True)
