"""A scan over a corpus begun in the explorer, watched, stopped and resumed, in a real terminal with the real engine."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from support.corpus_text import documents, write_corpus
from support.terminal import Terminal, assert_left_clean

from mechamap.runs.run import Run

Start = Callable[..., Terminal]


def on_its_neuron(screen: str) -> bool:
    """Whether the table's cursor is on L1.N100."""
    return re.search(r"▸ +1 +100 ", screen) is not None


def test_a_corpus_scan_is_begun_watched_stopped_and_resumed(start: Start, tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    texts = [f"{text} It was number {number}." for number in range(50) for text in documents()]
    write_corpus(work / "tales.jsonl", texts)
    settings = "{sources: [tales.jsonl], shard_tokens: 4000, contexts: 4, sample: 300, occurrences: 20}"
    (work / "small.yaml").write_text(f"second_text: never\nlayers: 0-1\ncorpus: {settings}\n")
    terminal = start("--config", "small.yaml", columns=100, rows=30)
    terminal.wait("Open or scan")
    terminal.press("ctrl+n")
    terminal.wait("New scan")
    terminal.press("down", "down", "down")
    terminal.type("tale.jsonl")
    terminal.wait("does not exist", "tales.jsonl?")
    terminal.press("enter")
    terminal.wait("New scan", "does not exist")
    terminal.press("ctrl+u")
    terminal.type("tales.jsonl")
    terminal.wait("--corpus tales.jsonl", gone=["does not exist"])
    terminal.press("enter")
    terminal.wait("Scanning demo")

    screen = terminal.wait("1,280 of 1,280, over", "tokens so far", "scanning", seconds=120)
    assert "Traceback" not in screen
    terminal.press("x")
    screen = terminal.wait("Cancelled;", "shards", "R resumes", seconds=60)
    assert "layers are kept" not in screen
    stopped = Run.open(next((tmp_path / "home" / "runs").iterdir()))
    assert stopped.path is not None
    assert stopped.record.state == "cancelled"
    assert stopped.record.corpus is not None
    assert 0 < stopped.record.corpus.merged < stopped.record.corpus.shards

    terminal.press("'")
    terminal.wait("go to neuron")
    terminal.type("1.100")
    terminal.press("enter")
    terminal.until(on_its_neuron, "the cursor on L1.N100")
    terminal.press("R")
    terminal.wait("scanning", gone=["R resumes)"], seconds=60)
    screen = terminal.wait(f"tokens of {len(texts):,} documents", gone=["so far", "scanning"], seconds=180)
    assert on_its_neuron(screen)
    whole = Run.open(stopped.path).record
    assert whole.corpus is not None
    assert (whole.state, whole.corpus.merged, whole.corpus.documents) == ("complete", whole.corpus.shards, len(texts))
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
