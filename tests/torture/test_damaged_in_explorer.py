"""Damaged runs in the explorer: refused with a dialog, or shown as far as they are good; no failure, and it lives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from support.damaged_in_explorer import open_damaged
from support.made_corpus_run import made_corpus_run
from support.recorded_run import checked_run
from support.torture_figures import record

from .test_keys import in_folder

SCALE = float(os.environ.get("MECHAMAP_TORTURE", "1"))
COUNTS = {"checked": 80, "corpus": 80}
MAKERS = {"checked": checked_run, "corpus": made_corpus_run}
BATCH = 40


def batches() -> list[tuple[str, int, int]]:
    return [
        (kind, first, min(first + BATCH, total))
        for kind, count in COUNTS.items()
        for total in [max(int(count * SCALE), 1)]
        for first in range(0, total, BATCH)
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("kind", "first", "last"), batches())
async def test_damaged_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, first: int, last: int) -> None:
    MAKERS[kind](tmp_path / "whole")
    wrong = []
    for seed in range(first, last):
        wrong += await open_damaged(tmp_path / "whole", in_folder(tmp_path, seed), seed, monkeypatch)
    assert wrong == []
    record("damaged in the explorer", last - first)
