"""What the tokens of a run stand for in its text, as it is shown: characters and words whole.

A record's pieces, joined, give the text back, so a character of several tokens is in the piece of the first, and those
of the others are empty. Nobody reads half a character: here each of these tokens has all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mechamap.words.clusters import Clusters

__all__ = ["TokenText"]


class TokenText:
    """Tokens and the texts that they were cut from.

    Args:
        pieces: ``[positions]``, which joined give the texts back.
        windows: number of the text, first position and length of each; tokens of a CSV have none, and no text.
        special: positions that stand for no text.
    """

    def __init__(
        self, pieces: Sequence[str], windows: Iterable[tuple[int, int, int]] = (), special: Iterable[int] = ()
    ) -> None:
        self._pieces = pieces
        self._places: dict[int, tuple[int, int, int]] = {}  # number of the text, first character, one past the last
        around = frozenset(special)
        parts: dict[int, list[str]] = {}
        lengths: dict[int, int] = {}
        for text, start, length in windows:
            place = lengths.get(text, 0)
            for position in range(start, min(start + length, len(pieces))):  # a damaged record has fewer
                if position not in around:
                    piece = pieces[position]
                    self._places[position] = text, place, place + len(piece)
                    parts.setdefault(text, []).append(piece)
                    place += len(piece)
            lengths[text] = place
        self._clusters = {text: Clusters("".join(part)) for text, part in parts.items()}

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """``[positions]`` the piece of each token, of the characters that it has a part of all."""
        return tuple(self._shown(position) for position in range(len(self._pieces)))

    def _shown(self, position: int) -> str:
        place = self._whole(position)
        return self._pieces[position] if place is None else place[0].text[place[1] : place[2]]

    def _whole(self, position: int) -> tuple[Clusters, int, int] | None:
        """The text that a token is of, and what it has of it in whole characters; None of one that is of no text."""
        if position not in self._places:
            return None
        text, start, end = self._places[position]
        clusters = self._clusters[text]
        if start == end and start:  # it completes the character in front
            start -= 1
        return clusters, clusters.begin(start), clusters.end(end)

    def word(self, position: int) -> str:
        """A token with the rest of the words that it begins and ends in, without the spaces around."""
        place = self._whole(position)
        if place is None:
            return self._pieces[position].strip() or self._pieces[position]
        clusters, start, end = place
        piece = clusters.text[start:end]
        if not piece.strip():
            return piece
        start, end = end - len(piece.lstrip()), start + len(piece.rstrip())
        first, last = clusters.word_around(start, end)
        return clusters.text[first:last]

    def around(self, position: int, window: range, width: int) -> tuple[str, str, str]:
        """Up to ``width`` characters in front of a token's piece, that piece, and up to as many behind it, in a
        window."""
        place = self._whole(position)
        if place is None:
            return "", self._pieces[position], ""
        clusters, start, end = place
        inside = [self._places[each] for each in window if each in self._places]
        first, last = min(inside[0][1], start), max(inside[-1][2], end)
        before = clusters.begin(max(first, start - width))
        after = clusters.end(min(last, end + width))
        return clusters.text[min(before, start) : start], clusters.text[start:end], clusters.text[end : max(after, end)]

    @cached_property
    def drawn(self) -> tuple[str, ...]:
        """``[positions]`` pieces that, joined, give the text back, each character whole at its first token."""
        drawn = list(self._pieces)
        for position, (text, start, end) in self._places.items():
            clusters = self._clusters[text]
            drawn[position] = clusters.text[clusters.end(start) : clusters.end(end)]
        return tuple(drawn)

    @cached_property
    def home(self) -> NDArray[np.intp]:
        """``[positions]`` where each token's characters are drawn: at itself, or at the first token of a character."""
        home = np.arange(len(self._pieces))
        for before, position in pairwise(sorted(self._places)):
            if not self.drawn[position] and self._places[before][0] == self._places[position][0]:
                home[position] = home[before]
        return home
