"""The choice among the words that may be controls: some of each frequency, part of speech and length."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from itertools import chain, zip_longest
from typing import NamedTuple, TypeVar

__all__ = ["Candidate", "chosen"]

_T = TypeVar("_T")
# How many of each half unit of frequency, by its lower end. Most words of a category are frequent, and each needs
# several controls, so there are most of the frequent ones; what is rarer is there for lists of rare words.
_LOWER = {0.5: 300, 1.0: 400, 1.5: 500, 2.0: 650, 2.5: 750, 3.0: 900, 3.5: 1000, 4.0: 1200}
_CAPITAL = {0.5: 150, 1.0: 250, 1.5: 300, 2.0: 350, 2.5: 400, 3.0: 500}
_SHARES = {"noun": 5, "verb": 2, "adjective": 2, "adverb": 1, "other": 1, "name": 1}


class Candidate(NamedTuple):
    """A word that may be a control."""

    word: str
    zipf: float
    part_of_speech: str


def chosen(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Some of each kind, the same ones every time."""
    kept: list[Candidate] = []
    for (band, capital), words in _grouped(candidates, lambda c: (_band(c), c.word[0].isupper())).items():
        most = (_CAPITAL if capital else _LOWER).get(band, len(words))
        parts = _grouped(words, lambda c: c.part_of_speech)
        dealt = [_chunks(_by_length(parts[part]), _SHARES[part]) for part in sorted(parts)]
        turns = (chunk for turn in zip_longest(*dealt, fillvalue=()) for chunk in turn)
        kept += list(chain.from_iterable(turns))[:most]
    return kept


def _band(candidate: Candidate) -> float:
    return max(int(candidate.zipf * 2) / 2, 0.5)


def _by_length(words: Sequence[Candidate]) -> list[Candidate]:
    """Every length in turn, so that rare lengths are all there; within one in an order that only the spelling fixes."""
    ordered = sorted(words, key=lambda c: blake2b(c.word.encode()).digest())
    lengths = _grouped(ordered, lambda c: len(c.word))
    turns = zip_longest(*(lengths[length] for length in sorted(lengths)))
    return [candidate for turn in turns for candidate in turn if candidate is not None]


def _grouped(items: Iterable[Candidate], key: Callable[[Candidate], _T]) -> dict[_T, list[Candidate]]:
    groups: dict[_T, list[Candidate]] = defaultdict(list)
    for item in items:
        groups[key(item)].append(item)
    return groups


def _chunks(words: Sequence[Candidate], size: int) -> list[Sequence[Candidate]]:
    return [words[start : start + size] for start in range(0, len(words), size)]
