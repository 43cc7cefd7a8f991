"""Jobs on runs over corpora: a scan whose run is published anew, checks that have no text."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.made_corpus_run import Shape, begun_corpus_run, made_corpus_run

from mechamap.errors import UsageError
from mechamap.protocol.messages import Progress
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.dialogs.run_info import info_lines
from mechamap_tui.jobs.checks import AblationJob, CausesJob, ConfirmJob
from mechamap_tui.jobs.run_changes import RunChange, read_again
from mechamap_tui.jobs.scan import ScanJob


def test_a_scan_takes_each_publication_of_its_run(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    begun_corpus_run(folder)
    job = ScanJob("tiny")
    assert job.follow(Progress("pass", run=folder, tokens=10)), "the run is there"
    assert not job.can_be_browsed
    assert not job.follow(Progress("pass", run=folder, tokens=20, shards_done=1, shards_total=4))
    made_corpus_run(folder, Shape(state="running", merged=1))
    assert job.follow(Progress("pass", run=folder, tokens=30, shards_done=1, shards_total=4)), "a little later"
    assert job.can_be_browsed
    made_corpus_run(folder, Shape(state="running", merged=2, seed=3))
    assert job.follow(Progress("pass", run=folder, tokens=40, shards_done=2, shards_total=4))
    assert job.run is not None
    assert job.run.record.corpus is not None
    assert job.run.record.corpus.merged == 2
    assert job.kept == "finished shards are kept"


def test_a_scan_that_goes_on_elsewhere_is_no_other_run(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", Shape(state="cancelled", merged=1))
    made_corpus_run(tmp_path / "run", Shape(state="running", merged=2, seed=3))
    assert read_again(run) is RunChange.ADDED_TO


@pytest.mark.parametrize("job", [CausesJob, lambda run: AblationJob(run, "L0.N1")])
def test_causes_are_refused_with_the_command_that_works(tmp_path: Path, job: type[CausesJob]) -> None:
    run = made_corpus_run(tmp_path / "run")
    with pytest.raises(UsageError, match="not the whole corpus") as refusal:
        job(run).refuse_unless_possible()
    assert f"ablate {run.path} --text FILE` on the command line" in error_text(refusal.value)


def test_it_can_be_confirmed_once_it_is_complete(tmp_path: Path) -> None:
    assert not ConfirmJob(made_corpus_run(tmp_path / "run")).refused
    assert ConfirmJob(made_corpus_run(tmp_path / "other", Shape(state="running"))).refused


def test_the_page_about_a_run_has_its_corpus(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run")
    lines = [line for _, line in info_lines(run)]
    assert "  corpus: tales.jsonl (4 documents)" in lines
    assert "  read: 57 tokens of 4 documents, in 4 windows of at most 64 tokens" in lines
    assert "  shards: 4 of 4" in lines
    assert "  stream: 0000000000000000" in lines
    assert any(line.startswith("  ranks food: 2 of 2 occurrences drawn") for line in lines)
