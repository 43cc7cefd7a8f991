"""What the tokens of a run over a corpus stand for, a stretch of its tokens at a time: nobody looks at all of them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import overload

import numpy as np
from numpy.typing import NDArray

from mechamap.words.token_text import TokenText

__all__ = ["StretchText"]


_KEPT = 512  # stretches


class StretchText:
    """The same as :class:`mechamap.words.token_text.TokenText`, worked out for each stretch when it is asked for.

    Args:
        pieces: ``[positions]``.
        stretches: number of the document, first position and length of each, one after another.
    """

    def __init__(self, pieces: Sequence[str], stretches: Sequence[tuple[int, int, int]]) -> None:
        self._pieces = pieces
        self._stretches = stretches
        self._text_of = lru_cache(_KEPT)(self._read)

    def _read(self, number: int) -> tuple[int, TokenText]:
        """The first position of a stretch, and its text."""
        _, first, length = self._stretches[number]
        return first, TokenText(self._pieces[first : first + length], [(0, 0, length)])

    def _at(self, position: int) -> tuple[int, TokenText]:
        number = bisect_right(self._stretches, position, key=lambda stretch: stretch[1]) - 1
        return self._text_of(max(number, 0))

    def stretch_at(self, position: int) -> tuple[int, TokenText]:
        """The first position of the stretch that holds a position, and the text of that stretch alone."""
        return self._at(position)

    @cached_property
    def shown(self) -> Sequence[str]:
        """``[positions]`` the piece of each token, of the characters that it has a part of all."""
        return _Lazy(len(self._pieces), self._shown)

    def _shown(self, position: int) -> str:
        if _stands_alone(self._pieces[max(position - 1, 0) : position + 2], min(position, 1)):
            return self._pieces[position]
        first, text = self._at(position)
        return text.shown[position - first]

    def word(self, position: int) -> str:
        """A token with the rest of the words that it begins and ends in, without the spaces around."""
        first, text = self._at(position)
        return text.word(position - first)

    def around(self, position: int, window: range, width: int) -> tuple[str, str, str]:
        """Up to ``width`` characters in front of a token's piece, that piece, and up to as many behind it."""
        first, text = self._at(position)
        return text.around(position - first, range(window.start - first, window.stop - first), width)

    @cached_property
    def drawn(self) -> Sequence[str]:
        """``[positions]`` pieces that, joined, give the text back, each character whole at its first token."""
        return _Lazy(len(self._pieces), self._drawn)

    def _drawn(self, position: int) -> str:
        first, text = self._at(position)
        return text.drawn[position - first]

    @property
    def home(self) -> NDArray[np.intp]:
        """``[positions]`` where each token's characters are drawn."""
        homes = [np.zeros(0, np.intp)]
        for number in range(len(self._stretches)):
            first, text = self._read(number)
            homes.append(text.home + first)
        return np.concatenate(homes)


def _stands_alone(pieces: Sequence[str], place: int) -> bool:
    """Whether a token is of whole characters for certain: of ASCII, between ASCII, and not in the middle of a line's
    end. Where thousands of tokens are shown, this saves taking their stretches apart."""
    return all(piece.isascii() and piece for piece in pieces) and pieces[place][-1] != "\r" and pieces[place][0] != "\n"


class _Lazy(Sequence[str]):
    """Texts that are worked out when they are asked for."""

    def __init__(self, length: int, item: Callable[[int], str]) -> None:
        self._length = length
        self._item = item

    def __len__(self) -> int:
        return self._length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            return [self._item(position) for position in range(*index.indices(self._length))]
        return self._item(range(self._length)[index])
