"""Which tokens of two texts stand opposite each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

__all__ = ["Alignment", "aligned"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """Pairs of positions, rising in both texts.

    Attributes:
        pairs: positions in the first and in the second text.
        by_position: whether every position stands opposite its own number.
    """

    pairs: tuple[tuple[int, int], ...]
    by_position: bool


def aligned(first: Sequence[int], second: Sequence[int]) -> Alignment:
    """Opposite positions of two texts in tokens, given as ids.

    Texts of one length are compared position by position. Else equal stretches are looked for (``difflib``), and of
    what was replaced between them, as many tokens as were put in its place stand opposite these; tokens that were added
    or left out stand opposite none.
    """
    if len(first) == len(second):
        return Alignment(tuple((place, place) for place in range(len(first))), by_position=True)
    pairs: list[tuple[int, int]] = []
    for what, start, end, other, other_end in SequenceMatcher(None, first, second, autojunk=False).get_opcodes():
        if what == "equal" or (what == "replace" and end - start == other_end - other):
            pairs += zip(range(start, end), range(other, other_end), strict=True)
    return Alignment(tuple(pairs), by_position=False)
