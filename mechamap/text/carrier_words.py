"""The words of a confirmation: those of the categories, words that match them, and near relatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.config.scan_config import ScanConfig
from mechamap.words.known import KnownWords, without_case, word_key
from mechamap.words.matching import Alike, alike, draw_matched
from mechamap.words.pool import control_words, features_of

__all__ = ["MATCHED", "CarrierWords", "carrier_words"]


MATCHED = 2  # control words drawn for each word of a category


@dataclass(frozen=True, slots=True)
class CarrierWords:
    """Words, each once, and what each is for.

    Attributes:
        words: all of them; first those of categories, then those of the contrast, then those that match, then the near
            relatives that are none of these.
        members: ``[words, categories]``, which are in which category.
        matched: ``[words, categories]``, which were drawn to be like a category's words in all but meaning.
        near: ``[words, categories]``, which are a category's near relatives.
        contrast: ``[words]``, which are in no category and are what every category is compared with.
        features: capital letter, length, tokens and so on of every word.
    """

    words: tuple[str, ...]
    members: NDArray[np.bool_]
    matched: NDArray[np.bool_]
    near: NDArray[np.bool_]
    contrast: NDArray[np.bool_]
    features: Alike

    @property
    def plain(self) -> int:
        """How many of the first words are in a category or of the contrast: a category is compared with all others."""
        return int((self.members.any(axis=1) | self.contrast).sum())

    @property
    def comparable(self) -> int:
        """How many of the first words are these, or drawn to match some of them."""
        return int((self.members.any(axis=1) | self.contrast | self.matched.any(axis=1)).sum())

    def take(self, kept: list[int]) -> CarrierWords:
        """Some of the words."""
        return CarrierWords(
            tuple(self.words[n] for n in kept),
            self.members[kept],
            self.matched[kept],
            self.near[kept],
            self.contrast[kept],
            self.features.take(np.array(kept, np.intp)),
        )


class _Rows:
    """The words, each once, in the order in which they came; two spellings of one word are one."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self._rows: dict[str, int] = {}

    def of(self, word: str) -> int:
        """The row of a word, a new one where it is new."""
        row = self._rows.setdefault(word_key(word), len(self.words))
        if row == len(self.words):
            self.words.append(word)
        return row


def carrier_words(config: ScanConfig, tokenizer: Any) -> CarrierWords:
    """The words that a confirmation needs; a word of two categories is in both.

    A contrast word that is in a category is left out of the contrast, a near relative that is in another category is
    that one's member too.
    """
    rows = _Rows()
    of_category = [[rows.of(word) for word in category.words] for category in config.categories]
    named = KnownWords(rows.words)
    contrast = [rows.of(word) for word in config.contrast or () if named.like(word) is None]
    matched = _matched(config, tokenizer, rows)
    if config.contrast is None:
        contrast = sorted({row for drawn in matched for row in drawn})
    near = [[rows.of(word) for word in category.near] for category in config.categories]
    words = tuple(rows.words)
    return CarrierWords(
        words,
        _marked(len(words), of_category),
        _marked(len(words), matched),
        _marked(len(words), near),
        _marked(len(words), [contrast])[:, 0],
        alike(words, _tokens(words, tokenizer)),
    )


def _matched(config: ScanConfig, tokenizer: Any, rows: _Rows) -> list[list[int]]:
    """For each category the rows of the words drawn for it; new ones are added to ``rows``.

    None are drawn where the sentences are not in English: English words in them would be told apart by that alone.
    """
    if not _english(config.templates):
        return [[] for _ in config.categories]
    lists = [(*category.words, *category.others, *category.near) for category in config.categories]
    listed = {without_case(word) for words in lists for word in words}
    pool = [control.word for control in control_words() if without_case(control.word) not in listed]
    unknown = tokenizer.unk_token_id
    known = [(word, ids) for word, ids in zip(pool, _tokens(pool, tokenizer), strict=True) if unknown not in ids]
    pool = [word for word, _ in known]
    features = alike(pool, [ids for _, ids in known])
    drawn = np.zeros(len(pool), np.bool_)
    matched = []
    for category in config.categories:
        members = alike(category.words, _tokens(category.words, tokenizer))
        places = draw_matched(members, features, MATCHED, drawn)
        drawn[places] = True
        matched.append([rows.of(pool[place]) for place in places.tolist()])
    return matched


def _english(templates: Sequence[str]) -> bool:
    words = [word for template in templates for word in re.findall(r"[^\W\d_]+", template)]
    return 2 * sum(features_of(word).zipf is not None for word in words) >= len(words)


def _tokens(words: tuple[str, ...] | list[str], tokenizer: Any) -> list[list[int]]:
    """The tokens of each word behind a space, as it stands in a sentence."""
    if not words:
        return []
    encoded = tokenizer([f" {word}" for word in words], add_special_tokens=False, verbose=False)
    ids: list[list[int]] = encoded["input_ids"]
    return ids


def _marked(words: int, chosen: list[list[int]]) -> NDArray[np.bool_]:
    marked = np.zeros((words, len(chosen)), np.bool_)
    for column, rows in enumerate(chosen):
        marked[rows, column] = True
    return marked
