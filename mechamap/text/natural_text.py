"""The bundled natural text, and in which order its passages say most about the categories of a config.

The order is greedy. A passage is the better, the more words of the categories it adds for its length, those of their
second lists included; what has come often already adds little. A fifth of a longer text are passages without any of
these words, since prose has long stretches without an animal or a color.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import Category

__all__ = ["LARGEST_SIZE", "NATURAL_TEXT", "longer_texts", "natural_passages", "ordered_passages", "unread_passages"]


NATURAL_TEXT = "the bundled natural text"  # what it is called in runs and reports

LARGEST_SIZE = 6  # times the default text's length that half of the passages make of it

_FILE = Path(__file__).parent / "natural" / "passages.txt"
_OFTEN = 4  # occurrences of a category's words from which one more adds little
_REPEATED = 0.3  # a word that comes for the n-th time counts n to the minus this
_OTHERS = 0.2  # what a word of a second list is worth: these only judge
_NEUTRAL, _NEUTRAL_FROM = 0.2, 2_000  # of the length, and from which length on


@cache
def natural_passages() -> tuple[str, ...]:
    """The passages, grouped by the work that they are taken from."""
    blocks = _FILE.read_text(encoding="utf-8").split("\n\n")
    return tuple(block.strip() for block in blocks if block.strip() and not block.startswith("# "))


def longer_texts(texts: Sequence[str], categories: Sequence[Category], size: float) -> list[str]:
    """Texts made ``size`` times as long, in characters, with passages of the natural text behind them.

    Every other passage in their order, so that as good ones are left for the second text.
    """
    length = sum(map(len, texts))
    missing = (size - 1) * length
    longer = list(texts)
    for passage in ordered_passages(natural_passages(), categories)[1::2]:
        if missing <= 0:
            break
        longer.append(passage)
        missing -= len(passage)
    return longer


def unread_passages(texts: Sequence[str]) -> list[str]:
    """The passages that are not among the texts of a scan."""
    read = set(texts)
    return [passage for passage in natural_passages() if passage not in read]


def ordered_passages(passages: Sequence[str], categories: Sequence[Category]) -> list[str]:
    """The passages such that the first ones, however many are read, say most about the categories; deterministic."""
    lists = [part for each in categories for part in (each.words, each.others)]
    counts, list_of = _counts(passages, lists)
    value = np.where(list_of % 2 == 0, 1, _OTHERS)  # [words]
    lengths = np.array([len(passage) for passage in passages])
    worth = counts**_REPEATED / lengths[:, None]  # [passages, words]
    seen = np.zeros(counts.shape[1])  # [words]
    informative = counts.sum(axis=1) > 0  # [passages]
    neutral = np.flatnonzero(~informative)
    neutral_rows = [row for first in range(5) for row in neutral[first::5].tolist()]  # of all works from the start
    order: list[int] = []
    length = neutral_length = 0
    while informative.any() or neutral_rows:
        if neutral_rows and (not informative.any() or neutral_length < _NEUTRAL * (length - _NEUTRAL_FROM)):
            row = neutral_rows.pop(0)
            neutral_length += int(lengths[row])
        else:
            of_list = np.bincount(list_of, seen)[list_of]  # [words]
            gains = worth @ (value * (1 + seen) ** -_REPEATED / (1 + (of_list / _OFTEN) ** 4))  # [passages]
            row = int(np.where(informative, gains, -1).argmax())
            informative[row] = False
            seen += counts[row]
        length += int(lengths[row])
        order.append(row)
    return [passages[row] for row in order]


def _counts(passages: Sequence[str], lists: Sequence[tuple[str, ...]]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """How often each word is in each passage, ``[passages, words]``, and the number of each word's list, ``[words]``.

    Close to what is counted when a text is read, and much faster over a long one: phrases are not told from parts of
    longer words.
    """
    words = [(word, number) for number, words in enumerate(lists) for word in words]
    columns: dict[str, list[int]] = {}  # of the words that match in any case by that in lower case, of others exactly
    for column, (word, _) in enumerate(words):
        columns.setdefault(word, []).append(column)
    phrases = [(column, word.lower()) for column, (word, _) in enumerate(words) if " " in word]
    counts = np.zeros((len(passages), len(words)))
    for row, passage in enumerate(passages):
        for spelling, count in Counter(re.findall(r"\w+", passage)).items():
            for form in {spelling, spelling.lower()}:
                for column in columns.get(form, ()):
                    counts[row, column] += count
        lower = passage.lower()
        for column, phrase in phrases:
            counts[row, column] = lower.count(phrase)
    return counts, np.array([number for _, number in words], np.intp)
