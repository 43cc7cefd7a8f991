"""A scan over a corpus as the engine reports it: tokens, their speed, shards, the time left."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechamap.engine.progress import ProgressTicker
from mechamap.events import CorpusProgress, ScanEvent, ScanStarted, ShardFinished, Stage
from mechamap.protocol.messages import Progress
from mechamap_tui.scan.screen import bar, facts
from mechamap_tui.widgets.progress import progress_line


def told(*events: ScanEvent) -> Progress:
    ticker = ProgressTicker(lambda progress: None)
    ticker.hear(ScanStarted(Path("run"), 4, 2560, 0, 0))
    for event in events:
        ticker.hear(event)
    return ticker.snapshot()


def test_it_is_a_corpus_before_the_first_token_was_read() -> None:
    progress = told(CorpusProgress(0, 0.0, 8000, 0, 4))
    assert progress.over_corpus
    assert progress_line(progress) == "● scanning 0/8.0k tokens, 0/4 shards"
    assert dict(facts(progress))["rate"] == "—"
    assert bar(progress).endswith(" 0%")


def test_tokens_tell_how_far_it_is_and_the_time_left() -> None:
    progress = told(CorpusProgress(1500, 310.0, 6000, 0, 4), ShardFinished(0, 1, 4, 3000))
    assert progress.stage == Stage.PASS
    assert (progress.tokens, progress.tokens_rate, progress.shards_done, progress.shards_total) == (3000, 310.0, 1, 4)
    assert progress.eta == pytest.approx(3000 / 310)
    assert progress_line(progress) == "● scanning 3.0k/6.0k tokens, 1/4 shards, 310/s, 9.7 s left"
    assert dict(facts(progress))["shards"] == "1 of 4"
    assert dict(facts(progress))["tokens"] == "3,000 of about 6,000"
    assert bar(progress).endswith("50%")


@pytest.mark.parametrize(
    ("room", "line"),
    [
        (60, "● scanning 3.0k/6.0k tokens, 1/4 shards, 310/s, 9.7 s left"),
        (50, "● scanning 3.0k/6.0k tokens, 310/s, 9.7 s left"),
        (40, "● scanning 3.0k/6.0k tokens, 9.7 s left"),
        (32, "● 3.0k/6.0k tokens, 9.7 s left"),
        (20, "● 3.0k/6.0k, 9.7 s left"),
    ],
)
def test_where_there_is_little_room_the_tokens_and_the_time_left_stay(room: int, line: str) -> None:
    progress = told(CorpusProgress(3000, 310.0, 6000, 1, 4))
    assert progress_line(progress, room=room) == line


def test_the_time_left_of_a_resumed_scan_is_that_of_what_is_left() -> None:
    progress = told(CorpusProgress(9000, 300.0, 9600, 8, 10))
    assert progress.eta == pytest.approx(2.0)


def test_a_stream_without_an_end_has_no_time_left() -> None:
    progress = told(CorpusProgress(1500, 310.0), ShardFinished(0, 1, None, 2000))
    assert progress.eta is None
    assert progress_line(progress) == "● scanning 2.0k tokens, 1 shard, 310/s"
