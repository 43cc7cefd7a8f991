"""JSON: the original's shape with keys beside it, one line a neuron."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import BinaryIO

from mechamap import __version__
from mechamap.exports.table import ExportTable, NeuronBlock, SpelledTokens, WideColumn
from mechamap.system.plain_values import to_plain_values

__all__ = ["write"]


def write(table: ExportTable, wide: bool, stream: BinaryIO) -> int:
    """Write the table to ``stream``; returns the number of rows (as the CSV would have)."""
    rows = len(table.rows) if wide else table.long_rows
    head = _text({**_beside(table, wide), "rows": rows})
    quoted = SpelledTokens(table.run, _text)
    _put(stream, head[:-1] + ', "results": {')
    first = True
    for block in table.blocks():
        entries = list(_wide(block, quoted) if wide else _long(block, quoted))
        _put(stream, ("\n" if first else ",\n") + ",\n".join(entries))
        first = False
    _put(stream, "\n}}\n")
    return rows


def _beside(table: ExportTable, wide: bool) -> dict[str, object]:
    record = table.run.record
    return {
        "model": table.model,
        "model_id": record.model.id,
        "revision": record.model.revision,
        "dtype": record.model.dtype,
        "layout": "wide" if wide else "long",
        "scope": table.scope,
        "state": record.state,
        "created": record.created,
        "threshold": table.threshold,
        "categories": list(record.categories),
        **(
            {"experts": {str(layer): layout.to_dict() for layer, layout in table.layouts.items()}}
            if table.layouts
            else {}
        ),
        **({"sides": {str(layer): side for layer, side in table.sides.items()}} if table.sides else {}),
        "coverage": to_plain_values(record.coverage),
        "exclusions": to_plain_values(record.exclusions) or {},
        **({"corpus": to_plain_values(record.corpus)} if record.corpus is not None else {}),
        "undefined": dict(record.undefined),
        "confirmation": to_plain_values(record.confirmation) or {},
        "causes": to_plain_values(record.causes),
        "second_looks": to_plain_values(record.second_looks),
        "written_by": f"mechamap {__version__}",
        "neurons": len(table.rows),
    }


def _long(block: NeuronBlock, quoted: SpelledTokens) -> Iterator[str]:
    tokens = block.token_lists("top_tokens", quoted, "[]", "null")
    names = [_text(name) for name in block.table.run.categories]
    listed: list[list[str]] = [[] for _ in block.layers]
    neurons, categories = block.listed()
    for neuron, category, mean in zip(
        neurons.tolist(), categories.tolist(), block.listed_means(neurons, categories).tolist(), strict=True
    ):
        if category >= 0:
            listed[neuron].append(f"{names[category]}: {_number(mean)}")
    for layer, index, means, pairs in zip(block.layers, block.neurons, listed, tokens, strict=True):
        yield f'"({layer},{index})": {{"categories": {{{", ".join(means)}}}, "top_tokens": {pairs}}}'


def _wide(block: NeuronBlock, quoted: SpelledTokens) -> Iterator[str]:
    table = block.table
    keys = [_text(column.name) for column in table.wide_columns] + [_text(name) for name in table.token_columns]
    columns = [_figures(column, block) for column in table.wide_columns]
    columns += [block.token_lists(name, quoted, "[]", "null") for name in table.token_columns]
    keys = [_text(name) for name in table.naming_columns] + keys
    named = [[_text(value) for value in column] for column in block.naming]
    for layer, index, *values in zip(block.layers, block.neurons, *named, *columns, strict=True):
        figures = ", ".join([f"{key}: {value}" for key, value in zip(keys, values, strict=True)])
        yield f'"({layer},{index})": {{{figures}}}'


def _figures(column: WideColumn, block: NeuronBlock) -> list[str]:
    values = block.column(column)
    if column.whole:
        return [number or "null" for number in column.written(values, 0)]
    return [_number(float(f"{value:.6g}")) for value in values.tolist()]


def _number(value: float) -> str:
    return repr(value) if math.isfinite(value) else "null"


def _text(value: object) -> str:
    return json.dumps(_finite(value), ensure_ascii=False, allow_nan=False)


def _finite(value: object) -> object:
    """``value`` with null where JSON has no spelling for a number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value


def _put(stream: BinaryIO, text: str) -> None:
    # A lone surrogate becomes \udXXX, which is how JSON spells it.
    stream.write(text.encode("utf-8", errors="backslashreplace"))
