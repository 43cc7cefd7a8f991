"""Where the words of the categories stand in a tokenized text, and which of them were found at all."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import Category
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.text.tokenize import TokenizedText

__all__ = ["Occurrence", "coverage", "find_occurrences", "whole_word_spans"]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One whole-word match: characters ``start`` to ``end`` (exclusive), positions ``first`` to ``last``."""

    category: int  # number of the category
    word: int  # number of the word in its category
    text: int
    start: int
    end: int
    first: int
    last: int


def find_occurrences(
    tokenized: TokenizedText, texts: Sequence[str], categories: Sequence[Category]
) -> tuple[Occurrence, ...]:
    """Every occurrence whose last position is scored and that lies in one window.

    Words match whole and smart-case, the leftmost longest within a category. Ordered by category, text, start.
    """
    return tuple(occurrence for occurrence, is_counted in _matches(tokenized, texts, categories) if is_counted)


def coverage(
    occurrences: Sequence[Occurrence], tokenized: TokenizedText, categories: Sequence[Category]
) -> dict[str, Coverage]:
    """For each category how often its words were found, with how many tokens, and which were not."""
    dropped = Counter(
        occurrence.category
        for occurrence, is_counted in _matches(tokenized, _texts(tokenized), categories)
        if not is_counted
    )
    report: dict[str, Coverage] = {}
    for number, category in enumerate(categories):
        lengths: list[Counter[int]] = [Counter() for _ in category.words]
        for occurrence in occurrences:
            if occurrence.category == number:
                lengths[occurrence.word][occurrence.last - occurrence.first + 1] += 1
        report[category.name] = Coverage(
            occurrences=sum(counts.total() for counts in lengths),
            found={
                word: FoundWord(counts.total(), counts.most_common(1)[0][0])
                for word, counts in zip(category.words, lengths, strict=True)
                if counts
            },
            not_found=tuple(word for word, counts in zip(category.words, lengths, strict=True) if not counts),
            dropped=dropped[number],
        )
    return report


def _matches(
    tokenized: TokenizedText, texts: Sequence[str], categories: Sequence[Category]
) -> Iterator[tuple[Occurrence, bool]]:
    """All matches, and whether each counts."""
    places = [_Places(tokenized, number) for number in range(len(texts))]
    for number, category in enumerate(categories):
        for text_number, text in enumerate(texts):
            place = places[text_number]
            for start, end, word in whole_word_spans(category.words, text):
                first, last, together = place.positions(start, end)
                occurrence = Occurrence(number, word, text_number, start, end, first, last)
                yield occurrence, together and bool(tokenized.scored[last])


class _Places:
    """From characters to positions, for one text."""

    def __init__(self, tokenized: TokenizedText, text: int) -> None:
        ranges = [np.arange(w.start, w.start + w.length) for w in tokenized.windows if w.text == text]
        of_text = np.concatenate(ranges)  # [positions of the text]
        window = np.repeat(np.arange(len(ranges)), [len(positions) for positions in ranges])  # [positions of the text]
        real = tokenized.offsets[of_text, 0] >= 0  # without the specials around windows
        self.position: NDArray[np.int64] = of_text[real]  # [tokens]
        self.window: NDArray[np.int64] = window[real]  # [tokens]
        # Lists, for bisect: one numpy search an occurrence costs more than the matching itself.
        self.starts: list[int] = tokenized.offsets[self.position, 0].tolist()  # [tokens]
        self.ends: list[int] = tokenized.offsets[self.position, 1].tolist()  # [tokens]

    def positions(self, start: int, end: int) -> tuple[int, int, bool]:
        """First and last position of characters ``start`` to ``end``; whether they lie in one window."""
        first = bisect_right(self.ends, start)  # the first token that ends after start
        last = bisect_left(self.starts, end) - 1  # the last that begins before end
        if first > last:  # no token covers it: a character the tokenizer drops
            return 0, 0, False
        together = bool(self.window[first] == self.window[last])
        return int(self.position[first]), int(self.position[last]), together


def whole_word_spans(words: Sequence[str], text: str) -> Iterator[tuple[int, int, int]]:
    """Character start, end and word number of each match in ``text``: leftmost, then longest, never overlapping."""
    pattern, word_of_group = _pattern(tuple(words))
    position = 0
    while (match := pattern.search(text, position)) is not None:
        start, end = match.span()
        # \w does not know combining marks: "cafe" is not a whole word before a combining accent.
        if end < len(text) and unicodedata.category(text[end]).startswith("M"):
            position = start + 1
            continue
        assert match.lastindex is not None
        yield start, end, word_of_group[match.lastindex]
        position = end


@lru_cache(maxsize=256)
def _pattern(words: tuple[str, ...]) -> tuple[re.Pattern[str], list[int]]:
    """One alternation, longest word first, a group for each; and the word number of each group."""
    spellings = []
    for number, word in enumerate(words):
        forms = {unicodedata.normalize(form, word) for form in ("NFC", "NFD")} | {word}
        spellings += [(form, number) for form in sorted(forms)]
    spellings.sort(key=lambda entry: len(entry[0]), reverse=True)
    groups = []
    for spelling, _ in spellings:
        body = r"\s+".join(re.escape(part) for part in spelling.split())
        groups.append(f"(?i:({body}))" if spelling == spelling.lower() else f"({body})")
    return re.compile(rf"(?<!\w)(?:{'|'.join(groups)})(?!\w)"), [-1, *(number for _, number in spellings)]


def _texts(tokenized: TokenizedText) -> list[str]:
    """The texts, from the pieces without the specials around windows."""
    texts = [""] * (1 + max(window.text for window in tokenized.windows))
    for window in tokenized.windows:
        span = range(window.start, window.start + window.length)
        texts[window.text] += "".join(tokenized.pieces[n] for n in span if tokenized.offsets[n, 0] >= 0)
    return texts
