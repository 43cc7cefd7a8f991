"""The words of a text that two models read, and the token at which each model has read a word to its end.

Models cut a text into different tokens; its words are the same for all. A word is a run of letters (see
:mod:`mechamap.words.characters`: digits, underscores and combining marks too), joined by apostrophes and hyphens inside
it: *don't*, *twenty-one*. In scripts written without spaces that is everything between two punctuation marks. What a
model makes of a word is read at the token that holds its last character.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import regex
from numpy.typing import NDArray

from mechamap.errors import RunError, UsageError
from mechamap.runs.record import TokenRecord
from mechamap.runs.run import Run
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.amounts import quantity
from mechamap.words.characters import ANY_LETTER, IGNORED

__all__ = ["Words", "common_words", "run_words", "word_spans", "words_in"]


_WORD = regex.compile(rf"{ANY_LETTER}+(?:(?:['’\-‐‑]|{IGNORED}+){ANY_LETTER}+)*", regex.VERSION1)
_ASCII_WORD = regex.compile(r"\w+(?:['-]\w+)*", regex.ASCII)
_SAME_TEXT = Advice.of("Have both read the same text: {}.", Setting("text", "FILE"))


@dataclass(frozen=True)
class Words:
    """The words of some texts, and where one model has read each to its end.

    ``positions`` is -1 where that position is not scored (the first of a window, say) or where a window ends inside the
    word. ``texts`` are the texts themselves: words are the same words where these are.
    """

    texts: tuple[str, ...]
    spans: NDArray[np.int64]  # [words, 3] number of the text, first character, one past the last
    positions: NDArray[np.int64]  # [words] in the numbering of the model's tokens

    @property
    def strings(self) -> tuple[str, ...]:
        """Each word as it is written."""
        return tuple(self.texts[text][start:end] for text, start, end in self.spans.tolist())

    def __len__(self) -> int:
        return len(self.spans)


def run_words(run: Run) -> Words:
    """The words of the text that a run was made from; nothing but the run's record is read.

    Raises:
        RunError: the run keeps no text, or its tokens are not those of its text.
    """
    if not run.has_context or not run.texts:
        raise RunError(f"{run.name} keeps no text, so it has no words to compare over.", "Scan the model itself.")
    try:
        return words_in(run.texts, run.record.tokens)
    except ValueError as error:
        raise RunError(f"The tokens of {run.name} do not belong to its text: {error}.", "Scan again.") from None


def words_in(texts: tuple[str, ...], tokens: TokenRecord) -> Words:
    """The words of ``texts``, which are cut into ``tokens``.

    Raises:
        ValueError: the tokens' pieces do not give the texts back.
    """
    places = _places(texts, tokens)
    excluded = frozenset(tokens.excluded)
    spans: list[tuple[int, int, int]] = []
    positions: list[int] = []
    for number, text in enumerate(texts):
        for start, end in word_spans(text):
            spans.append((number, start, end))
            first, last = places[number].ends_of(start, end, text)
            whole = places[number].window[first] == places[number].window[last]
            position = places[number].position[last]
            positions.append(position if whole and position not in excluded else -1)
    return Words(texts, np.array(spans, np.int64).reshape(-1, 3), np.array(positions, np.int64))


def word_spans(text: str) -> list[tuple[int, int]]:
    """First character and one past the last of each word of a text."""
    return [match.span() for match in (_ASCII_WORD if text.isascii() else _WORD).finditer(text)]


def common_words(a: Words, b: Words) -> NDArray[np.intp]:
    """The words, by number, that both models have read to their end at a position that counts.

    Raises:
        UsageError: the texts differ, or have no such word.
    """
    if a.texts != b.texts:
        raise UsageError(f"The two runs read different texts: {_difference(a.texts, b.texts)}.", _SAME_TEXT)
    both = np.flatnonzero((a.positions >= 0) & (b.positions >= 0))
    if not len(both):
        raise UsageError(
            "No word ends at a scored position of both models.",
            Advice.of("Have both read a longer text: {}.", Setting("text", "FILE")),
        )
    return both


def _difference(a: Sequence[str], b: Sequence[str]) -> str:
    """In words, the first difference of two lists of texts."""
    counts = [quantity(len(texts), "text") for texts in (a, b)]
    if len(a) != len(b):
        return f"{counts[0]} and {counts[1]}"
    number = next(index for index, pair in enumerate(zip(a, b, strict=True)) if pair[0] != pair[1])
    one, other = a[number], b[number]
    least = min(len(one), len(other))
    start = next((index for index in range(least) if one[index] != other[index]), least)
    where = f"text {number + 1} of {len(a)}" if len(a) > 1 else "the text"
    return f"{where} differs from character {start + 1} on, {_shown(one, start)} and {_shown(other, start)}"


def _shown(text: str, start: int) -> str:
    return repr(text[start : start + 24]) if start < len(text) else "its end"


@dataclass(frozen=True, slots=True)
class _Places:
    """The tokens of one text that stand for a piece of it, in order."""

    ends: list[int]  # where each token's piece ends
    position: list[int]
    window: list[int]

    def ends_of(self, start: int, end: int, text: str) -> tuple[int, int]:
        """The tokens that hold the first and the last character of a word."""
        first, last = bisect_left(self.ends, start + 1), bisect_left(self.ends, end)
        if not text[end - 1].isascii():  # it may take several tokens; those behind the first have an empty piece
            while (
                last + 1 < len(self.ends) and self.ends[last + 1] == end and self.window[last + 1] == self.window[last]
            ):
                last += 1
        return first, last


def _places(texts: Sequence[str], tokens: TokenRecord) -> list[_Places]:
    around = frozenset(tokens.special)
    places = [_Places([], [], []) for _ in texts]
    pieces: list[list[str]] = [[] for _ in texts]
    for number, (text, start, length) in enumerate(tokens.windows):
        if not 0 <= text < len(texts):
            raise ValueError(f"there is no text {text + 1}")
        inside = [position for position in range(start, start + length) if position not in around]
        pieces[text] += [tokens.pieces[position] for position in inside]
        places[text].position.extend(inside)
        places[text].window.extend([number] * len(inside))
    for whole, place, text_pieces in zip(texts, places, pieces, strict=True):
        if "".join(text_pieces) != whole:
            raise ValueError("the pieces put together give a different text")
        place.ends.extend(accumulate(map(len, text_pieces)))
    return places
