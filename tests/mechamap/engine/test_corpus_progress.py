"""A scan over a corpus as the engine reports it: tokens, their speed, shards, the time left."""

from __future__ import annotations

from pathlib import Path

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


def test_tokens_are_counted_before_the_first_shard_is_done() -> None:
    progress = told(CorpusProgress(1500, 310.0))
    assert progress.stage == Stage.PASS
    assert (progress.tokens, progress.tokens_rate, progress.shards_done) == (1500, 310.0, 0)
    assert progress.eta is None
    assert progress_line(progress) == "● scanning 1.5k tokens, 310/s"
    assert dict(facts(progress))["rate"] == "310 tokens/s"


def test_shards_tell_how_far_it_is_and_the_time_left() -> None:
    progress = told(CorpusProgress(1500, 310.0), ShardFinished(0, 1, 4, 2000), ShardFinished(1, 2, 4, 4000))
    assert (progress.shards_done, progress.shards_total, progress.tokens) == (2, 4, 4000)
    assert progress.eta is not None
    assert progress_line(progress) == "● scanning 2/4 shards, 4.0k tokens, 310/s"
    assert dict(facts(progress))["shards"] == "2 of 4"
    assert bar(progress).endswith("50%")


def test_a_resumed_scan_counts_its_own_shards_for_the_time_left() -> None:
    progress = told(CorpusProgress(9000, 310.0), ShardFinished(7, 8, 10, 9000))
    assert progress.eta is not None
    fresh = told(CorpusProgress(9000, 310.0), ShardFinished(0, 1, 3, 9000))
    assert fresh.eta is not None
    assert abs(progress.eta - fresh.eta) < 0.5, "two shards left, one read in either"


def test_a_stream_without_an_end_has_no_time_left() -> None:
    progress = told(CorpusProgress(1500, 310.0), ShardFinished(0, 1, None, 2000))
    assert progress.eta is None
    assert progress_line(progress) == "● scanning 1 shard, 2.0k tokens, 310/s"
