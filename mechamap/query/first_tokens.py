"""The token at which each neuron is highest: what filters and tables call ``first_token``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.token_pieces import pieces_at
from mechamap.runs.run import Run
from mechamap.words.known import without_case

__all__ = ["FirstTokens"]


@dataclass(frozen=True, slots=True)
class FirstTokens:
    """The tokens, spaces around them and case aside.

    Attributes:
        tokens: each once, as it stands first among the run's pieces.
        places: of each neuron's among them, ``[neurons]``; -1 for a neuron that has none.
    """

    tokens: tuple[str, ...]
    places: NDArray[np.intp]

    @classmethod
    def of(cls, run: Run) -> FirstTokens:
        """Those of a run; no neuron has one where the run keeps no positions."""
        if not run.has("top_positions"):
            return cls((), np.full(run.neurons, -1, np.intp))
        pieces, places = pieces_at(run, run.figure("top_positions")[:, 0])
        shown: dict[str, str] = {}
        spelled = [without_case(piece.strip()) for piece in pieces]
        for folded, piece in zip(spelled, pieces, strict=True):
            shown.setdefault(folded, piece.strip())
        number = {folded: place for place, folded in enumerate(shown)}
        of_piece = np.array([*(number[folded] for folded in spelled), -1], np.intp)  # place -1 takes the last: none
        return cls(tuple(shown.values()), of_piece[places])

    def matching(self, text: str) -> NDArray[np.bool_]:
        """Which neurons are highest at a token, ``[neurons]``."""
        folded = without_case(text.strip())
        there = [place for place, token in enumerate(self.tokens) if without_case(token) == folded]
        return np.isin(self.places, there)

    @property
    def ranks(self) -> NDArray[np.float64]:
        """The place in the alphabet of each neuron's token, ``[neurons]``; NaN for a neuron that has none."""
        order = np.argsort(np.array([without_case(token) for token in self.tokens], dtype=np.str_))
        ranks = np.full(len(self.tokens) + 1, np.nan)  # the last for none
        ranks[order] = np.arange(len(order))
        named: NDArray[np.float64] = ranks[self.places]
        return named
