"""A command as one line: words quoted as a shell quotes them, and read back without a shell.

Nothing is expanded, and no line holds more than one command: a ``|`` or a ``$`` outside quotes is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mechamap.errors import UsageError
from mechamap.wording.plain import shortened

__all__ = ["command_line", "quoted_word", "words_of"]


_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_OF_A_SHELL = frozenset("|&;<>()`$\r\n")  # what a shell would do more with than take it as a letter
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"', "a": "\a", "b": "\b", "e": "\x1b",
            "f": "\f", "v": "\v", "0": "\0"}  # fmt: skip
_SPELLED = {"\n": r"\n", "\r": r"\r", "\t": r"\t", "\\": r"\\", "'": r"\'"}
_CODE = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})")


def quoted_word(word: str) -> str:
    """A word as bash and zsh read it; what cannot be printed is spelled out, so that it stays on one line."""
    if _PLAIN.fullmatch(word):
        return word
    if word.isprintable():
        return "'" + word.replace("'", "'\\''") + "'"
    return "$'" + "".join(map(_spelled, word)) + "'"


def command_line(words: Iterable[str]) -> str:
    """A command on one line."""
    return " ".join(map(quoted_word, words))


def words_of(line: str) -> tuple[list[str], str]:
    """The words of a line, and the comment behind them, without its sign.

    Raises:
        UsageError: a quote is not closed, or the line is more than one command of words.
    """
    words: list[str] = []
    word: list[str] | None = None
    letters = _Letters(line)
    for letter in letters:
        if letter in " \t":
            if word is not None:
                words.append("".join(word))
            word = None
        elif letter == "#" and word is None:
            return words, letters.rest.strip()
        elif letter in "'\"" or (letter == "$" and letters.next == "'"):
            word = [*(word or ()), *letters.until_quote(letter)]
        elif letter == "\\":
            word = [*(word or ()), letters.take()]
        elif letter in _OF_A_SHELL:
            raise _wrong(line, f"{letter!r} stands outside of quotes")
        else:
            word = [*(word or ()), letter]
    if word is not None:
        words.append("".join(word))
    return words, ""


class _Letters(Iterator[str]):
    """The letters of a line, one after another."""

    def __init__(self, line: str) -> None:
        self._line = line
        self._at = 0

    def __next__(self) -> str:
        if self._at >= len(self._line):
            raise StopIteration
        self._at += 1
        return self._line[self._at - 1]

    @property
    def rest(self) -> str:
        return self._line[self._at :]

    @property
    def next(self) -> str:
        return self._line[self._at : self._at + 1]

    def take(self) -> str:
        """The next letter.

        Raises:
            UsageError: there is none.
        """
        letter = next(self, None)
        if letter is None:
            raise _wrong(self._line, "a quote is not closed")
        return letter

    def until_quote(self, begin: str) -> Iterator[str]:
        """The letters within quotes that ``begin`` has opened, which is ``'``, ``"``, or ``$`` in front of a ``'``."""
        quote = self.take() if begin == "$" else begin
        while (letter := self.take()) != quote:
            if letter == "\\" and begin == "$":
                yield self._escaped()
            elif letter == "\\" and begin == '"' and self.next in '"\\$`':
                yield self.take()
            elif letter in "$`" and begin == '"':
                raise _wrong(self._line, f"{letter!r} stands in double quotes")
            else:
                yield letter

    def _escaped(self) -> str:
        code = _CODE.match(self._line, self._at)
        if code is None:
            letter = self.take()
            return _ESCAPES.get(letter, f"\\{letter}")
        self._at = code.end()
        number = int(code[1] or code[2] or code[3], 16)
        if number > 0x10FFFF:
            raise _wrong(self._line, f"{code[0]} is no character")
        return chr(number)


def _spelled(letter: str) -> str:
    if letter in _SPELLED:
        return _SPELLED[letter]
    if letter.isprintable():
        return letter
    number = ord(letter)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _wrong(line: str, problem: str) -> UsageError:
    return UsageError(f"{shortened(line)!r} is no single command: {problem}.", "Put texts in single quotes.")
