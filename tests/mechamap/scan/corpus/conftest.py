"""The bundled model, and scans of it over a small corpus."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.by_name import load_model
from support.corpus_text import documents, write_corpus

from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.part import Part
from mechamap.scan.prepare import ScanRequest

CATEGORIES = (
    Category("small", ("the", "and", "of")),
    Category("person", ("he", "she", "they", "little girl")),
    Category("nothing", ("xylophone",)),
)

Scanner = Callable[..., Run]


@pytest.fixture(scope="session")
def demo() -> LoadedModel:
    return load_model("demo")


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "passages.jsonl", documents())


@pytest.fixture(scope="session")
def scanned(demo: LoadedModel, corpus_file: Path) -> Scanner:
    """Scans the corpus with some settings changed, and returns the run."""

    def scan(out: Path, *, part: Part | None = None, resume: bool = False, **settings: Any) -> Run:
        options = {name: settings.pop(name) for name in ("on_event", "cancel") if name in settings}
        corpus = CorpusSettings((str(corpus_file),), **{"seq_len": 48, "contexts": 4} | settings)
        config = replace(default_config(), categories=CATEGORIES, corpus=corpus, top_k_tokens=3, layers="1,3")
        request = ScanRequest(resolve("demo"), config, out, resume, part=part)
        return scan_corpus(request, loaded=demo, **options)[0]

    return scan


@pytest.fixture(scope="session")
def whole_run(scanned: Scanner, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """In one shard, with everything in the samples."""
    return scanned(tmp_path_factory.mktemp("whole") / "run", sample=100_000, occurrences=100_000)
