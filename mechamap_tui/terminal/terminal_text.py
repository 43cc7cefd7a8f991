"""Text from a tokenizer made fit for a terminal: one line, nothing invisible, nothing that moves the cursor.

Tokens hold control characters, escape sequences, zero-width and direction-changing characters. All of these are
replaced by something that can be seen, and widths are counted in terminal cells, as wide characters take two. Letters
of every script are shown, with what belongs to them: vowel signs, accents, the tone of an emoji's skin.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import Any

from rich.cells import cell_len, set_cell_size

from mechamap.words.plain_letters import has_plain_letters

__all__ = [
    "clean",
    "clusters_of",
    "fit",
    "fit_ends",
    "fit_right",
    "most_cells",
    "pad",
    "piece_label",
]


NEWLINE, TAB, SPACE, ELLIPSIS, NOTHING = "⏎", "⇥", "␣", "…", "◌"
# Presentation selectors and joiners inside a character: terminals disagree on the width of what they join. An emoji of
# several people is shown as these people.
_DROPPED = frozenset("\ufe0e\ufe0f\u200c\u200d")
_UNSEEN = frozenset(("Cf", "Co", "Cn", "Cs", "Zl", "Zp"))
_MARKS = frozenset(("Mn", "Mc", "Me"))
_BLACK_FLAG = "\U0001f3f4"  # followed by the letters of a region, which cannot be seen
_SKIN_TONE = re.compile("[\U0001f3fb-\U0001f3ff]")


@cache
def _cluster() -> Any:
    import regex

    from mechamap.words.clusters import CLUSTER

    return regex.compile(CLUSTER)


def clusters_of(text: str) -> list[str]:
    """What a reader takes for one character each."""
    clusters: list[str] = _cluster().findall(text)
    return clusters


@lru_cache(maxsize=65_536)
def clean(text: str) -> str:
    """``text`` on one line with every control, format and unassigned character made visible."""
    if text.isprintable() and has_plain_letters(text):
        return text
    return "".join([_clean_cluster(cluster) for cluster in clusters_of(text)])


def _clean_cluster(cluster: str) -> str:
    """What a reader takes for one character: its first sign, and what belongs to that."""
    first, others = cluster[0], cluster[1:]
    seen = [_clean_character(first)]
    has_base = cell_len(first) > 0 and not first.isspace()
    for character in others:
        if has_base and (character in _DROPPED or (first == _BLACK_FLAG and character >= "\U000e0020")):
            continue
        if has_base and (unicodedata.category(character) in _MARKS or _belongs(character)):
            seen.append(character)
        else:
            seen.append(_clean_character(character))
    return "".join(seen)


def _belongs(character: str) -> bool:
    """Whether a character that takes no cell of its own is a part of the one in front, though it is no mark: a vowel
    of decomposed Korean, the tone of a skin."""
    return cell_len(character) == 0 and unicodedata.category(character) in ("Lo", "Sk")


def _clean_character(character: str) -> str:
    """A character by itself; one that would join what stands before has something to sit on."""
    category = unicodedata.category(character)
    if character in "\ufe0e\ufe0f":
        return ""
    if category == "Cc":
        return _control(character)
    if category in _UNSEEN:
        return f"<{ord(character):04X}>"
    if category == "Zs":
        return " "
    if cell_len(character) == 0:
        return f"◌{character}" if category in _MARKS else f"<{ord(character):04X}>"
    return character


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
    return clean(stripped) or NOTHING if stripped or not piece else SPACE * len(piece)


def most_cells(text: str) -> int:
    """The cells that ``text`` takes in a terminal that gives spacing vowel signs and skin tones room of their own."""
    if text.isascii():
        return len(text)
    spacing = sum(unicodedata.category(character) == "Mc" for character in text)
    return cell_len(text) + spacing + 2 * len(_SKIN_TONE.findall(text))


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
    end = fit_right(text, kept)
    return fit(text, width - cell_len(end)) + end


def fit_right(text: str, width: int) -> str:
    """The end of ``text`` that fits into ``width`` cells, of whole characters."""
    end = ""
    for cluster in reversed(clusters_of(text)):
        if cell_len(cluster + end) > width:
            break
        end = cluster + end
    return end


def pad(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly ``width`` cells: cut, or filled with spaces (in front, where ``right``)."""
    text = fit(text, width)
    filling = " " * (width - cell_len(text))
    return filling + text if right else text + filling
