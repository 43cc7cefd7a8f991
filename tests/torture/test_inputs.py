"""Damaged and hostile inputs by the thousand; a share of each is in `make test`. See docs/reliability.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.torture import Torture

from mechamap.engine.methods import METHODS

SCALE = float(os.environ.get("MECHAMAP_TORTURE", "1"))
BATCH = 500


def batches(count: int) -> list[range]:
    """Seeds in batches, none of which takes longer than a test may."""
    total = max(int(count * SCALE), 1)
    return [range(first, min(first + BATCH, total)) for first in range(0, total, BATCH)]


@pytest.fixture
def torture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Torture:
    return Torture(tmp_path, monkeypatch)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", batches(3_000), ids=str)
def test_damaged_runs(torture: Torture, seeds: range) -> None:
    torture.runs(seeds)
    assert torture.wrong == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", batches(6_000), ids=str)
def test_damaged_configs(torture: Torture, seeds: range) -> None:
    torture.configs(seeds)
    assert torture.wrong == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", batches(4_000), ids=str)
def test_damaged_csvs(torture: Torture, seeds: range) -> None:
    torture.csvs(seeds)
    assert torture.wrong == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", batches(5_000), ids=str)
def test_damaged_filters(torture: Torture, seeds: range) -> None:
    torture.filters(seeds)
    assert torture.wrong == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", batches(3_000), ids=str)
def test_damaged_messages(torture: Torture, seeds: range) -> None:
    torture.messages(seeds, lambda: METHODS)
    assert torture.wrong == []
