"""A run over a corpus, written without a model: its documents, contexts and figures are known to the test."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mechamap.config.schema import config_from_dict
from mechamap.runs.corpus.record import CategoryCounts, CorpusFile, CorpusRecord
from mechamap.runs.corpus.writing import publish_run, write_record, write_run
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.runs.record import CORPUS_FORMAT, LayerRows, ModelRecord, RunRecord
from mechamap.runs.run import Run
from mechamap.runs.scanned import Exclusions

CATEGORIES = ("animal", "food")
WORDS = {"animal": ("dog", "cat"), "food": ("apple", "bread")}
DOCUMENTS = (
    "The dog ran over the hill and the cat looked on from a low wall.",
    "She cut the bread and put a red apple on the table for the child.",
    "Nothing was heard in the house but the ticking of the old clock.",
    "A cat and a dog shared one piece of bread under the oak tree.",
)


@dataclass(frozen=True)
class Shape:
    """How large a made run is, and how far its scan has come."""

    layers: int = 2
    width: int = 6
    contexts: int = 3
    state: str = "complete"
    merged: int = 4
    shards: int = 4
    whole_windows: bool = True
    seed: int = 0


def pieces_of(text: str) -> list[str]:
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


def made_corpus_run(folder: Path, shape: Shape = Shape(), documents: tuple[str, ...] = DOCUMENTS) -> Run:
    """Write a run over the documents, one window each, and open it; over a run that is there, as a scan publishes."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(shape.seed)
    pieces = [pieces_of(document) for document in documents]
    lengths = [len(words) for words in pieces]
    starts = np.cumsum([0, *lengths])[:-1]
    flat = [piece for words in pieces for piece in words]
    vocabulary = {piece: number for number, piece in enumerate(sorted(set(flat)))}
    text = [piece.encode() for piece in flat]
    tokens = {
        "ids": np.array([vocabulary[piece] for piece in flat], np.int32),
        "sizes": np.array([len(piece) for piece in text], np.uint32),
        "text": np.frombuffer(b"".join(text), np.uint8),
        "windows": np.stack([np.arange(len(starts)), starts, lengths, np.zeros_like(starts)], axis=1),
        "documents": np.arange(len(documents)),
        "names": np.frombuffer("\n".join(f"tales.jsonl:{n + 1}" for n in range(len(documents))).encode(), np.uint8),
    }  # fmt: skip
    record = replace(
        _record(shape, rng),
        corpus=CorpusRecord(
            files=(CorpusFile("tales.jsonl", len(documents)),),
            documents=len(documents),
            tokens=len(flat),
            windows=len(documents),
            scored=len(flat),
            shards=shape.shards,
            merged=shape.merged,
            first_ids=tuple(vocabulary[piece] for piece in pieces[0][:4]),
            stream=f"{shape.seed:016x}",
            categories={name: CategoryCounts(2, 2, len(flat) - 2, len(flat) - 2) for name in CATEGORIES},
            kept_tokens=len(flat),
            whole_windows=shape.whole_windows,
        ),
    )
    figures = made_figures(rng, starts, np.array(lengths), shape)
    write = write_run if shape.state == "complete" else publish_run
    write(folder, replace(record, figures=tuple(figures)), figures, tokens)
    return Run.open(folder)


def begun_corpus_run(folder: Path, shape: Shape = Shape(state="running")) -> Run:
    """A run whose scan has read nothing yet."""
    folder.mkdir(parents=True, exist_ok=True)
    record = _record(shape, np.random.default_rng(0))
    write_record(folder, replace(record, layers=tuple(replace(rows, complete=False) for rows in record.layers)))
    return Run.open(folder)


def _record(shape: Shape, rng: np.random.Generator) -> RunRecord:
    rows = tuple(
        LayerRows(layer, layer * shape.width, shape.width, shape.width, complete=True) for layer in range(shape.layers)
    )
    return RunRecord(
        model=ModelRecord("tiny", "tiny", "tiny", None, "gpt2", 1234, "float32", "cpu", shape.layers, 64),
        categories=CATEGORIES,
        layers=rows,
        figures=(),
        config=config_from_dict({"categories": {name: {"words": list(words)} for name, words in WORDS.items()},
                                 "corpus": {"sources": ["tales.jsonl"], "seq_len": 64, "contexts": shape.contexts},
                                 "top_k_tokens": 2}),
        coverage={name: Coverage(2, {word: FoundWord(1, 1) for word in words}, ()) for name, words in WORDS.items()},
        exclusions=Exclusions(exclude_first_position=True, exclude_special_tokens=True, window=64,
                              positions=60, scored=52),
        versions={"mechamap": "test"},
        state=shape.state,
        created="2026-01-02T03:04:05+00:00",
        format=CORPUS_FORMAT,
    )  # fmt: skip


def made_figures(
    rng: np.random.Generator, starts: np.ndarray, lengths: np.ndarray, shape: Shape
) -> dict[str, np.ndarray]:
    """Figures of every neuron: a context in each of so many documents, the highest in the last one."""
    neurons, k = shape.layers * shape.width, shape.contexts
    order = np.arange(len(starts))[::-1][:k]
    inside = rng.integers(1, lengths[order], (neurons, len(order)))
    highest = (starts[order] + inside).astype(np.int32)
    values = np.sort(rng.uniform(0.5, 9, highest.shape).astype(np.float32), axis=1)[:, ::-1]
    lowest = (starts[order] + (inside + 1) % lengths[order]).astype(np.int32)
    histogram = np.zeros((neurons, 64), np.int64)
    histogram[:, 20:50] = rng.integers(1, 1000, (neurons, 30))
    counts = np.tile(np.array([40, 300, 2000, 15000, 90000], np.float32), (neurons, 1))
    drawn = np.full((neurons, 20), -1, np.int32)
    drawn_values = np.full((neurons, 20), np.nan, np.float32)
    for number in range(5):
        drawn[:, 4 * number : 4 * number + 2] = rng.integers(0, lengths.sum(), (neurons, 2))
        drawn_values[:, 4 * number : 4 * number + 2] = 4.0 / 2**number
    reads = rng.uniform(-0.9, 0.9, (neurons, 2)).astype(np.float32)
    per_category = {name: rng.uniform(0.01, 0.5, (neurons, 2)).astype(np.float32)
                    for name in ("mean", "d", "ap", "write", "mean_se", "auroc_se", "d_se", "ap_se")}  # fmt: skip
    per_neuron = {name: rng.uniform(0.01, 0.9, neurons).astype(np.float32)
                  for name in ("mean_all", "std_all", "fire", "skew", "kurtosis")}  # fmt: skip
    return {
        **per_category,
        **per_neuron,
        "selectivity": reads,
        "auroc": (reads + 1) / 2,
        "dead": np.zeros(neurons, np.float32),
        "max": values[:, 0],
        "min": -values[:, 0],
        "highest_values": values,
        "highest_positions": highest,
        "lowest_values": -values,
        "lowest_positions": lowest,
        "top_values": values[:, :2],
        "top_positions": highest[:, :2],
        "bottom_values": -values[:, :2],
        "bottom_positions": lowest[:, :2],
        "range_values": drawn_values,
        "range_positions": drawn,
        "range_lower": np.tile(np.array([4, 2, 1, 0.5, -np.inf], np.float32), (neurons, 1)),
        "range_upper": np.tile(np.array([np.inf, 4, 2, 1, 0.5], np.float32), (neurons, 1)),
        "range_counts": counts,
        "histogram": histogram,
    }
