"""Words to draw random lists from: those of the bundled table, and of other lists, whose words it may not have."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mechamap.words.pool import control_words, features_of, known_words

__all__ = ["RandomWords"]

RARE = 2.0  # log10 of occurrences in a billion words
LONG, MANY_TOKENS = 10, 3
GIVEN_NAMES = """
    Abigail Adam Agnes Aisha Albert Alejandro Alfred Alice Amara Andrew Angela Anita Anneliese Anthony Arthur
    Astrid Barbara Basil Beatrice Benjamin Bertha Bogdan Bridget Caroline Casimir Catherine Cecilia Charles Claire
    Clement Cornelius Daphne David Deborah Dimitri Dolores Dorothy Edgar Edith Edward Eleanor Elizabeth Emily
    Ernest Esther Eugene Fatima Felix Fiona Frances Frederick Gabriel George Gerald Gertrude Giovanni Gloria
    Gregory Gustav Hannah Harold Harriet Helen Henry Herbert Hiroshi Hubert Hugo Ignatius Ingrid Irene Isaac Isabel
    Ivan Jacob James Jane Jeremy Jessica John Jonathan Joseph Joyce Julia Karen Katherine Keiko Kenneth Lakshmi
    Laura Laurence Leonard Lorenzo Louise Lucas Lydia Magnus Margaret Martha Matthew Maurice Michael Mildred
    Mohammed Muriel Nadia Nathaniel Nicholas Nigel Nora Norman Olga Oliver Oscar Pamela Patrick Pauline Percival
    Philip Priscilla Rachel Ralph Raymond Rebecca Richard Robert Roland Ruth Samuel Sandra Sebastian Siegfried
    Simon Sophia Stanley Stephen Svetlana Sylvia Theodore Theresa Thomas Ursula Valerie Veronica Victor Vivian
    Walter Wilfred William Winifred Xavier Yolanda Yusuf Zachary Zoltan
"""


class RandomWords:
    """Lists by kind, each with the words that it is drawn from.

    Args:
        lists: files that hold a JSON mapping of a name to its nouns.
        wordnet: a folder with WordNet's index files, if there is one.
        tokenizer: tells how many tokens a word has.

    Attributes:
        kinds: by name, the words of that kind, each once.
    """

    def __init__(self, lists: Sequence[Path], wordnet: Path | None, tokenizer: Any) -> None:
        nouns = {word for file in lists for words in _read(file).values() for word in words if _is_word(word)}
        of_part = {part: _indexed(wordnet, part) for part in ("noun", "verb", "adj", "adv")}
        everything = sorted({*known_words(), *nouns, *(word for words in of_part.values() for word in words)})
        common = [word for word in everything if word.islower() and len(word) > 2]
        self._tokenizer = tokenizer
        self.kinds: dict[str, Sequence[str]] = {
            "words drawn from the same list as their controls": [control.word for control in control_words()],
            "WordNet nouns": sorted(nouns | of_part["noun"]),
            "capitalised words": [word for word in everything if word[:1].isupper()],
            "given names": GIVEN_NAMES.split(),
            "words of three tokens and more": self._of_many_tokens(common),
            "words of ten letters and more": [word for word in common if len(word) >= LONG],
            "verbs": sorted(of_part["verb"]) or _of_part(common, "verb"),
            "adjectives": sorted(of_part["adj"]) or _of_part(common, "adjective"),
            "adverbs": sorted(of_part["adv"]) or _of_part(common, "adverb"),
            "rare words": _where(common, lambda zipf: zipf is None or zipf <= RARE),
            "words that begin with s": [word for word in common if word.startswith("s")],
        }

    def draw(self, kind: str, words: int, seed: int) -> tuple[str, ...]:
        """Some words of a kind, each once; the same ones for a seed."""
        rng = np.random.default_rng(seed)
        return tuple(rng.choice(np.array(self.kinds[kind], dtype=object), words, replace=False))

    def _of_many_tokens(self, words: Sequence[str]) -> list[str]:
        encoded = self._tokenizer([f" {word}" for word in words], add_special_tokens=False, verbose=False)["input_ids"]
        return [word for word, ids in zip(words, encoded, strict=True) if len(ids) >= MANY_TOKENS]


def _read(file: Path) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = json.loads(file.read_text(encoding="utf-8"))
    return lists


def _indexed(wordnet: Path | None, part: str) -> set[str]:
    """The words of a part of speech that were met in WordNet's tagged texts: the others are ones that nobody lists.

    The index has names in lower case; those that are known as names are left out.
    """
    if wordnet is None:
        return set()
    known = set(known_words())
    rows = (line.split() for line in (wordnet / f"index.{part}").read_text(encoding="utf-8").splitlines())
    words = {row[0] for row in rows if row and _is_word(row[0]) and row[-int(row[2]) - 1] != "0"}
    return {word for word in words if word in known or word.capitalize() not in known}


def _is_word(word: str) -> bool:
    return word.isascii() and word.isalpha() and len(word) > 2


def _of_part(words: Sequence[str], part: str) -> list[str]:
    return [word for word in words if features_of(word).part_of_speech == part]


def _where(words: Sequence[str], holds: Callable[[float | None], bool]) -> list[str]:
    return [word for word in words if holds(features_of(word).zipf)]
