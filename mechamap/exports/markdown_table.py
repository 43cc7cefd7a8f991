"""Markdown: a heading that says what is covered, and a table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from mechamap.exports.table import ExportTable, NeuronBlock, SpelledTokens
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import markdown_escaped, markdown_row, printable

__all__ = ["write"]


def write(table: ExportTable, wide: bool, stream: BinaryIO) -> int:
    """Write the table to ``stream``; returns the number of rows below its header."""
    rows = len(table.rows) if wide else table.long_rows
    header = table.long_columns[1:]  # the model stands in the heading
    if wide:
        header = (*table.naming_columns, *(column.name for column in table.wide_columns), *table.token_columns)
    _put(stream, f"# {markdown_escaped(table.model)}: {markdown_escaped(table.scope)}, {quantity(rows, 'row')}\n\n")
    if not wide:
        _put(stream, f"Mean activation per category, where it is at least {table.threshold:g}.\n\n")
    text_columns = {"category", "name", "side", *table.token_columns}
    _put(stream, markdown_row(markdown_escaped(name) for name in header) + "\n")
    _put(stream, markdown_row("---" if name in text_columns else "---:" for name in header) + "\n")
    shown = SpelledTokens(table.run, lambda piece: markdown_escaped(_visible(piece)))
    for block in table.blocks():
        lines = _wide(block, shown) if wide else _long(block, shown)
        _put(stream, "".join([f"{markdown_row(cells)}\n" for cells in lines]))
    return rows


def _long(block: NeuronBlock, shown: SpelledTokens) -> Iterator[tuple[str, ...]]:
    tokens = _tokens(block, "top_tokens", shown)
    names = [markdown_escaped(name) for name in block.table.run.categories]
    neurons, categories = block.listed()
    means = [f"{mean:.4f}" for mean in block.listed_means(neurons, categories).tolist()]
    beside = [*zip(*map(_cells, block.long_naming), strict=True)] or [()] * len(block.layers)
    for neuron, category, mean in zip(neurons.tolist(), categories.tolist(), means, strict=True):
        listed = (names[category], mean) if category >= 0 else ("", "")
        yield str(block.layers[neuron]), str(block.neurons[neuron]), *listed, tokens[neuron], *beside[neuron]


def _wide(block: NeuronBlock, shown: SpelledTokens) -> Iterator[tuple[str, ...]]:
    columns = [_cells(column) for column in block.naming]
    columns += [column.written(block.column(column), 4) for column in block.table.wide_columns]
    columns += [_tokens(block, name, shown) for name in block.table.token_columns]
    return zip(*columns, strict=True)


def _cells(values: list[Any]) -> list[str]:
    return ["" if value is None else str(value) for value in values]


def _tokens(block: NeuronBlock, column: str, shown: SpelledTokens) -> list[str]:
    positions, values = block.tokens(column)
    return [
        " · ".join([f"{shown[position]} {value:.4g}" for position, value in zip(*row, strict=True) if position >= 0])
        for row in zip(positions.tolist(), values.tolist(), strict=True)
    ]


def _visible(piece: str) -> str:
    """A token on one line: control characters spelled out, surrounding spaces left away."""
    return printable(piece.strip(" ")) or ("(space)" if piece else "(nothing)")


def _put(stream: BinaryIO, text: str) -> None:
    stream.write(text.encode("utf-8", errors="backslashreplace"))
