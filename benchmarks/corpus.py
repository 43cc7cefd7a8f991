"""A corpus scan against the bare model over the same batches: tokens a second, memory, size on disk, how cost grows.

The pass with everything on is compared with `model(**batch)` in a loop, and with the model's body alone, without the
logits, which a scan does not compute. Both read the same batches in turn.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, pairwise
from pathlib import Path

import torch

from benchmarks.figures import Figure, environment
from mechamap.capture.batches import Batch, batch_tokens, sorted_batches
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import Category, ScanConfig
from mechamap.config.schema import default_config
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.documents import Document
from mechamap.corpus.opening import open_corpus
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.reading import reading_of
from mechamap.runs.run import Run
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.corpus.shard_pass import BATCHES_OF_CHUNK, CorpusFolders, ShardReader
from mechamap.scan.corpus.state import CorpusState, LayerSpan
from mechamap.scan.prepare import ScanRequest
from mechamap.text.chunk import ChunkReader

__all__ = ["bare_forward", "corpus_figures"]


def corpus_figures(models: Sequence[tuple[str, str]], corpus: Path, rounds: int, tokens: int) -> list[Figure]:
    """All figures about scanning models, as (name, number format), over a corpus of at least ``tokens`` tokens."""
    figures: list[Figure] = []
    for name, dtype in models:
        loaded = load_model(resolve(name), LoadSettings(dtype=dtype))
        label = f"{loaded.label} {dtype}"
        figures += _speed(label, loaded, corpus, rounds, tokens)
        figures += _slopes(label, loaded, corpus, tokens)
    return [*figures, _memory(corpus), *_size(models, corpus, tokens)]


def _config(corpus: Path, tokens: int | None, **changes: object) -> ScanConfig:
    settings = replace(CorpusSettings((str(corpus),), max_tokens=tokens), **changes)  # type: ignore[arg-type]
    return replace(default_config(), corpus=settings, second_text="never")


class _Scan:
    """Passes over parts of a corpus, without what is done before the first batch and after the last.

    Args:
        parts: into how many of about equal length the documents are cut.
        layers: how many of the model's to scan; all where not given.
    """

    def __init__(
        self,
        loaded: LoadedModel,
        config: ScanConfig,
        tokens: int,
        folder: Path,
        *,
        parts: int = 1,
        layers: int | None = None,
    ) -> None:
        self.loaded, self.config = loaded, config
        assert config.corpus is not None
        corpus = open_corpus(config.corpus)
        self.folders = CorpusFolders(folder)
        self.folders.make()
        documents = list(_documents(loaded, corpus, tokens))
        ends = [len(documents) * number // parts for number in range(parts + 1)]
        self.parts = [documents[start:stop] for start, stop in pairwise(ends)]
        self.layers = loaded.layers[:layers]
        widths = [sum(layer.widths(config.limit_neurons)) for layer in self.layers]
        firsts = accumulate(widths, initial=0)
        self.spans = tuple(
            LayerSpan(layer.layer, first, width, loaded.device)
            for layer, first, width in zip(self.layers, firsts, widths, strict=False)
        )

    def empty(self) -> CorpusState:
        """A state without a token."""
        assert self.config.corpus is not None
        return CorpusState.empty(self.spans, self.config.corpus, self.config.categories)

    def seconds(self, state: CorpusState | None = None, part: int = 0) -> float:
        """Of a pass over a part into a state, an empty one where not given."""
        state = state or self.empty()
        began = time.perf_counter()
        self._reader().read(state, part, self.parts[part])
        return time.perf_counter() - began

    def warm(self) -> None:
        """Have everything compiled and allocated that is so once."""
        self._reader().read(self.empty(), 0, self.parts[0][:8])

    def _reader(self) -> ShardReader:
        return ShardReader(self.loaded, self.layers, self.config, self.folders, threading.Event())

    def batches(self, part: int = 0) -> list[Batch]:
        """The batches that the pass over a part runs."""
        loaded = self.loaded
        size = batch_tokens(loaded.device.type)
        reader = ChunkReader(loaded.tokenizer, self.config, loaded.context, loaded.kind)
        return [
            batch
            for chunk in reader.chunks(self.parts[part], size * BATCHES_OF_CHUNK)
            for batch in sorted_batches(
                chunk.tokenized, chunk.tokenized.scored, size, loaded.device, reading_of(loaded)
            )
        ]


def _documents(loaded: LoadedModel, corpus: Corpus, tokens: int) -> Iterator[Document]:
    total = 0
    for document in corpus.read():
        yield document
        total += len(loaded.tokenizer(document.text, add_special_tokens=False)["input_ids"])
        if total >= tokens:
            return


def bare_forward(model: torch.nn.Module, batches: Sequence[Batch]) -> Callable[[], float]:
    """Seconds of a forward over each of some batches, run by run."""

    def run() -> float:
        began = time.perf_counter()
        with torch.inference_mode():
            for batch in batches:
                model(**batch.inputs)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter() - began

    return run


def _speed(label: str, loaded: LoadedModel, corpus: Path, rounds: int, tokens: int) -> list[Figure]:
    """Part after part of the corpus is scanned, into one state, and read by the bare model, in turn."""
    with tempfile.TemporaryDirectory() as folder:
        scan = _Scan(loaded, _config(corpus, None), tokens, Path(folder), parts=rounds)
        scan.warm()
        bare_forward(loaded.model, scan.batches()[:1])()
        state = scan.empty()
        times, count = [], 0
        for part in range(rounds):
            batches = scan.batches(part)
            count += sum(int(batch.mask.sum()) for batch in batches)
            whole, body = bare_forward(loaded.model, batches), bare_forward(loaded.model.base_model, batches)  # type: ignore[arg-type]
            times.append((scan.seconds(state, part), whole(), body()))
    figures = []
    for name, place, bound in (("the model's forward", 1, 0.95), ("its body, without logits", 2, None)):
        ratios = sorted(each[place] / each[0] for each in times)
        middle = statistics.median(ratios)
        ours, theirs = (count / sum(each[n] for each in times) for n in (0, place))
        figures.append(
            Figure(
                f"{label}: tokens/s with everything on, over {name}",
                f"{middle:.2f}",
                f">= {bound}" if bound else "",
                middle >= bound if bound else None,
                f"{ours:,.0f} and {theirs:,.0f} tokens/s; {count:,} tokens in {rounds} parts, ratios {ratios[0]:.2f} "
                f"to {ratios[-1]:.2f}, of the sums {ours / theirs:.2f}",
            )
        )
    return figures


def _slopes(label: str, loaded: LoadedModel, corpus: Path, tokens: int) -> list[Figure]:
    """How the time of a pass grows when one thing is doubled; linear is 2, less is better."""
    base = _config(corpus, None)
    few = tokens // 4
    words = tuple(Category(f"copy {n}", category.words) for n, category in enumerate(base.categories))
    half = len(loaded.layers) // 2
    narrow = replace(base, limit_neurons=loaded.layers[0].parts[0].width // 2)
    changed = {
        "tokens": (base, 2 * few),
        "categories": (replace(base, categories=(*base.categories, *words)), few),
        "contexts": (_config(corpus, None, contexts=32), few),
        "drawn positions": (_config(corpus, None, sample=8192, occurrences=1024), few),
    }
    figures = []
    with tempfile.TemporaryDirectory() as folder:
        plain = _Scan(loaded, base, few, Path(folder))
        plain.warm()
        pairs = {name: (plain, _Scan(loaded, config, count, Path(folder))) for name, (config, count) in changed.items()}
        pairs["layers"] = _Scan(loaded, base, few, Path(folder), layers=half), plain
        pairs["neurons"] = _Scan(loaded, narrow, few, Path(folder)), plain
        for name, (smaller, larger) in pairs.items():
            slope = statistics.median(larger.seconds() / smaller.seconds() for _ in range(3))
            figures.append(
                Figure(f"{label}: time when {name} are doubled", f"{slope:.2f} x", "<= 2.1 x", slope <= 2.1, "3 pairs")
            )
    return figures


_PEAK = """
import resource, sys
from pathlib import Path
from benchmarks.corpus import peak_of_scan
print(peak_of_scan(Path(sys.argv[1]), int(sys.argv[2])))
"""


def peak_of_scan(corpus: Path, tokens: int) -> int:
    """Peak bytes of this process after scanning the bundled model over so many tokens."""
    with tempfile.TemporaryDirectory() as folder:
        request = ScanRequest(resolve("demo"), _config(corpus, tokens), Path(folder) / "run")
        scan_corpus(request)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _memory(corpus: Path) -> Figure:
    def peak(tokens: int) -> int:
        command = [sys.executable, "-c", _PEAK, str(corpus), str(tokens)]
        return int(subprocess.run(command, env=environment(), stdout=subprocess.PIPE, check=True, text=True).stdout)

    small, large = (statistics.median(peak(tokens) for _ in range(3)) for tokens in (20_000, 1_000_000))
    return Figure(
        "demo: peak memory at 1,000,000 tokens over that at 20,000",
        f"{large / small:.3f} x",
        "<= 1.03 x",
        large / small <= 1.03,
        f"{large / 2**20:,.0f} and {small / 2**20:,.0f} MiB, medians of 3 processes; of a corpus that has so many",
    )


def _size(models: Sequence[tuple[str, str]], corpus: Path, tokens: int) -> list[Figure]:
    figures = []
    for name, dtype in models:
        with tempfile.TemporaryDirectory() as folder:
            config = replace(_config(corpus, min(tokens, 20_000)), dtype=dtype)
            run: Run = scan_corpus(ScanRequest(resolve(name), config, Path(folder) / "run"))[0]
            assert run.record.corpus is not None
            total = sum(file.stat().st_size for file in (Path(folder) / "run").rglob("*") if file.is_file())
            kept = run.record.corpus.kept_tokens
            of_text = sum(file.stat().st_size for file in (Path(folder) / "run" / run.record.corpus.kept).iterdir())
        figures.append(
            Figure(
                f"{run.label} {dtype}: size of the run",
                f"{total / 1e6:,.0f} MB",
                "<= 1,000 MB",
                total <= 1e9,
                f"{(total - of_text) / run.neurons:,.0f} bytes a neuron, and {of_text / max(kept, 1):.1f} a token kept "
                f"({kept:,})",
            )
        )
    return figures
