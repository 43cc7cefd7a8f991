"""The tokens at many positions at once, by what they are in the vocabulary: a run over a corpus keeps millions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.runs.corpus.tokens import Numbers
from mechamap.runs.record import CORPUS_FORMAT
from mechamap.runs.run import Run

__all__ = ["pieces_at"]


def pieces_at(run: Run, positions: NDArray[np.integer]) -> tuple[list[str], NDArray[np.intp]]:
    """The pieces of text of some tokens, each listed once where that costs less.

    Over a corpus, tokens of one number in the vocabulary are taken to have one piece.

    Args:
        positions: of any shape; those that are not among the run's tokens count as none.

    Returns:
        Pieces, and for each position its place among them, of the same shape; -1 for none.
    """
    tokens = run.record.tokens
    count = len(tokens.pieces)
    places = np.where((positions >= 0) & (positions < count), positions, -1).astype(np.intp)
    if run.record.format != CORPUS_FORMAT:
        return list(run.token_text.shown), places
    there = places >= 0
    ids = np.asarray(tokens.ids.array if isinstance(tokens.ids, Numbers) else tokens.ids)[places[there]]
    _, first, of_position = np.unique(ids, return_index=True, return_inverse=True)
    shown = run.token_text.shown
    pieces = [shown[position] for position in places[there][first].tolist()]
    places[there] = of_position
    return pieces, places
