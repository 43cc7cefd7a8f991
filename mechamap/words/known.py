"""Which words of a list nothing in a text could tell apart."""

from __future__ import annotations

from collections.abc import Iterable

from mechamap.words.comparable import comparable_word, folded, is_in_lower_case

__all__ = ["KnownWords", "without_case", "word_key"]


LETTER_APOSTROPHE = "ʼ"  # a letter to Unicode; in Ukrainian a plain apostrophe is written for it as well


def word_key(word: str) -> str:
    """The same for two spellings of which each is found wherever the other is, as a composed letter and a decomposed
    one; a word in lower case, which matches in any case, keeps no case."""
    exact = _spelled(word)
    return folded(exact) if is_in_lower_case(exact) else exact


def without_case(word: str) -> str:
    """The same for two spellings that differ in case at most."""
    return folded(_spelled(word))


def _spelled(word: str) -> str:
    exact = comparable_word(word) or word  # of nothing but invisible characters nothing would be left
    return exact.replace(LETTER_APOSTROPHE, "'")


class KnownWords:
    """Words, each of which may be one of those before it to whoever reads a text.

    ``IT`` and ``It`` are two words, as a word with a capital matches exactly as written; ``it`` finds both of them.
    """

    def __init__(self, words: Iterable[str] = ()) -> None:
        self._by_key: dict[str, str] = {}
        self._without_case: dict[str, str] = {}
        for word in words:
            self.add(word)

    def like(self, word: str) -> str | None:
        """The word that finds some or all of what this one finds, if there is one."""
        key, plain = word_key(word), without_case(word)
        if key == plain:
            return self._without_case.get(plain)
        return self._by_key.get(key) or self._by_key.get(plain)

    def add(self, word: str) -> None:
        """Know one more."""
        self._by_key.setdefault(word_key(word), word)
        self._without_case.setdefault(without_case(word), word)
