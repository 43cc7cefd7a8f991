"""A run over a corpus with a million neurons and ten million kept tokens beside runs over a text: one with as many
neurons, and one with 46,080, as SmolLM2-135M has.

``python -m benchmarks.opening_large [--neurons N] [--tokens N] [--folder DIR]`` writes them, of random figures and
tokens, some 3 GB, and measures how long each takes to be opened, and painted in the explorer.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.explorer import measure
from benchmarks.figures import Figure, paired, ratio, seconds, table
from mechamap.config.schema import config_from_dict
from mechamap.runs.corpus.record import CorpusFile, CorpusRecord
from mechamap.runs.corpus.writing import write_record, write_tokens
from mechamap.runs.figure_names import (
    CATEGORY_FIGURES,
    CONTEXT_FIGURES,
    CORPUS_CATEGORY_FIGURES,
    CORPUS_NEURON_FIGURES,
    CORPUS_TABLES,
    NEURON_FIGURES,
    TOKEN_FIGURES,
)
from mechamap.runs.record import CORPUS_FORMAT, FORMAT, LayerRows, ModelRecord, RunRecord, TokenRecord
from mechamap.runs.run import Run

__all__ = ["large_corpus_run", "large_text_run", "opening_figures"]


_LAYERS = 40
_USUAL = 46_080
_CATEGORIES = ("date", "location", "animal", "food", "numeric", "language", "vehicle", "color")
_STRETCH = 100  # tokens
_TOP, _CONTEXTS, _DRAWN = 10, 16, 20


def opening_figures(neurons: int, tokens: int, folder: Path, rounds: int) -> list[Figure]:
    """How long the run over a corpus takes, in turn with each of the runs over a text."""
    corpus = large_corpus_run(folder / "corpus", neurons, tokens)
    figures = []
    for count in (neurons, _USUAL):
        text = large_text_run(folder / f"text-{count}", count)
        for name, most, work in (
            ("opened", 1.5, _opened),
            ("opened, and one neuron's contexts read", 1.5, _looked_at),
            ("opened, its table painted", 1.2, _painted),
        ):
            work(corpus), work(text)  # fills the disk cache
            pairs = paired(_of(work, corpus), _of(work, text), rounds)
            title = f"{name}: {neurons:,} neurons over a corpus / {count:,} over a text"
            figures.append(ratio(title, pairs, most, ("corpus", "text")))
    return figures


def _of(work: Callable[[Path], float], run: Path) -> Callable[[], float]:
    return lambda: work(run)


def _opened(run: Path) -> float:
    return seconds(lambda: Run.open(run))


def _looked_at(path: Path) -> float:
    def look() -> None:
        run = Run.open(path)
        for hit in run.top_tokens(run.neurons // 2):
            run.context(hit.position, 80)

    return seconds(look)


def _painted(run: Path) -> float:
    return measure("browse", str(run))[0]


def large_corpus_run(folder: Path, neurons: int, tokens: int) -> Path:
    """A run in format 2: random figures, contexts anywhere among random tokens in stretches of a hundred."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    pieces = [f" w{number}".encode() for number in range(5_000)]
    ids = rng.integers(0, len(pieces), tokens, dtype=np.int32)
    starts = np.arange(0, tokens, _STRETCH)
    documents = np.arange(len(starts))
    names = "\n".join(f"stories.jsonl:{number + 1}" for number in documents.tolist())
    kept = write_tokens(
        folder,
        {
            "ids": ids,
            "sizes": np.array([len(piece) for piece in pieces], np.uint32)[ids],
            "text": np.frombuffer(b"".join([pieces[each] for each in ids.tolist()]), np.uint8),
            "windows": np.stack(
                [documents, starts, np.minimum(tokens - starts, _STRETCH), np.zeros_like(starts)], axis=1
            ),
            "documents": documents,
            "names": np.frombuffer(names.encode(), np.uint8),
        },
    )
    columns: dict[str, int] = {"highest": _CONTEXTS, "lowest": _CONTEXTS, "range": _DRAWN, "top": _TOP, "bottom": _TOP}
    shapes: dict[str, tuple[int, ...]] = {
        name: (columns[name.partition("_")[0]],) for name in (*TOKEN_FIGURES, *CONTEXT_FIGURES)
    }
    shapes |= {name: (width,) for name, width in CORPUS_TABLES.items()}
    shapes |= dict.fromkeys((*CATEGORY_FIGURES, *CORPUS_CATEGORY_FIGURES), (len(_CATEGORIES),))
    shapes |= dict.fromkeys((*NEURON_FIGURES, *CORPUS_NEURON_FIGURES), ())
    _write_figures(folder, shapes, neurons, tokens)
    record = _record(neurons, tuple(shapes), {"corpus": {"sources": ["stories.jsonl"]}})
    corpus = CorpusRecord(
        files=(CorpusFile("stories.jsonl", len(starts)),), documents=len(starts), tokens=1_000_000_000,
        windows=4_000_000, scored=990_000_000, shards=2000, merged=2000, kept=kept, kept_tokens=tokens,
        whole_windows=False,
    )  # fmt: skip
    write_record(folder, replace(record, format=CORPUS_FORMAT, corpus=corpus))
    return folder


