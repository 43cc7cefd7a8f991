"""Grapheme clusters, what a reader takes for one character: where in a text they begin and end."""

from __future__ import annotations

from functools import cache
from typing import Any

from mechamap.words.characters import IGNORED, are_joined
from mechamap.words.plain_letters import has_plain_letters

__all__ = ["BEGINS_CLUSTER", "CLUSTER", "EXTENDS_CLUSTER", "Clusters"]


# As UAX #29 has it, but all marks belong to the letter in front: the vowel signs of Burmese are left out there.
CLUSTER = r"(?:(?=[^\p{C}\p{Z}])\X(?=\p{M}))*\X"
EXTENDS_CLUSTER = r"[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}\p{GCB=V}\p{GCB=T}\p{M}]"
BEGINS_CLUSTER = rf"[\p{{GCB=Prepend}}\p{{Regional_Indicator}}\p{{GCB=L}}||{EXTENDS_CLUSTER}]"

_MOST = 100  # characters on each side that are looked at for the rest of a word


@cache
def _several() -> Any:
    """Finds clusters of several characters."""
    import regex

    return regex.compile(
        rf"\r\n|(?=[\u0300-\U0010ffff]|.[\u0300-\U0010ffff])"
        rf"(?:(?={BEGINS_CLUSTER})|(?=.{EXTENDS_CLUSTER})){CLUSTER}",
        regex.VERSION1 | regex.DOTALL,
    )


@cache
def _ignored() -> Any:
    import regex

    return regex.compile(IGNORED, regex.VERSION1)


class Clusters:
    """The grapheme clusters of a text; most are one character, and take no memory."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._inside = bytearray()  # [characters + 1] 1 between two characters of a cluster
        if has_plain_letters(text) and "\r\n" not in text:
            return
        for match in _several().finditer(text):
            start, end = match.span()
            if end - start > 1:
                self._inside = self._inside or bytearray(len(text) + 1)
                self._inside[start + 1 : end] = b"\1" * (end - start - 1)

    @property
    def inside(self) -> list[int]:
        """The places that are between two characters of a cluster."""
        return [place for place, cuts in enumerate(self._inside) if cuts]

    def begin(self, place: int) -> int:
        """The first character of the cluster that a place is in; the place itself between two."""
        while self._cuts(place):
            place -= 1
        return place

    def end(self, place: int) -> int:
        """One past the last character of the cluster that a place is in; the place itself between two."""
        while self._cuts(place):
            place += 1
        return place

    def _cuts(self, place: int) -> bool:
        return bool(self._inside and self._inside[place])

    def word_around(self, start: int, end: int) -> tuple[int, int]:
        """A stretch of text with the rest of the words, and of the clusters, that it begins and ends in.

        In scripts that are written without spaces nothing says how far a word reaches: only clusters are completed. Of
        what is longer than any word, such as a line of base64, the nearest characters are taken.
        """
        first, last = start, end
        while start - first < _MOST and first > 0 and self._is_one_word(first):
            first -= 1
        while last - end < _MOST and last < len(self.text) and self._is_one_word(last):
            last += 1
        return self.begin(first), self.end(last)

    def _is_one_word(self, place: int) -> bool:
        """Whether the characters on both sides of a place belong to one word or one cluster."""
        if self._cuts(place):
            return True
        before, after, text = place - 1, place, self.text
        while before > 0 and _is_ignored(text[before]):
            before -= 1
        while after < len(text) - 1 and _is_ignored(text[after]):
            after += 1
        return are_joined(text[before], text[after])


def _is_ignored(character: str) -> bool:
    return not character.isascii() and bool(_ignored().match(character))
