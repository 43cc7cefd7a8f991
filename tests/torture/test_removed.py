"""A run that is taken away while something is done with it: told, nothing unforeseen, and a moved one can be read."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from support.killed import take_away
from support.random_keys import press_random_keys
from support.torture_figures import record

from mechamap.runs.run import Run

from .test_keys import in_folder
from .test_kills import SCALE, run_killed

WAYS = ("removed", "moved", "replaced", "unreadable", "cut")
TRIES = {"scan": max(int(8 * SCALE), 2), "confirm": max(int(4 * SCALE), 2)}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("work", ["scan", "confirm"])
def test_work_on_a_run_that_is_taken_away_says_so(tmp_path: Path, work: str, way: str) -> None:
    ended = dict(line.split() for line in run_killed("removed", work, way, tmp_path, 0, TRIES[work]).splitlines())
    assert len(ended) == TRIES[work] and set(ended.values()) <= {"done", "told"}, ended
    record("taken away", TRIES[work])
    for moved in tmp_path.glob("*-moved"):
        assert not (moved / "run.json").exists() or Run.open(moved).record.layers


@pytest.mark.timeout(900)
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("start", ["run", "detail", "filter", "export", "confirm", "report", "info"])
async def test_a_run_that_is_open_in_the_explorer(
    tmp_path: Path, start: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(2):
        count = max(int(60 * SCALE), 12)
        folder = in_folder(tmp_path, seed)
        away = partial(take_away, way=way)
        assert await press_random_keys(folder, start, count, seed, monkeypatch, meanwhile=away) == []
        record("taken away in the explorer", 1)
