"""Where the words of many lists stand in a text, in one reading of it.

A word written in lower case matches in any case, one with a capital as it is written. The time grows with the text, not
with the number of words: at each place where a word can begin, what may begin there is looked up by its first letters.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import regex

from mechamap.words.characters import LETTER, Kind, kind_of
from mechamap.words.comparable import ComparableText, comparable, comparable_word, folded, is_in_lower_case
from mechamap.words.known import LETTER_APOSTROPHE

__all__ = ["Match", "WordFinder", "begins_without_border", "has_no_border"]


# Where a word can begin: a run of letters, one letter of a script without spaces, one sign.
_BEGINNINGS = regex.compile(rf"(?:[A-Za-z0-9_]|(?=[^\x00-\x7f]){LETTER})+|\S", regex.VERSION1)
_ASCII_BEGINNINGS = regex.compile(r"\w+|\S", regex.ASCII)


class Match(NamedTuple):
    """One whole word in a text.

    Attributes:
        list: the number of its list.
        word: its number in that list.
        start: its first character in the text.
        end: one past its last character, marks of that included.
    """

    list: int
    word: int
    start: int
    end: int


@dataclass(slots=True)
class _Spelling:
    """One way in which words are written."""

    owners: list[tuple[int, int]]  # list and number in it of each word that is written so
    has_letters: bool


@dataclass(slots=True)
class _Beginning:
    """What the words that begin with the same letters, up to a first border, have in common."""

    lists: set[int]
    lengths: list[int]  # of their spellings, the longest first


class WordFinder:
    """Looks for the words of some lists, each list by itself: leftmost, then longest, never overlapping."""

    def __init__(self, lists: Sequence[Sequence[str]]) -> None:
        self._lists = len(lists)
        self._any_case: dict[str, _Spelling] = {}
        self._exact: dict[str, _Spelling] = {}
        self._beginnings: dict[str, _Beginning] = {}
        for number, words in enumerate(lists):
            for place, word in enumerate(words):
                for spelling, table in self._spellings(word):
                    self._add(spelling, table, (number, place))
        for beginning in self._beginnings.values():
            beginning.lengths = sorted(set(beginning.lengths), reverse=True)

    def _spellings(self, word: str) -> Iterator[tuple[str, dict[str, _Spelling]]]:
        """Every way in which a word is written, and the table for it."""
        exact = comparable_word(word)
        for spelling in _with_letter_apostrophe(exact) if exact else ():
            if not is_in_lower_case(exact):
                yield spelling, self._exact
                continue
            yield folded(spelling), self._any_case
            # Capitals that are other letters in lower case again: STRASSE for straße, ISI for Turkish ısı.
            for capitals in {comparable_word(spelling.upper()), comparable_word(spelling.title())}:
                if folded(capitals) != folded(spelling):
                    yield capitals, self._exact

    def _add(self, spelling: str, table: dict[str, _Spelling], owner: tuple[int, int]) -> None:
        table.setdefault(spelling, _Spelling([], _has_letters(spelling))).owners.append(owner)
        first = _BEGINNINGS.match(folded(spelling))
        assert first is not None  # a word does not begin with a blank
        beginning = self._beginnings.setdefault(first.group(), _Beginning(set(), []))
        beginning.lists.add(owner[0])
        beginning.lengths.append(len(spelling))

    def matches(self, text: str) -> Iterator[Match]:
        """All matches, in the order in which they begin."""
        read = comparable(text)
        free_from = [0] * self._lists  # the character from which on each list may match
        pattern = _ASCII_BEGINNINGS if read.folded.isascii() else _BEGINNINGS
        for first in pattern.finditer(read.folded):
            beginning = self._beginnings.get(first.group())
            if beginning is None or read.cuts_cluster(start := first.start()):
                continue
            waiting = [number for number in beginning.lists if free_from[number] <= start]
            for length in beginning.lengths if waiting else ():
                end = start + length
                for number, word in self._owners(read, start, end):
                    if number in waiting:
                        waiting.remove(number)
                        free_from[number] = end
                        yield Match(number, word, *read.original_span(start, end))
                if not waiting:
                    break

    def _owners(self, read: ComparableText, start: int, end: int) -> Sequence[tuple[int, int]]:
        """The words that a stretch of text is, where it is a whole word."""
        in_any_case, exact = self._any_case.get(read.folded[start:end]), self._exact.get(read.exact[start:end])
        if in_any_case is None and exact is None:  # nearly always
            return ()
        spellings = (each for each in (in_any_case, exact) if each is not None)
        return [owner for each in spellings if _is_whole(read, start, end, each.has_letters) for owner in each.owners]


def _is_whole(read: ComparableText, start: int, end: int, has_letters: bool) -> bool:
    """Whether a word is not a part of a longer one. Signs alone have no border but those of grapheme clusters."""
    text = read.exact
    if end > len(text) or read.cuts_cluster(end):
        return False
    return not has_letters or not (
        (start and _goes_on(text[start - 1], text[start])) or (end < len(text) and _goes_on(text[end], text[end - 1]))
    )


def _goes_on(outside: str, inside: str) -> bool:
    """Whether a character beside a word makes it part of a longer one: a letter does, beside a sign too (C++x)."""
    return kind_of(outside) is Kind.LETTER and kind_of(inside) is not Kind.CONTINUOUS


def has_no_border(word: str) -> bool:
    """Whether a word begins or ends in a script that is written without spaces: it may be a part of a longer word."""
    return begins_without_border(word) or kind_of(comparable_word(word)[-1:]) is Kind.CONTINUOUS


def begins_without_border(word: str) -> bool:
    """Whether a word begins in such a script, so that no space stands in front of it in a text."""
    return kind_of(comparable_word(word)[:1]) is Kind.CONTINUOUS


def _with_letter_apostrophe(spelling: str) -> set[str]:
    plain = spelling.replace(LETTER_APOSTROPHE, "'")
    return {plain, plain.replace("'", LETTER_APOSTROPHE)}


def _has_letters(spelling: str) -> bool:
    return any(kind_of(character) is not Kind.OTHER for character in spelling)
