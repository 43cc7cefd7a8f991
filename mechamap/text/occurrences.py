"""Where the words of the categories stand in a tokenized text, and which of them were found at all."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import Category
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.text.tokenize import TokenizedText, Window
from mechamap.words.finder import WordFinder, has_no_border

__all__ = ["FoundWords", "Occurrence", "coverage", "find_occurrences", "find_words"]


_PROGRESS_AFTER = 1_000_000  # characters: about a second


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


@dataclass(frozen=True, slots=True)
class FoundWords:
    """Every place in some texts where a word of a category stands.

    Attributes:
        occurrences: those whose last position is scored and that lie in one window, by category, text, start.
        dropped: how many others each category has.
    """

    occurrences: tuple[Occurrence, ...]
    dropped: tuple[int, ...]


def find_words(
    tokenized: TokenizedText,
    texts: Sequence[str],
    lists: Sequence[Sequence[str]],
    on_progress: Callable[[float], None] = lambda share: None,
) -> FoundWords:
    """Where the words of each list stand in texts, which are read once however many words there are.

    Words match whole and smart-case, the leftmost longest within a list; see :mod:`mechamap.words.finder`.

    Args:
        tokenized: the texts as a model reads them.
        texts: the texts.
        lists: the words of each category.
        on_progress: called with the share of the texts that was read, each time that some more of a long one was.
    """
    finder = WordFinder(lists)
    occurrences: list[Occurrence] = []
    dropped = [0] * len(lists)
    total, before, told = sum(map(len, texts)), 0, 0  # characters
    windows: dict[int, list[Window]] = {}
    for window in tokenized.windows:
        windows.setdefault(window.text, []).append(window)
    for number, text in enumerate(texts):
        if number not in windows:  # it has no tokens
            continue
        places = _Places(tokenized, windows[number])
        for category, word, start, end in finder.matches(text):
            first, last, together = places.positions(start, end)
            if together and tokenized.scored[last]:
                occurrences.append(Occurrence(category, word, number, start, end, first, last))
            else:
                dropped[category] += 1
            if before + end - told > _PROGRESS_AFTER:
                told = before + end
                on_progress(told / total)
        before += len(text)
    occurrences.sort(key=lambda each: (each.category, each.text, each.start))
    return FoundWords(tuple(occurrences), tuple(dropped))


def find_occurrences(
    tokenized: TokenizedText, texts: Sequence[str], categories: Sequence[Category]
) -> tuple[Occurrence, ...]:
    """Every occurrence of the categories' words that counts, ordered by category, text, start."""
    return find_words(tokenized, texts, [category.words for category in categories]).occurrences


def coverage(words: FoundWords, categories: Sequence[Category]) -> dict[str, Coverage]:
    """For each category how often its words were found, with how many tokens, and which were not."""
    lengths = [[Counter[int]() for _ in category.words] for category in categories]
    for occurrence in words.occurrences:
        lengths[occurrence.category][occurrence.word][occurrence.last - occurrence.first + 1] += 1
    return {
        category.name: Coverage(
            occurrences=sum(counts.total() for counts in of_words),
            found={
                word: FoundWord(counts.total(), counts.most_common(1)[0][0])
                for word, counts in zip(category.words, of_words, strict=True)
                if counts
            },
            not_found=tuple(word for word, counts in zip(category.words, of_words, strict=True) if not counts),
            dropped=dropped,
            anywhere=tuple(word for word in category.words if has_no_border(word)),
        )
        for category, of_words, dropped in zip(categories, lengths, words.dropped, strict=True)
    }


class _Places:
    """From characters to positions, for one text."""

    def __init__(self, tokenized: TokenizedText, windows: Sequence[Window]) -> None:
        ranges = [np.arange(window.start, window.start + window.length) for window in windows]
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
