"""Text cut, filled and wrapped to a number of terminal cells, of which a wide character takes two."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

__all__ = ["cut", "filled", "wrapped"]


def cut(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells, its end marked where something was cut."""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def filled(text: str, width: int, *, right: bool) -> str:
    """``text`` in exactly ``width`` cells, at the right or the left end of them."""
    text = cut(text, width)
    room = " " * (width - cell_len(text))
    return room + text if right else text + room


def wrapped(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` cells, broken at spaces, and within words that are longer."""
    lines = [""]
    for word in text.split():
        rest = word
        if lines[-1] and cell_len(lines[-1]) + 1 + cell_len(rest) <= width:
            lines[-1] += " " + rest
            continue
        if lines[-1]:
            lines.append("")
        while cell_len(rest) > max(width, 2):
            head = set_cell_size(rest, max(width, 2)).rstrip(" ")  # half of a wide character becomes a space
            lines[-1] = head
            lines.append("")
            rest = rest[len(head) :]
        lines[-1] = rest
    return lines
