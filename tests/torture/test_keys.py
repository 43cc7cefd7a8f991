"""Five thousand random keys, from every screen: no failure that nobody foresaw, and the explorer lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.random_keys import STARTS, press_random_keys
from support.torture_figures import record

SCALE = float(os.environ.get("MECHAMAP_TORTURE", "1"))
EACH = 420  # of each screen; twelve of them


@pytest.mark.timeout(900)
@pytest.mark.parametrize("start", STARTS)
async def test_random_keys(tmp_path: Path, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed in range(3):
        count = max(int(EACH / 3 * SCALE), 5)
        assert await press_random_keys(in_folder(tmp_path, seed), start, count, seed, monkeypatch) == []
        record("keys", count)


def in_folder(parent: Path, seed: int) -> Path:
    folder = parent / str(seed)
    folder.mkdir()
    return folder
