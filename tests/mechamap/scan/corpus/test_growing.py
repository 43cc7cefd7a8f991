"""A run over a corpus while its scan goes on: what is told, and what whoever opens the run finds at any moment."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest

from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, CorpusError
from mechamap.events import CorpusProgress, ScanEvent, ScanStarted, ShardFinished, StageEntered
from mechamap.runs.run import Run
from mechamap.scan.corpus import corpus_scan
from mechamap.scan.corpus.part import Part
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.with_checks import Checks, scan_and_check

SHARDS = {"shard_tokens": 180, "sample": 100, "occurrences": 10}


class Onlooker:
    """Opens the run whenever something is told, and notes what it is like."""

    def __init__(self, stop_after: int = 0) -> None:
        self.cancel = threading.Event()
        self.progress: list[CorpusProgress] = []
        self.seen: list[tuple[str, int, int]] = []  # state, shards, tokens, each once
        self._folder = None
        self._stop_after = stop_after

    def __call__(self, event: ScanEvent) -> None:
        match event:
            case ScanStarted():
                self._folder = event.run
            case CorpusProgress():
                self.progress.append(event)
                self._look()
            case ShardFinished():
                if event.done == self._stop_after:
                    self.cancel.set()

    def _look(self) -> None:
        run = Run.open(self._folder)
        corpus = run.record.corpus
        if corpus is None:
            assert run.record.figures == ()
            return
        np.testing.assert_array_equal(run.figure("max"), run.figure("highest_values")[:, 0])
        positions = run.figure("highest_positions")[:, 0]
        assert positions.max() < len(run.record.tokens.ids) == corpus.kept_tokens
        here = (run.record.state, corpus.merged, corpus.tokens)
        if here not in self.seen:
            self.seen.append(here)


@pytest.fixture
def every_shard(monkeypatch):
    """Figures are published at the end of each shard."""
    monkeypatch.setattr(corpus_scan, "_PAUSE", 0.0)
    monkeypatch.setattr(corpus_scan, "_SHARE", 0)


def test_whoever_looks_on_finds_whole_publications(scanned, tmp_path, every_shard):
    onlooker = Onlooker()
    run = scanned(tmp_path / "run", on_event=onlooker, **SHARDS)
    assert {state for state, _, _ in onlooker.seen} == {"running"}
    merged = [shards for _, shards, _ in onlooker.seen]
    assert merged == list(range(1, run.record.corpus.shards + 1))
    tokens = [tokens for _, _, tokens in onlooker.seen]
    assert tokens == sorted(tokens) and tokens[-1] == run.record.corpus.tokens


def test_figures_are_published_after_the_first_shard_and_then_not_too_often(scanned, tmp_path):
    onlooker = Onlooker()
    run = scanned(tmp_path / "run", on_event=onlooker, **SHARDS)
    assert run.record.corpus.shards > 5
    assert [shards for _, shards, _ in onlooker.seen] == [1], "the others came within the first half minute"


def test_progress_tells_how_much_there_will_be(scanned, tmp_path):
    onlooker = Onlooker()
    run = scanned(tmp_path / "run", on_event=onlooker, **SHARDS)
    first, last = onlooker.progress[0], onlooker.progress[-1]
    assert (first.tokens, first.done, first.shards) == (0, 0, run.record.corpus.shards)
    assert first.expected == pytest.approx(run.record.corpus.tokens, rel=0.35), "by the characters of any English"
    second = next(progress for progress in onlooker.progress if progress.done == 2)
    assert second.expected == pytest.approx(run.record.corpus.tokens, rel=0.15), "by those of this corpus"
    assert (last.tokens, last.expected, last.done) == (run.record.corpus.tokens,) * 2 + (run.record.corpus.shards,)


def test_progress_of_a_part_is_that_of_the_part(scanned, tmp_path):
    onlooker = Onlooker()
    run = scanned(tmp_path / "run", on_event=onlooker, part=Part(1, 3), **SHARDS)
    last = onlooker.progress[-1]
    assert last.tokens == last.expected == run.record.corpus.tokens
    assert last.done == last.shards == run.record.corpus.merged < run.record.corpus.shards


def test_a_limit_of_tokens_is_what_is_expected(scanned, tmp_path):
    onlooker = Onlooker()
    scanned(tmp_path / "run", on_event=onlooker, max_tokens=500, **SHARDS)
    assert onlooker.progress[0].expected == 500


def test_a_resumed_run_is_being_scanned_again_at_once(scanned, tmp_path, every_shard):
    first = Onlooker(stop_after=2)
    with pytest.raises(Cancelled):
        scanned(tmp_path / "run", on_event=first, cancel=first.cancel, **SHARDS)
    stopped = Run.open(tmp_path / "run").record
    assert (stopped.state, stopped.corpus.merged) == ("cancelled", 2)
    again = Onlooker()
    scanned(tmp_path / "run", resume=True, on_event=again, **SHARDS)
    assert again.seen[0] == ("running", 2, stopped.corpus.tokens)
    assert again.progress[0].tokens == stopped.corpus.tokens


def test_what_is_wrong_with_a_corpus_is_told_before_the_model_is_loaded(tmp_path):
    (tmp_path / "bad.jsonl").write_text('{"text": "fine"}\nnot json\n')
    config = replace(default_config(), corpus=CorpusSettings((str(tmp_path / "bad.jsonl"),)))
    request = ScanRequest(resolve("demo"), config, tmp_path / "run")
    with pytest.raises(CorpusError, match=r"bad\.jsonl"):
        scan_and_check(request, Checks(confirm=True), load=lambda: pytest.fail("the model was loaded"))
    assert not (tmp_path / "run").exists()


def test_looking_for_the_last_document_can_be_cancelled(scanned, tmp_path):
    told, cancel = [], threading.Event()

    def hear(event: ScanEvent) -> None:
        if isinstance(event, StageEntered) and "tokens are reached" in event.detail:
            told.append(event.detail)
            if len(told) == 3:
                cancel.set()

    with pytest.raises(Cancelled):
        scanned(tmp_path / "run", on_event=hear, cancel=cancel, max_tokens=100_000, **SHARDS)
    assert len(told) == 3
    assert told[-1].startswith("looking where 100,000 tokens are reached, ")