def large_text_run(folder: Path, neurons: int, tokens: int = 1_600) -> Path:
    """A run in format 1 with as many neurons, over a text of the usual length."""
    folder.mkdir(parents=True)
    shapes: dict[str, tuple[int, ...]] = dict.fromkeys(TOKEN_FIGURES, (_TOP,))
    shapes |= dict.fromkeys(CATEGORY_FIGURES, (len(_CATEGORIES),)) | dict.fromkeys(NEURON_FIGURES, ())
    _write_figures(folder, shapes, neurons, tokens)
    pieces = tuple(f" w{number % 300}" for number in range(tokens))
    windows = tuple((0, start, min(_STRETCH, tokens - start)) for start in range(0, tokens, _STRETCH))
    record = _record(neurons, tuple(shapes), {"texts": ["".join(pieces)]})
    write_record(
        folder, replace(record, format=FORMAT, tokens=TokenRecord(tuple(range(tokens)), pieces, windows, (), ()))
    )
    return folder


def _write_figures(folder: Path, shapes: dict[str, tuple[int, ...]], neurons: int, tokens: int) -> None:
    rng = np.random.default_rng(1)
    values: NDArray[Any]
    for name, columns in shapes.items():
        if name.endswith("_positions"):
            values = rng.integers(0, tokens, (neurons, *columns), dtype=np.int32)
        elif name == "histogram":
            values = rng.integers(0, 1000, (neurons, *columns), dtype=np.int64)
        else:
            values = rng.random((neurons, *columns), dtype=np.float32)
        np.save(folder / f"{name}.npy", values, allow_pickle=False)


def _record(neurons: int, figures: tuple[str, ...], config: dict[str, object]) -> RunRecord:
    width = neurons // _LAYERS
    return RunRecord(
        model=ModelRecord("large", "large", "large", None, "llama", 8_000_000_000, "bfloat16", "cuda", _LAYERS, 8192),
        categories=_CATEGORIES,
        layers=tuple(LayerRows(layer, layer * width, width, width, complete=True) for layer in range(_LAYERS)),
        figures=figures,
        config=config_from_dict(config),
        created="2026-01-02T03:04:05+00:00",
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.opening_large", description=__doc__)
    parser.add_argument("--neurons", type=int, default=1_000_000, help="a multiple of 40 (default: 1,000,000)")
    parser.add_argument("--tokens", type=int, default=10_000_000, help="that the run keeps (default: 10,000,000)")
    parser.add_argument("--rounds", type=int, default=5, help="pairs per figure (default: 5)")
    parser.add_argument("--folder", type=Path, help="where to write both runs (default: a temporary folder)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        figures = opening_figures(arguments.neurons, arguments.tokens, Path(folder), arguments.rounds)
    print(table(f"Opening {arguments.neurons:,} neurons and {arguments.tokens:,} kept tokens", figures))


if __name__ == "__main__":
    main()
