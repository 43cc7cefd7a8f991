"""A small share of `make torture`: damaged inputs are read, or refused in our own words, soon and shortly."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.torture import Torture

from mechamap.engine.methods import METHODS


@pytest.fixture
def torture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Torture:
    return Torture(tmp_path, monkeypatch)


def seeds(count: int) -> list[int]:
    return random.Random(7).sample(range(1_000_000, 2_000_000), count)


def test_damaged_runs(torture: Torture) -> None:
    torture.runs(seeds(40))
    assert torture.wrong == []


def test_damaged_configs(torture: Torture) -> None:
    torture.configs(seeds(150))
    assert torture.wrong == []


def test_damaged_csvs(torture: Torture) -> None:
    torture.csvs(seeds(60))
    assert torture.wrong == []


def test_damaged_filters(torture: Torture) -> None:
    torture.filters(seeds(150))
    assert torture.wrong == []


def test_damaged_messages(torture: Torture) -> None:
    torture.messages(seeds(40), lambda: METHODS)
    assert torture.wrong == []
