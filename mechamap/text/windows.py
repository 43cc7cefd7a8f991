"""Where a long text is cut into windows: between sentences, else between words, about equally long."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from mechamap.words.clusters import Clusters

__all__ = ["cuts"]


_BLANKS = re.compile(r"\s+")
# What may end a sentence: its sign, closing quotes and brackets, then blanks (none after the full-width
# signs of Chinese and Japanese); or an empty line.
_SENTENCE_GAP = re.compile(r"""(?<=[.!?…।॥؟۔։።])["'”’»)\]]*\s+|[。！？]["'”’」』）]*\s*|\n\s*\n\s*""")
_CLOSING = "\"'”’»)]。！？」』）"

_INSIDE_CHARACTER, _INSIDE_WORD, _WORD, _SENTENCE = 0, 1, 2, 3


def cuts(text: str, ends: NDArray[np.int32], room: int) -> list[int]:
    """The first token of each window.

    Args:
        text: the text.
        ends: [tokens] where each token's characters end, never decreasing.
        room: how many tokens fit a window.
    """
    n = len(ends)
    starts = [0]
    if n <= room:
        return starts
    quality = _cut_quality(text, ends)  # [tokens]
    while (rest := n - starts[-1]) > room:
        start = starts[-1]
        windows = -(-rest // room)
        target = start + -(-rest // windows)
        # Half the target at least: a window of a few tokens has no context to read.
        lowest, highest = max(start + 1, start + (target - start + 1) // 2), start + room
        candidates = quality[lowest : highest + 1]
        best = np.flatnonzero(candidates == candidates.max()) + lowest  # [best cuts]
        starts.append(int(best[np.abs(best - target).argmin()]))
    return starts


def _cut_quality(text: str, ends: NDArray[np.int32]) -> NDArray[np.int8]:
    """[tokens] how good a place for a cut is in front of each token."""
    cut_quality = np.full(len(text) + 1, _INSIDE_WORD, np.int8)  # [characters + 1]
    for gap in _BLANKS.finditer(text):
        cut_quality[gap.start() : gap.end() + 1] = _WORD
    for gap in _SENTENCE_GAP.finditer(text):
        closing = len(gap.group()) - len(gap.group().lstrip(_CLOSING))
        # A blank may belong to the piece after it or before it: anywhere in the blanks will do.
        cut_quality[gap.start() + closing : gap.end() + 1] = _SENTENCE
    cut_quality[Clusters(text).inside] = _INSIDE_CHARACTER
    front = np.concatenate(([0], ends[:-1]))  # [tokens] where the piece of each token begins
    quality = cut_quality[front]  # [tokens]
    quality[ends == front] = _INSIDE_CHARACTER  # further tokens of a character that has begun
    return quality
