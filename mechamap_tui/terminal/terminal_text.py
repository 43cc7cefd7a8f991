"""Text from a tokenizer made fit for a terminal: one line, nothing invisible, nothing that moves the cursor.

Tokens hold control characters, escape sequences, zero-width and direction-changing characters. All of these are
replaced by something that can be seen, and widths are counted in terminal cells, as wide characters take two.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich.cells import cell_len, set_cell_size

__all__ = ["clean", "fit", "fit_ends", "pad", "piece_label"]


NEWLINE, TAB, SPACE, ELLIPSIS = "⏎", "⇥", "␣", "…"
# Emoji and text presentation selectors: terminals disagree on the width of what they follow.
_DROPPED = frozenset("\ufe0e\ufe0f")
_UNSEEN = frozenset(("Cf", "Co", "Cn", "Cs", "Zl", "Zp"))


@lru_cache(maxsize=65_536)
def clean(text: str) -> str:
    """``text`` on one line with every control, format and unassigned character made visible."""
    if text.isascii() and text.isprintable():
        return text
    seen: list[str] = []
    for char in text:
        category = unicodedata.category(char)
        if char in _DROPPED:
            continue
        if category == "Cc":
            seen.append(_control(char))
        elif category in _UNSEEN:
            seen.append(f"<{ord(char):04X}>")
        elif category == "Zs":
            seen.append(" ")
        elif category in ("Mn", "Me") and not seen:  # nothing to sit on: it would join what stands before
            seen.append(f"◌{char}")
        elif cell_len(char) == 0 and category not in ("Mn", "Me"):
            seen.append(f"<{ord(char):04X}>")
        else:
            seen.append(char)
    return "".join(seen)


def _control(char: str) -> str:
    code = ord(char)
    if char == "\n":
        return NEWLINE
    if char == "\t":
        return TAB
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ␛ for escape
    return "␡" if code == 0x7F else f"<{code:02X}>"


def piece_label(piece: str) -> str:
    """A token as a word in a list: without the spaces around it, and visible where it is nothing but space."""
    stripped = piece.strip(" ")
    return clean(stripped) if stripped else SPACE * max(len(piece), 1)


def fit(text: str, width: int) -> str:
    """``text`` cut to at most ``width`` cells, its end marked where anything was cut."""
    if cell_len(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    return set_cell_size(text, width - 1).rstrip() + ELLIPSIS


def fit_ends(text: str, width: int) -> str:
    """``text`` cut to at most ``width`` cells in its middle, which is marked; a third of the room is for its end."""
    kept = width // 3
    if cell_len(text) <= width or not kept:
        return fit(text, width)
    end = len(text)
    while cell_len(text[end - 1 :]) <= kept:
        end -= 1
    return fit(text, width - cell_len(text[end:])) + text[end:]


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells: cut, or filled with spaces (in front, where ``right``)."""
    text = fit(text, width)
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling
