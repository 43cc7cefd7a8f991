"""What a run keeps of its tokens."""

from __future__ import annotations

import numpy as np

from mechamap.runs.record import TokenRecord
from mechamap.text.token_record import token_record
from mechamap.text.tokenize import TokenizedText, Window


def test_every_position_is_kept_with_its_piece_and_whether_it_counts() -> None:
    text = TokenizedText(
        ids=np.array([1, 7, 8, 2], np.int32),
        pieces=("<s>", "A ", "cat", "</s>"),
        offsets=np.array([[-1, -1], [0, 2], [2, 5], [-1, -1]], np.int32),
        special=np.array([True, False, False, True]),
        scored=np.array([False, True, True, False]),
        windows=(Window(0, 0, 4),),
    )
    assert token_record(text) == TokenRecord((1, 7, 8, 2), ("<s>", "A ", "cat", "</s>"), ((0, 0, 4),), (0, 3), (0, 3))
