"""What a plan says of a scan over a corpus, against what real scans of the bundled model read, hold and leave."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from support.by_name import load_model, plan_scan, scan_request, shortfall
from support.corpus_text import documents, write_corpus
from support.gguf_files import write_gguf
from support.tiny_models import tiny_config

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.errors import CorpusError
from mechamap.events import ScanEvent, ShardFinished
from mechamap.models.loaded import LoadedModel
from mechamap.plan import alternatives, places
from mechamap.plan.corpus import compiled, size
from mechamap.plan.corpus.gathered import statistics_bytes
from mechamap.plan.corpus.memory import worker_bytes
from mechamap.plan.message import plan_message
from mechamap.plan.scan_plan import ScanPlan
from mechamap.runs.run import Run
from mechamap.scan.corpus import shard_pass
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.part import Part, RayRequest
from mechamap.scan.corpus.state import CorpusState, LayerSpan

CATEGORIES = (Category("small", ("the", "and")), Category("person", ("he", "she")), Category("none", ("xylophone",)))


def config_of(file: Path | str, **settings: Any) -> ScanConfig:
    corpus = CorpusSettings((str(file),), **{"seq_len": 48, "contexts": 4} | settings)
    return replace(
        default_config(),
        categories=CATEGORIES,
        corpus=corpus,
        top_k_tokens=3,
        layers="1,3",
        device="cpu",
        second_text="never",
    )


@dataclass
class Scanned:
    run: Run
    batches: int
    most_bytes: int  # on disk, after any shard


def bytes_under(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


@pytest.fixture
def scanned(tmp_path: Path, demo: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Scanned]:
    forwards: list[int] = []
    capture = shard_pass.capture_batches

    def counted(*args: Any) -> None:
        forwards.append(1)
        capture(*args)

    monkeypatch.setattr(shard_pass, "capture_batches", counted)

    def scan(config: ScanConfig, part: Part | None = None) -> Scanned:
        out, sizes = tmp_path / "run", [0]

        def hear(event: ScanEvent) -> None:
            if isinstance(event, ShardFinished):
                sizes.append(bytes_under(out))

        run, _ = scan_corpus(scan_request("demo", config, out, part=part), hear, loaded=demo)
        return Scanned(run, len(forwards), max(sizes))

    return scan


@pytest.fixture(scope="session")
def demo() -> LoadedModel:
    return load_model("demo")


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "passages.jsonl", documents())


def plan(config: ScanConfig, **options: Any) -> ScanPlan:
    return plan_scan("demo", config, **options)


# --- against a real scan ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "part"),
    [
        ({}, None),
        ({"shard_tokens": 400, "batch_tokens": 300}, None),
        ({"max_tokens": 700, "shard_tokens": 300, "sample": 100, "occurrences": 20}, None),
        ({"shard_tokens": 400}, Part(2, 3)),
    ],
)
def test_a_small_corpus_is_read_and_leaves_a_run_as_planned(
    scanned: Callable[..., Scanned], corpus_file: Path, settings: dict[str, Any], part: Part | None
) -> None:
    config = config_of(corpus_file, **settings)
    planned = plan_message(plan(config, part=part))
    real = scanned(config, part)
    record, folder = real.run.record.corpus, real.run.path
    assert record is not None and folder is not None and planned.corpus is not None
    assert planned.text.counted
    assert (planned.corpus.tokens, planned.corpus.documents) == (record.tokens, record.documents)
    assert (planned.text.windows, planned.text.scored) == (record.windows, record.scored)
    assert (planned.corpus.shards, planned.corpus.shards_here) == (record.shards, record.merged)
    assert planned.corpus.batches == real.batches
    assert planned.run.figures == sum(file.stat().st_size for file in folder.glob("*.npy"))
    assert planned.run.tokens == pytest.approx(bytes_under(folder / record.kept), rel=0.02)
    left = bytes_under(folder)
    assert left * 0.98 < planned.run.total - planned.run.gathered + bytes_under(folder / "corpus") < left * 1.02
    assert bytes_under(folder / "corpus") <= planned.run.gathered
    assert real.most_bytes <= planned.run.most < 4 * real.most_bytes


def test_a_corpus_that_is_not_tokenized_whole_is_estimated(
    scanned: Callable[..., Scanned], corpus_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(size, "COUNTED", 1_000)
    for settings in ({}, {"max_tokens": 1_000}):
        message = plan_message(plan(config_of(corpus_file, shard_tokens=400, **settings)))
        assert message.corpus is not None and message.corpus.tokens is not None and not message.text.counted
        expected = settings.get("max_tokens", 2_068)
        assert message.corpus.tokens == pytest.approx(expected, rel=0.15)
    real = scanned(config_of(corpus_file, shard_tokens=400, max_tokens=1_000)).run.record.corpus
    assert real is not None and message.text.windows is not None
    assert message.corpus is not None and message.corpus.shards == real.shards
    assert message.text.windows == pytest.approx(real.windows, rel=0.2)


def test_memory_of_the_statistics_is_what_is_allocated(corpus_file: Path) -> None:
    for settings in ({}, {"contexts": 20}):
        inputs = plan(config_of(corpus_file, **settings)).scan
        corpus = inputs.config.corpus
        assert corpus is not None
        spans = [LayerSpan(n, 640 * n, 640, torch.device("cpu")) for n in range(2)]
        state = CorpusState.empty(spans, corpus, CATEGORIES)
        allocated = sum(
            tensor.numel() * tensor.element_size()
            for layer in state.layers
            for part in (layer.moments, layer.histogram, layer.contexts, layer.draws, layer.categories)
            for tensor in tensors_of(part)
        )
        assert statistics_bytes(inputs) == pytest.approx(allocated, rel=0.001)


def tensors_of(part: object) -> list[torch.Tensor]:
    names = getattr(part, "__slots__", None) or vars(part)
    return [value for name in names if isinstance(value := getattr(part, name), torch.Tensor)]


# --- parts and workers ----------------------------------------------------------------------------------


def test_parts_make_up_the_whole(corpus_file: Path) -> None:
    config = config_of(corpus_file, shard_tokens=300)
    whole = plan_message(plan(config)).corpus
    parts = [plan_message(plan(config, part=Part(number, 3))).corpus for number in (1, 2, 3)]
    assert whole is not None and whole.shards is not None and whole.shards >= 3
    told = [part for part in parts if part is not None]
    assert sum(part.tokens or 0 for part in told) == whole.tokens
    assert sum(part.shards_here or 0 for part in told) == whole.shards
    assert {part.tokens_whole for part in told} == {whole.tokens} and told[1].part == "2/3"


def test_a_part_without_shards_is_told(corpus_file: Path) -> None:
    planned = plan(config_of(corpus_file), part=Part(2, 2))
    assert any("no shards" in note for note in planned.notes)


def test_workers_on_this_machine_need_memory_for_each_and_those_on_others_none_here(corpus_file: Path) -> None:
    config = config_of(corpus_file, shard_tokens=300)
    alone = plan(config).memory[0]
    local = plan(config, ray=RayRequest("local", 3))
    assert local.memory[0].weights == 4 * alone.weights and local.memory[0].statistics == 5 * alone.statistics
    assert local.memory[0].needed > 3 * worker_bytes(local.scan)
    cluster = plan(config, ray=RayRequest("10.0.0.1:6379", 3))
    assert cluster.memory[0].weights == alone.weights
    corpus = plan_message(cluster).corpus
    assert corpus is not None and corpus.shards is not None and corpus.workers == 3
    assert corpus.shards_of_worker == -(-corpus.shards // 3) or corpus.shards_of_worker == corpus.shards // 3 + 1
    together, one = cluster.seconds, plan(config, ray=RayRequest("10.0.0.1:6379", 1)).seconds
    assert together is not None and one is not None and together.forward < 0.6 * one.forward


def test_time_follows_the_tokens(corpus_file: Path, tmp_path: Path) -> None:
    twice = write_corpus(tmp_path / "twice.jsonl", documents() * 2)
    once, double = (plan(config_of(file)).seconds for file in (corpus_file, twice))
    assert once is not None and double is not None
    assert double.statistics == pytest.approx(2 * once.statistics)
    assert 1.5 * once.forward < double.forward < 2.5 * once.forward
    assert once.total == pytest.approx(
        once.corpus
        + once.load
        + once.check
        + once.tokenize
        + once.forward
        + once.statistics
        + once.score
        + once.writes
        + once.disk
    )


# --- what does not fit, and what is unknown ----------------------------------------------------------------


def test_where_memory_is_short_less_at_once_is_offered(corpus_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_own_memory", lambda: 0)
    config = config_of(corpus_file, batch_tokens=65_536, contexts=64)
    needed = plan(config).memory[0].needed
    monkeypatch.setattr(places, "free_memory", lambda: needed - 50_000_000)
    lacking = plan(config)
    assert not lacking.fits
    offered = {key: value for option in lacking.would_fit for key, value in option.changes.items()}
    assert offered["batch_tokens"] == 32_768
    assert "--batch-tokens 32768" in [option.flags for option in lacking.would_fit]
    fitting = plan(config_of(corpus_file, batch_tokens=32_768, contexts=64))
    assert fitting.fits and fitting.memory[0].needed < needed
    quick = shortfall("demo", config)
    assert quick is not None and quick.needed <= needed
    workers = plan(config_of(corpus_file), ray=RayRequest("local", 3))
    assert {"workers": 1} in [option.changes for option in workers.would_fit] or workers.fits


def test_fewer_contexts_are_offered_where_they_suffice(corpus_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_own_memory", lambda: 0)
    config = config_of(corpus_file, contexts=500, batch_tokens=256)
    few = plan(config_of(corpus_file, contexts=alternatives.FEWEST_CONTEXTS, batch_tokens=256)).memory[0].needed
    monkeypatch.setattr(places, "free_memory", lambda: few)
    assert [option.changes for option in plan(config).would_fit] == [{"contexts": alternatives.FEWEST_CONTEXTS}]


def test_a_corpus_that_cannot_be_read_is_an_error_and_one_that_changes_is_read_again(tmp_path: Path) -> None:
    with pytest.raises(CorpusError):
        plan(config_of(tmp_path / "nothing.jsonl"))
    file = write_corpus(tmp_path / "texts.jsonl", documents(4))
    few = plan_message(plan(config_of(file))).corpus
    write_corpus(file, documents(8))
    more = plan_message(plan(config_of(file))).corpus
    assert few is not None and more is not None and (few.documents, more.documents) == (4, 8)


def test_a_cpu_without_numba_is_told_what_makes_it_faster(corpus_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "is_fast", lambda: True)
    fast = plan(config_of(corpus_file))
    monkeypatch.setattr(compiled, "is_fast", lambda: False)
    slow = plan(config_of(corpus_file))
    assert not any("numba" in note for note in fast.notes)
    assert any("mechamap[fast]" in note for note in slow.notes)
    assert fast.seconds is not None and slow.seconds is not None
    assert slow.seconds.statistics > 10 * fast.seconds.statistics
    assert compiled.slow_remark("cuda") is None


# --- models that are not a folder with a tokenizer ----------------------------------------------------------


def test_a_gguf_file_reads_a_corpus_with_its_own_tokens(corpus_file: Path, tmp_path: Path) -> None:
    gguf = write_gguf(tmp_path / "tiny.gguf")
    planned = plan_message(plan_scan(str(gguf), replace(config_of(corpus_file), layers="all")))
    assert planned.corpus is not None and planned.text.counted and planned.layers_scanned == (0, 1)
    assert planned.corpus.tokens is not None and planned.corpus.tokens > 2_068  # its vocabulary is letters
    assert planned.memory[0].statistics > 0 and planned.seconds is not None


def test_a_config_without_a_tokenizer_reads_four_characters_a_token(corpus_file: Path, tmp_path: Path) -> None:
    tiny_config("llama").save_pretrained(tmp_path)
    planned = plan_message(plan_scan(str(tmp_path), replace(config_of(corpus_file), layers="all")))
    assert planned.corpus is not None and planned.corpus.tokens is not None and not planned.text.counted
    characters = sum(len(text) for text in documents())
    assert planned.corpus.tokens == pytest.approx(characters / 4, rel=0.01)
    assert any("guessed from the length of the documents" in note for note in planned.notes)
