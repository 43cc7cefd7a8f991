"""How wide a table's columns are on a terminal, and which of them stand side by side.

Where they do not fit, titles take two lines; then tokens are cut, then texts; then the table is broken into blocks that
each begin with the columns that say what a row is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from mechamap.tables.table import Column

__all__ = ["GAP", "Block", "blocks_of", "title_lines"]


GAP = 2  # cells between columns
_FLOORS = {"tokens": 12, "text": 16}  # a cell is not cut to less than this
_LEAST = 4  # unless there is no room even for one column beside the first


@dataclass(frozen=True, slots=True)
class Block:
    """Columns that stand side by side, by number, and how many cells wide each is."""

    columns: tuple[int, ...]
    widths: tuple[int, ...]


def blocks_of(columns: Sequence[Column], texts: Sequence[Sequence[str]], width: int, stubs: int = 1) -> list[Block]:
    """The columns of a table in blocks of at most ``width`` cells; no column is left out.

    Args:
        texts: the cells, ``[columns][rows]``.
        stubs: how many of the first columns every block begins with.
    """
    cells = [max(map(cell_len, column_texts), default=0) for column_texts in texts]
    whole = [max(need, cell_len(column.title)) for need, column in zip(cells, columns, strict=True)]
    all_columns = tuple(range(len(columns)))
    if _room(whole) <= width:
        return [Block(all_columns, tuple(whole))]
    folded = [max(need, _folded(column.title)) for need, column in zip(cells, columns, strict=True)]
    least = [
        min(need, max(_FLOORS.get(c.kind, need), _folded(c.title))) for need, c in zip(folded, columns, strict=True)
    ]
    front = [*all_columns[:stubs]]
    blocks: list[list[int]] = [[*front]]
    for index in all_columns[stubs:]:
        if len(blocks[-1]) > stubs and _room([least[column] for column in (*blocks[-1], index)]) > width:
            blocks.append([*front])
        blocks[-1].append(index)
    return [Block(tuple(block), _fitted(block, columns, folded, least, width)) for block in blocks]


def title_lines(column: Column, width: int) -> list[str]:
    """A column's title in lines of at most ``width`` cells where its words allow it."""
    if cell_len(column.title) <= width:
        return [column.title]
    lines = [""]
    for word in column.title.split(" "):
        if lines[-1] and cell_len(f"{lines[-1]} {word}") > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines if len(lines) <= 2 else [column.title]


def _room(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _folded(title: str) -> int:
    """How wide a title is at least, on two lines."""
    words = title.split(" ")
    splits = [(" ".join(words[:split]), " ".join(words[split:])) for split in range(1, len(words) + 1)]
    return min(max(cell_len(first), cell_len(second)) for first, second in splits)


def _fitted(
    block: Sequence[int], columns: Sequence[Column], folded: Sequence[int], least: Sequence[int], width: int
) -> tuple[int, ...]:
    """Widths of the block's columns: what they need, less what has to be cut."""
    widths = {index: folded[index] for index in block}
    lowest = [_LEAST] * len(columns)
    steps: tuple[tuple[tuple[str, ...], Sequence[int]], ...] = (
        (("tokens",), least),
        (("text",), least),
        (("tokens", "text"), lowest),
    )
    for kinds, floors in steps:
        while _room([*widths.values()]) > width:
            elastic = [index for index in block if columns[index].kind in kinds and widths[index] > floors[index]]
            if not elastic:
                break
            widths[max(elastic, key=lambda index: widths[index])] -= 1
    return tuple(widths.values())
