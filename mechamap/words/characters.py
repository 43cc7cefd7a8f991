"""What a word's border is, for all of Unicode.

Three kinds of characters matter: letters (digits, underscores and combining marks among them), letters of scripts that
are written without spaces, and all others. A border is where a letter stands beside something else, and on both sides
of a letter of a script without spaces. Nowhere is a border inside a grapheme cluster, that is, what a reader takes for
one character: a letter with its marks, a flag, an emoji of several people.
"""

from __future__ import annotations

from enum import Enum
from functools import cache, lru_cache
from typing import Any

__all__ = ["ANY_LETTER", "CONTINUOUS", "IGNORED", "LETTER", "Kind", "are_joined", "kind_of"]


# Line_Break=SA is Thai, Lao, Khmer, Burmese and their relatives: no space tells where their words end. The marks of
# Japanese that several scripts share (the long vowel) are found through the scripts that use them.
_WITHOUT_SPACES = r"\p{Line_Break=SA}\p{Han}\p{scx=Hira}\p{scx=Kana}\p{Bopo}\p{Tibetan}\p{Javanese}\p{Balinese}"
ANY_LETTER = r"[\p{L}\p{N}\p{M}_\u200c\u200d]"  # the joiners bind the letters beside them

CONTINUOUS = rf"[[{_WITHOUT_SPACES}]&&{ANY_LETTER}]"
LETTER = rf"[{ANY_LETTER}--[{_WITHOUT_SPACES}]]"
# Soft hyphens, variation selectors, marks of direction: they change how a text looks, not which words it has. Joiners
# tell words apart in some scripts, a zero-width space parts words, and the others stand for something that is seen.
IGNORED = r"[\p{Default_Ignorable_Code_Point}--[\u200b-\u200d\u115f\u1160\u3164\uffa0\U000e0000-\U000e007f]]"


@cache
def _patterns() -> tuple[Any, Any]:
    """Of a letter, and of one of a script without spaces."""
    import regex

    return regex.compile(LETTER, regex.VERSION1), regex.compile(CONTINUOUS, regex.VERSION1)


class Kind(Enum):
    """Of a character, as far as borders of words go."""

    LETTER = 1
    CONTINUOUS = 2  # a letter of a script that is written without spaces
    OTHER = 3


@lru_cache(maxsize=65_536)
def kind_of(character: str) -> Kind:
    """The kind of one character; a combining mark is a letter."""
    if character.isascii():
        return Kind.LETTER if character.isalnum() or character == "_" else Kind.OTHER
    letter, continuous = _patterns()
    if letter.match(character):
        return Kind.LETTER
    return Kind.CONTINUOUS if continuous.match(character) else Kind.OTHER


def are_joined(before: str, after: str) -> bool:
    """Whether two neighbouring characters, of two grapheme clusters, belong to one word."""
    return kind_of(before) is Kind.LETTER and kind_of(after) is Kind.LETTER
