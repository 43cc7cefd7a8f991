"""A tokenized text as a run keeps it."""

from __future__ import annotations

import numpy as np

from mechamap.runs.record import TokenRecord
from mechamap.text.tokenize import TokenizedText

__all__ = ["token_record"]


def token_record(text: TokenizedText) -> TokenRecord:
    """What the run's record keeps of the tokens; offsets are not among it, as words were found by then."""
    return TokenRecord(
        ids=tuple(text.ids.tolist()),
        pieces=text.pieces,
        windows=tuple((window.text, window.start, window.length) for window in text.windows),
        special=tuple(np.flatnonzero(text.offsets[:, 0] < 0).tolist()),
        excluded=tuple(np.flatnonzero(~text.scored).tolist()),
    )
