"""Damaged and hostile inputs by the thousand; a share of each is in `make test`. See docs/reliability.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.torture import Torture
from support.torture_figures import record

SCALE = float(os.environ.get("MECHAMAP_TORTURE", "1"))
COUNTS = {
    "runs": 3_000,
    "corpora": 1_000,
    "parts": 1_000,
    "configs": 6_000,
    "csvs": 4_000,
    "filters": 5_000,
    "messages": 3_000,
}
BATCH = 500


def batches() -> list[tuple[str, int, int]]:
    """Kinds of input and seeds in batches, none of which takes longer than a test may."""
    return [
        (kind, first, min(first + BATCH, total))
        for kind, count in COUNTS.items()
        for total in [max(int(count * SCALE), 1)]
        for first in range(0, total, BATCH)
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "first", "last"), batches())
def test_damaged_inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, first: int, last: int) -> None:
    torture = Torture(tmp_path, monkeypatch)
    getattr(torture, kind)(range(first, last))
    assert torture.wrong == []
    record(kind, last - first, torture.cpu, torture.memory)
