"""Workers on Ray, on this machine: the same run as from one process, with one of them killed too (make cluster)."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from support.by_name import load_model
from support.corpus_text import documents, write_corpus
from support.plain_corpus import differences

from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config
from mechamap.errors import Cancelled, MechaMapError
from mechamap.events import ScanEvent, ShardFinished
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.part import RayRequest
from mechamap.scan.prepare import ScanRequest

ray = pytest.importorskip("ray")

pytestmark = [pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "passages.jsonl", documents(48))


def scanned(
    corpus: Path,
    out: Path,
    workers: int | None,
    *,
    on_event: Callable[[ScanEvent], None] = lambda event: None,
    cancel: threading.Event | None = None,
    resume: bool = False,
) -> Run:
    settings = CorpusSettings((str(corpus),), seq_len=48, contexts=4, sample=100, occurrences=10, shard_tokens=180)
    config = replace(default_config(), corpus=settings, layers="1,3", second_text="never")
    cluster = None if workers is None else RayRequest("local", workers)
    request = ScanRequest(resolve("demo"), config, out, resume, ray=cluster)
    return scan_corpus(request, on_event, cancel, load_model("demo"))[0]


@pytest.fixture(scope="module")
def alone(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The run of one process."""
    return scanned(corpus, tmp_path_factory.mktemp("alone") / "run", None)


def actors() -> Iterator[psutil.Process]:
    """The processes of this test's workers."""
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if "ShardWorker" in " ".join(process.cmdline()) or "ShardWorker" in process.name():
                yield process


def test_two_workers_make_the_run_of_one_process(corpus: Path, alone: Run, tmp_path: Path) -> None:
    assert differences(alone, scanned(corpus, tmp_path / "run", 2)) == []


def test_a_killed_worker_costs_its_shard_and_nothing_else(corpus: Path, alone: Run, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(event: ScanEvent) -> None:
        if isinstance(event, ShardFinished) and not killed:
            worker = next(actors())
            os.kill(worker.pid, signal.SIGKILL)
            killed.append(worker.pid)

    assert differences(alone, scanned(corpus, tmp_path / "run", 2, on_event=kill)) == []
    assert killed


def test_a_cancelled_scan_leaves_no_processes_and_goes_on(corpus: Path, alone: Run, tmp_path: Path) -> None:
    cancel = threading.Event()

    def stop(event: ScanEvent) -> None:
        if isinstance(event, ShardFinished):
            cancel.set()

    with pytest.raises(Cancelled):
        scanned(corpus, tmp_path / "run", 2, on_event=stop, cancel=cancel)
    time.sleep(2)
    assert list(actors()) == []
    assert differences(alone, scanned(corpus, tmp_path / "run", 2, resume=True)) == []


def test_what_a_worker_cannot_read_is_told_as_here(corpus: Path, tmp_path: Path) -> None:
    changed = tmp_path / "corpus.jsonl"
    changed.write_bytes(corpus.read_bytes())

    def spoil(event: ScanEvent) -> None:
        if isinstance(event, ShardFinished):
            changed.write_text('{"text": "Something else."}\n', encoding="utf-8")

    with pytest.raises(MechaMapError, match="changed"):
        scanned(changed, tmp_path / "run", 1, on_event=spoil)
    assert Run.open(tmp_path / "run").record.state == "failed"
