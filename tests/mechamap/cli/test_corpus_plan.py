"""``mechamap scan --corpus ... --plan``, and what is said before a scan over a corpus begins."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from support.corpus_text import documents, write_corpus

from mechamap.cli.main import main
from mechamap.plan.corpus import compiled, extent

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mechamap(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs ``mechamap scan demo`` over the corpus: its exit code, what it wrote, and what it said beside."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        corpus = ["--corpus", str(tmp_path / "texts.jsonl"), "--device", "cpu", "--layers", "0-1"]
        code = main(["scan", "demo", *corpus, *map(str, words)])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(autouse=True)
def corpus(tmp_path: Path) -> Path:
    return write_corpus(tmp_path / "texts.jsonl", documents())


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Room for some contexts, and not for all."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=85_000_000))


def rows_of(out: str) -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in out.splitlines() if " " in line)


def test_the_plan_says_what_is_read_and_what_it_takes(mechamap: Said, tmp_path: Path) -> None:
    code, out, err = mechamap("--plan", "--shard-tokens", "700")
    rows = rows_of(out)
    assert (code, err) == (0, "")
    assert re.search(r"texts\.jsonl: [\d,]+ tokens in 24 documents$", rows["corpus"])
    assert re.match(r"24 sequences of at most 256 tokens in \d+ batches of at most", rows["batches"])
    assert re.match(r"the corpus has \d shards$", rows["shards"])
    assert "statistics" in rows["memory"] and "more while it runs" in rows["run"]
    assert "forward" in rows["time"] and "text" not in rows
    assert not (tmp_path / "home" / "runs").exists()


def test_a_part_is_planned_with_the_share_that_it_reads(mechamap: Said) -> None:
    _, out, _ = mechamap("--plan", "--shard-tokens", "700", "--shard", "2/3")
    assert re.match(r"\d in part 2/3; the corpus has \d shards and [\d,]+ tokens$", rows_of(out)["shards"])


def test_workers_are_planned_with_the_memory_of_each(mechamap: Said) -> None:
    code, out, _ = mechamap("--plan", "--shard-tokens", "700", "--ray", "local", "--workers", "2")
    assert code == 0
    assert re.search(r"each, where it computes; 2 workers, at most \d shards? each$", rows_of(out)["worker"])


def test_the_plan_is_a_line_of_json_among_the_events(mechamap: Said) -> None:
    _, out, _ = mechamap("--plan", "--events", "jsonl")
    told = json.loads(out)
    assert (told["event"], told["corpus"]["documents"], told["corpus"]["shards"]) == ("plan", 24, 1)
    assert told["corpus"]["tokens"] == told["corpus"]["tokens_whole"] > 1_000
    assert told["memory"][0]["statistics"] > 0 and told["run"]["working"] > 0


def test_a_large_corpus_is_told_with_about(mechamap: Said, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extent, "READ_WHOLE", 1_000)
    _, out, _ = mechamap("--plan")
    assert re.search(r": about [\d,]+ tokens in about \d+ documents$", rows_of(out)["corpus"])


def test_a_corpus_that_cannot_be_read_is_named(mechamap: Said, corpus: Path) -> None:
    corpus.write_text('{"text": "One."}\n{no json\n')
    code, out, err = mechamap("--plan")
    assert (code, out) == (1, "") and "texts.jsonl:2" in err


def test_a_disk_that_is_too_full_is_told_with_what_would_fit(mechamap: Said, full_disk: None) -> None:
    code, out, _ = mechamap("--plan", "--contexts", "1000")
    assert code == 1
    assert out.startswith("Its run does not fit: it takes ")
    assert "--contexts 4 " in out and "--out" in out and "sample" in out


def test_a_scan_warns_of_a_full_disk_before_weights_are_read(mechamap: Said, full_disk: None, tmp_path: Path) -> None:
    code, out, err = mechamap("--contexts", "1000", "--out", tmp_path / "run")
    assert (code, out) == (0, f"{tmp_path / 'run'}\n")
    assert err.startswith("The run of this scan may not fit: it takes about ")
    assert "--contexts 4 " in err.partition("demo")[0]


def test_statistics_without_numba_are_remarked_on(
    mechamap: Said, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiled, "is_fast", lambda: False)
    _, out, _ = mechamap("--plan")
    assert "note: numba is not installed" in out and "'mechamap[fast]'" in out
    _, _, err = mechamap("--out", tmp_path / "run")
    assert "numba is not installed" in err
