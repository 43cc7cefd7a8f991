"""A small share of `make torture`: damaged inputs are read, or refused in our own words, soon and shortly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.torture import Torture


@pytest.mark.parametrize(
    ("kind", "count"),
    [("runs", 40), ("corpora", 12), ("parts", 25), ("configs", 150), ("csvs", 60), ("filters", 150), ("messages", 40)],
)
def test_damaged_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, count: int) -> None:
    torture = Torture(tmp_path, monkeypatch)
    getattr(torture, kind)(random.Random(7).sample(range(1_000_000, 2_000_000), count))
    assert torture.wrong == []
