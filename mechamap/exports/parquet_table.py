"""Parquet, through pyarrow: typed columns, tokens as lists of (token, value)."""

from __future__ import annotations

import json
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import MissingExtra
from mechamap.exports.table import LONG_COLUMNS, ExportTable, NeuronBlock, SpelledTokens

__all__ = ["write"]


def write(table: ExportTable, wide: bool, stream: BinaryIO) -> int:
    """Write the table to ``stream``; returns the number of rows.

    Raises:
        MissingExtra: pyarrow is not installed.
    """
    pa, parquet = _pyarrow()
    pieces = SpelledTokens(table.run, lambda piece: piece.encode("utf-8", "backslashreplace").decode())
    schema = _schema(pa, table, wide)
    rows = 0
    with parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
        for block in table.blocks():
            columns = _wide(pa, block, pieces) if wide else _long(pa, block, pieces)
            batch = pa.Table.from_arrays(
                [column.cast(field.type) for column, field in zip(columns, schema, strict=True)], schema=schema
            )
            writer.write_table(batch)
            rows += batch.num_rows
    return rows


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtra(
            "Writing Parquet needs the package pyarrow, which is not installed.",
            "Install it: pip install 'mechamap[parquet]'",
        ) from None
    return pyarrow, parquet


def _schema(pa: Any, table: ExportTable, wide: bool) -> Any:
    tokens = pa.list_(pa.struct([("token", pa.string()), ("value", pa.float32())]))
    fields = [("layer", pa.int32()), ("neuron", pa.int32())]
    kinds = {"name": pa.string(), "side": pa.string(), "expert": pa.int32(), "tokens": pa.int32()}
    if wide:
        fields += [(name, kinds[name]) for name in table.naming_columns[2:]]
        fields += [(column.name, pa.int32() if column.whole else pa.float32()) for column in table.wide_columns]
        fields += [(column, tokens) for column in table.token_columns]
    else:
        fields = [("model", pa.string()), *fields, ("category", pa.string()), ("avg_activation", pa.float64())]
        fields.append(("top_tokens", tokens))
        fields += [(name, kinds[name]) for name in table.long_columns[len(LONG_COLUMNS) :]]
    metadata = {"model": table.model, "scope": table.scope, "threshold": table.threshold}
    return pa.schema(fields, metadata={"mechamap": json.dumps(metadata, ensure_ascii=True)})


def _long(pa: Any, block: NeuronBlock, pieces: SpelledTokens) -> list[Any]:
    table = block.table
    neurons, categories = block.listed()
    none = categories < 0
    names = pa.array([*table.run.categories], pa.string())
    return [
        pa.array([table.model]).take(pa.array(np.zeros(len(neurons), np.int32))),
        pa.array(np.asarray(block.layers, np.int32)[neurons]),
        pa.array(np.asarray(block.neurons, np.int32)[neurons]),
        names.take(pa.array(categories, mask=none)),
        pa.array(block.listed_means(neurons, categories), mask=none),
        _tokens(pa, block, "top_tokens", pieces).take(pa.array(neurons)),
        *(pa.array(column).take(pa.array(neurons)) for column in block.long_naming),
    ]


def _wide(pa: Any, block: NeuronBlock, pieces: SpelledTokens) -> list[Any]:
    table = block.table
    figures = [pa.array(block.column(column), from_pandas=True) for column in table.wide_columns]  # NaN: null
    tokens = [_tokens(pa, block, column, pieces) for column in table.token_columns]
    return [*(pa.array(column) for column in block.naming), *figures, *tokens]


def _tokens(pa: Any, block: NeuronBlock, column: str, pieces: SpelledTokens) -> Any:
    positions, values = block.tokens(column)  # [block, k]
    present: NDArray[np.bool_] = positions >= 0
    shown, places = np.unique(positions[present], return_inverse=True)
    tokens = pa.array([pieces[position] for position in shown.tolist()], pa.string())
    ends = np.concatenate([[0], np.cumsum(present.sum(axis=1))]).astype(np.int32)
    pairs = pa.StructArray.from_arrays(
        [tokens.take(pa.array(places)), pa.array(values[present].astype(np.float32))], ["token", "value"]
    )
    return pa.ListArray.from_arrays(pa.array(ends), pairs)
