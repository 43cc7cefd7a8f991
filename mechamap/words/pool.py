"""How frequent a word is and what part of speech, and words of no category that others can be matched with.

A neuron that tells a category's words from others may read what they have in common besides their meaning: a capital
letter, a length, how rare they are. Control words are drawn to be like the category's words in these features, so that
the meaning is what is left.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

from mechamap.words.comparable import comparable

__all__ = ["ControlWord", "PartOfSpeech", "WordFeatures", "control_words", "features_of", "known_words"]

PartOfSpeech = Literal["noun", "name", "verb", "adjective", "adverb", "other"]


class WordFeatures(NamedTuple):
    """What is known of any word or phrase without a model.

    Attributes:
        word: as written.
        zipf: log10 of its occurrences in a billion words of English, to one decimal: 7 for "and", 4 for "ladder", 1 for
            the rarest; of a phrase that of its rarest word; None where a word is not in the table.
        part_of_speech: of its most frequent use; of a phrase that of its last word. Any word with a capital letter is a
            name, a numeral is a noun, and words of grammar are ``other``. None where it is not known.
    """

    word: str
    zipf: float | None
    part_of_speech: PartOfSpeech | None

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return _capital(self.word)

    @property
    def letters(self) -> int:
        """How many letters and digits it has; spaces and hyphens are not counted."""
        return _letters(self.word)


class ControlWord(NamedTuple):
    """A word in no category of the default config and near none, all of whose features (see above) are known."""

    word: str
    zipf: float
    part_of_speech: PartOfSpeech

    @property
    def capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return _capital(self.word)

    @property
    def letters(self) -> int:
        """How many letters it has."""
        return _letters(self.word)


class _Table(NamedTuple):
    known: dict[str, tuple[float, PartOfSpeech]]
    controls: tuple[ControlWord, ...]


@cache
def control_words() -> tuple[ControlWord, ...]:
    """All control words: frequent ones first, in the order of the alphabet where two are equally frequent."""
    return tuple(sorted(_table().controls, key=lambda control: (-control.zipf, control.word)))


def known_words() -> tuple[str, ...]:
    """All words whose frequency is known, members of categories among them, in no particular order."""
    return tuple(_table().known)


def features_of(word: str) -> WordFeatures:
    """The features of any word or phrase; a word that the table has only in another case has that one's frequency."""
    parts = re.findall(r"[^\s-]+", comparable(word).exact)
    known = [_known(part) for part in parts]
    frequencies = [entry[0] for entry in known if entry]
    rarest = min(frequencies) if known and all(known) else None
    part_of_speech = known[-1][1] if known and known[-1] else None
    return WordFeatures(word, rarest, "name" if parts and _capital(parts[-1]) else part_of_speech)


def _capital(word: str) -> bool:
    return word[:1].isupper()


def _letters(word: str) -> int:
    return sum(map(str.isalnum, comparable(word).exact))


def _known(word: str) -> tuple[float, PartOfSpeech] | None:
    table = _table().known
    return next((table[spelling] for spelling in (word, word.lower(), word.capitalize()) if spelling in table), None)


@cache
def _table() -> _Table:
    """The file: a line for each frequency, part of speech and kind, and its words."""
    known: dict[str, tuple[float, PartOfSpeech]] = {}
    controls: list[ControlWord] = []
    for line in (Path(__file__).parent / "words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            continue
        zipf, part, kind, *words = line.split()
        features = float(zipf), cast(PartOfSpeech, part)
        known |= dict.fromkeys(words, features)
        if kind == "control":
            controls += [ControlWord(word, *features) for word in words]
    return _Table(known, tuple(controls))
