"""Control words drawn to be like a category's words in all but meaning, and strata of words that are alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.words.known import without_case
from mechamap.words.pool import WordFeatures, features_of

__all__ = ["Alike", "alike", "draw_matched", "feature_levels", "strata"]


_MOST_TOKENS = 3  # words of more are alike
_UNKNOWN_ZIPF = 0.5  # of a word that is in no list: rarer than those that are
_LEAST = 12  # words of a stratum; one of twice as many is parted
_BINS = 5  # of length and frequency, where a feature is looked at alone
# How much a difference weighs when controls are drawn: a word of other tokens or without the capital letter is taken
# only where there is none, a word that is drawn already for another category rather than a new one.
_OTHER_TOKENS, _OTHER_PART, _OTHER_INITIAL, _PER_ZIPF, _PER_LETTER, _DRAWN = 20.0, 1.5, 0.5, 2.0, 0.5, -0.25


@dataclass(frozen=True, slots=True)
class Alike:
    """The features of words as arrays, ``[words]`` each.

    Attributes:
        capital: whether they begin with a capital letter.
        letters: how many letters and digits they have.
        tokens: of how many tokens they are in a sentence, at most three.
        first: the first of these tokens.
        zipf: log10 of their occurrences in a billion words of English.
        initial: the first letter, in lower case, by its code.
        part: the number of their part of speech; inflected forms (costs, stayed) are a part of their own.
    """

    capital: NDArray[np.bool_]
    letters: NDArray[np.intp]
    tokens: NDArray[np.intp]
    first: NDArray[np.intp]
    zipf: NDArray[np.float64]
    part: NDArray[np.intp]
    initial: NDArray[np.intp]

    def take(self, chosen: NDArray[np.intp] | NDArray[np.bool_]) -> Alike:
        """The features of some of the words."""
        return Alike(*(getattr(self, name)[chosen] for name in self.__slots__))


_PARTS = ("noun", "name", "verb", "adjective", "adverb", "other")


def alike(words: Sequence[str], tokens: Sequence[Sequence[int]]) -> Alike:
    """The features of words that take these tokens in a sentence."""
    known = [features_of(word) for word in words]
    return Alike(
        np.array([features.capital for features in known], np.bool_),
        np.array([features.letters for features in known], np.intp),
        np.array([min(len(ids), _MOST_TOKENS) for ids in tokens], np.intp),
        np.array([ids[0] if len(ids) else -1 for ids in tokens], np.intp),
        np.array([_UNKNOWN_ZIPF if features.zipf is None else features.zipf for features in known]),
        np.array([_part(features) for features in known], np.intp),
        np.array([ord(without_case(word)[0]) for word in words], np.intp),
    )


def _part(features: WordFeatures) -> int:
    part = _PARTS.index(features.part_of_speech or ("name" if features.capital else "noun"))
    return part + len(_PARTS) * (not features.capital and _is_inflected(features.word))


_ENDINGS = (("ies", "y"), ("es", ""), ("s", ""), ("ied", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"))
_STEM = 3  # letters that are left at least


def _is_inflected(word: str) -> bool:
    """Whether a word is a shorter known one with an ending: costs, stayed, hugging."""
    if word.endswith(("ss", "us", "is")):
        return False
    for ending, restored in _ENDINGS:
        stem = word.removesuffix(ending)
        if stem == word or len(stem) < _STEM:
            continue
        doubled = stem[:-1] if stem[-1] == stem[-2] else stem
        if any(features_of(base + restored).zipf is not None for base in {stem, doubled}):
            return True
    return False


def draw_matched(members: Alike, pool: Alike, each: int, drawn: NDArray[np.bool_]) -> NDArray[np.intp]:
    """For each member the words of the pool that are most like it, none twice.

    Args:
        members: the features of a category's words.
        pool: those of the words to draw from.
        each: how many for each member; fewer where the pool is used up.
        drawn: ``[pool]``, which are controls of another category already: they are rather taken again.

    Returns:
        Their places in the pool, ascending.
    """
    if not len(pool.zipf):
        return np.zeros(0, np.intp)
    distance = (
        _OTHER_TOKENS * (members.tokens[:, None] != pool.tokens)
        + _OTHER_TOKENS * (members.capital[:, None] != pool.capital)
        + _OTHER_PART * (members.part[:, None] != pool.part)
        + _OTHER_INITIAL * (members.initial[:, None] != pool.initial)
        + _PER_ZIPF * np.abs(members.zipf[:, None] - pool.zipf)
        + _PER_LETTER * np.abs(members.letters[:, None] - pool.letters)
        + _DRAWN * drawn
    )  # [members, pool]
    chosen: set[int] = set()
    candidates = np.argsort(distance, axis=1, kind="stable")[:, : each * len(distance)]
    for _ in range(each):  # in turns, so that no member takes all that are like several
        for row in candidates.tolist():
            chosen |= {next((place for place in row if place not in chosen), row[0])} if row else set()
    return np.array(sorted(chosen), np.intp)


def strata(words: Alike) -> NDArray[np.intp]:
    """Groups of words with the same capital letter, number of tokens and part of speech, and about as frequent and
    as long: ``[words]``, numbered from 0.
    """
    cells = np.stack([words.capital, words.tokens, words.part], axis=1)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    numbers = np.zeros(len(cell), np.intp)
    groups = [np.flatnonzero(cell.ravel() == number) for number in range(int(cell.max(initial=-1)) + 1)]
    leaves = [leaf for group in groups for leaf in _parted(group, words)]
    for number, leaf in enumerate(leaves):
        numbers[leaf] = number
    return numbers


def _parted(group: NDArray[np.intp], words: Alike) -> list[NDArray[np.intp]]:
    """Halves of halves of a group, each time by the feature in which its words differ more."""
    if len(group) < 2 * _LEAST:
        return [group]
    zipf, letters = words.zipf[group], words.letters[group].astype(np.float64)
    by = zipf if _PER_ZIPF * zipf.std() >= _PER_LETTER * letters.std() else letters
    order = group[np.argsort(by, kind="stable")]
    return [leaf for half in (order[: len(order) // 2], order[len(order) // 2 :]) for leaf in _parted(half, words)]


def feature_levels(words: Alike) -> tuple[NDArray[np.intp], ...]:
    """The level of each of the :mod:`mechamap.words.features` at every word, ``[words]`` each; numbers are binned."""
    return (
        words.capital.astype(np.intp),
        _binned(words.letters),
        words.tokens - words.tokens.min(initial=0),
        _binned(words.zipf),
        words.part,
        np.unique(words.first, return_inverse=True)[1].ravel(),
        np.unique(words.initial, return_inverse=True)[1].ravel(),
    )


def _binned(values: NDArray[np.intp] | NDArray[np.float64]) -> NDArray[np.intp]:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(values) else np.zeros(0)
    return np.searchsorted(edges, values, "right")
