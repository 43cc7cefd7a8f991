"""What a plan says of memory and disk space over a corpus, against the processes and runs of real scans.

Longer than the other tests and dependent on the machine's libraries: `make measured`.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from support.by_name import plan_scan
from support.corpus_text import write_corpus
from support.measured_scan import measured
from support.tiny_models import save_tiny_model

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config, with_overrides
from mechamap.scan.corpus.part import Part
from mechamap.text.natural_text import natural_passages

pytestmark = [
    pytest.mark.measured,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc"),
]

MEMORY, DISK = 0.2, 0.1  # how far from what was planned, as parts of it
EXPERTS = {"hidden_size": 256, "intermediate_size": 512, "num_local_experts": 8, "head_dim": 64}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Documents of sentences of the bundled passages in a new order, of 130,000 tokens."""
    draw = random.Random(0)
    sentences = [sentence for passage in natural_passages() for sentence in passage.split(". ") if sentence.strip()]
    texts = [". ".join(draw.choices(sentences, k=draw.randrange(2, 16))) + "." for _ in range(2_500)]
    return write_corpus(tmp_path_factory.mktemp("corpus") / "sentences.jsonl", texts)


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random Mixtral with 3 layers of 8 experts of 512 neurons."""
    return save_tiny_model(tmp_path_factory.mktemp("mixtral"), "mixtral", **EXPERTS)


@pytest.mark.parametrize(("model", "tokens"), [("demo", 100_000), ("demo", 20_000), ("experts", 20_000)])
def test_a_scan_over_a_corpus_takes_the_memory_and_leaves_the_run_that_were_planned(
    request: pytest.FixtureRequest, corpus: Path, tmp_path: Path, model: str, tokens: int
) -> None:
    name = model if model == "demo" else str(request.getfixturevalue(model))
    settings = CorpusSettings((str(corpus),), max_tokens=tokens)
    plan = plan_scan(name, with_overrides(default_config(), device="cpu", corpus=settings))
    own, mapped = measured(name, tmp_path, "--corpus", str(corpus), "--max-tokens", str(tokens))
    assert own + mapped == pytest.approx(plan.memory[0].needed, rel=MEMORY)
    left = sum(file.stat().st_size for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert left == pytest.approx(plan.run.total, rel=DISK)


def test_one_part_takes_the_disk_space_that_was_planned(corpus: Path, tmp_path: Path) -> None:
    settings = CorpusSettings((str(corpus),), max_tokens=100_000, shard_tokens=10_000)
    config = with_overrides(default_config(), device="cpu", corpus=settings)
    plan = plan_scan("demo", config, part=Part(1, 2))
    measured(
        "demo", tmp_path, "--corpus", str(corpus), "--max-tokens", "100000", "--shard-tokens", "10000", "--shard", "1/2"
    )
    left = sum(file.stat().st_size for file in (tmp_path / "run").rglob("*") if file.is_file())
    assert left == pytest.approx(plan.run.total, rel=2 * DISK)
