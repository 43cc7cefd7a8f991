"""What each position of a chunk is for, before the model reads it: scored, drawn, the end or the inside of a word."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch
from mechamap.config.scan_config import ScanConfig
from mechamap.scan.corpus.samples import Drawn, SampleFile
from mechamap.scan.corpus.state import CorpusState
from mechamap.statistics.places import Places, hashes
from mechamap.text.chunk import Chunk
from mechamap.text.occurrences import Occurrence

__all__ = ["BatchPlan", "ChunkPlan", "plan_chunk"]


@dataclass(frozen=True, slots=True, eq=False)
class _Words:
    """A category's occurrences in a chunk.

    Attributes:
        spans: ``[occurrences, longest]`` the scored positions of each, filled up with -1.
        last: ``[occurrences]``.
        drawn: ``[occurrences]`` the row of the sample's file that each goes to, -1 where it is not drawn.
    """

    spans: NDArray[np.intp]
    last: NDArray[np.intp]
    drawn: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BatchPlan:
    """What is done with the rows of a batch's activations, the same for every layer.

    Attributes:
        places: of the rows.
        pooling: how the activations of an occurrence's tokens become one: last, mean or max.
        words: ``[occurrences, longest]`` rows of each occurrence, one category after another; -1 where one has fewer.
        categories: ``[occurrences]``, rising.
        drawn_words: ``[drawn]`` into the occurrences, those whose activations are kept.
        drawn: ``[drawn]`` rows that are drawn among all positions.
        file_rows: ``[drawn words, then drawn]`` rows of the sample's file that they go to.
    """

    places: Places
    pooling: str
    words: Tensor
    categories: NDArray[np.int64]
    drawn_words: Tensor
    drawn: Tensor
    file_rows: NDArray[np.int64]

    def pooled(self, values: Tensor) -> Tensor:
        """The activation of each neuron at each occurrence, ``[occurrences, neurons]``.

        Args:
            values: ``[rows, neurons]``.
        """
        rows = self.words.to(values.device)
        if self.pooling == "last":
            return values.index_select(0, rows[:, 0])
        there = (rows >= 0)[:, :, None]
        inside = values[rows.clamp(min=0)].float()  # [occurrences, longest, neurons]
        if self.pooling == "max":
            return inside.masked_fill(~there, -torch.inf).amax(dim=1)
        return (inside * there).sum(dim=1) / there.sum(dim=1)

    def kept(self, values: Tensor, pooled: Tensor) -> NDArray[np.float32]:
        """The activations that go to the sample's file, ``[drawn words, then drawn, neurons]``."""
        device = values.device
        parts = (
            pooled.index_select(0, self.drawn_words.to(device)).float(),
            values.index_select(0, self.drawn.to(device)).float(),
        )
        rows: NDArray[np.float32] = torch.cat(parts).cpu().numpy()
        return rows


@dataclass(frozen=True, slots=True, eq=False)
class ChunkPlan:
    """What is done with the positions of a chunk.

    Attributes:
        seed: of the draws.
        pooling: how the activations of an occurrence's tokens become one.
        keys: ``[positions]``.
        rest: ``[positions]`` the row of the sample's file, -1 where a position is not drawn.
        words: of each category.
        inside: scored positions inside occurrences, of each category.
    """

    seed: int
    pooling: str
    keys: NDArray[np.int64]
    rest: NDArray[np.int64]
    words: tuple[_Words, ...]
    inside: tuple[int, ...]

    def batch(self, batch: Batch) -> BatchPlan:
        """The part of it that concerns a batch."""
        take = batch.take.cpu().numpy()
        positions = batch.positions.ravel()[take]  # [rows]
        row_of = np.full(len(self.keys) + 1, -1, np.intp)  # [positions], and one for -1
        row_of[positions] = np.arange(len(positions))
        longest = 1 if self.pooling == "last" else max((words.spans.shape[1] for words in self.words), default=1)
        of_words, categories = [np.zeros((0, longest), np.intp)], [np.zeros(0, np.int64)]
        file_rows = [np.zeros(0, np.int64)]  # of each occurrence, -1 where it is not drawn
        for category, words in enumerate(self.words):
            here = np.flatnonzero(row_of[words.last] >= 0)
            rows = row_of[words.last[here]][:, None] if self.pooling == "last" else row_of[words.spans[here]]
            of_words.append(np.pad(rows, ((0, 0), (0, longest - rows.shape[1])), constant_values=-1))
            categories.append(np.full(len(here), category, np.int64))
            file_rows.append(words.drawn[here])
        word_rows = np.concatenate(file_rows)
        drawn_words = np.flatnonzero(word_rows >= 0)
        drawn = np.flatnonzero(self.rest[positions] >= 0)
        return BatchPlan(
            places=Places(self.keys[positions], self.seed),
            pooling=self.pooling,
            words=torch.from_numpy(np.concatenate(of_words)),
            categories=np.concatenate(categories),
            drawn_words=torch.from_numpy(drawn_words),
            drawn=torch.from_numpy(drawn),
            file_rows=np.concatenate([word_rows[drawn_words], self.rest[positions][drawn]]),
        )


def plan_chunk(chunk: Chunk, state: CorpusState, config: ScanConfig, shard: int, file: SampleFile) -> ChunkPlan:
    """Draw the positions of a chunk that the state's samples take, and say what every position is for.

    Args:
        chunk: the documents.
        state: whose samples draw from them.
        config: of the scan.
        shard: that the chunk is in.
        file: of the activations that the shard draws.
    """
    assert config.corpus is not None
    categories = len(config.categories)
    scored = chunk.tokenized.scored
    by_category: list[list[Occurrence]] = [[] for _ in range(categories)]
    for occurrence in chunk.words.occurrences:
        by_category[occurrence.category].append(occurrence)
    inside = np.zeros((len(scored), categories), np.bool_)
    words = []
    for category, mine in enumerate(by_category):
        spans = _spans(mine, scored)
        inside[spans[spans >= 0], category] = True
        last = np.array([each.last for each in mine], np.intp)
        keys = chunk.keys[last]
        drawn = state.categories[category].offer(hashes(config.corpus.seed, keys), keys, shard, file)
        words.append(_Words(spans, last, _rows(drawn, len(last))))
    positions = np.flatnonzero(scored)
    keys = chunk.keys[positions]
    drawn = state.rest.offer(hashes(config.corpus.seed, keys), keys, shard, file, inside[positions])
    rest = np.full(len(scored), -1, np.int64)
    rest[positions[drawn.index]] = drawn.rows
    return ChunkPlan(
        config.corpus.seed, config.pooling, chunk.keys, rest, tuple(words), tuple(inside.sum(axis=0).tolist())
    )


def _spans(occurrences: Sequence[Occurrence], scored: NDArray[np.bool_]) -> NDArray[np.intp]:
    """The scored positions of each occurrence, ``[occurrences, longest]``, filled up with -1."""
    longest = max((each.last - each.first + 1 for each in occurrences), default=0)
    first = np.array([each.first for each in occurrences], np.intp)[:, None]
    last = np.array([each.last for each in occurrences], np.intp)[:, None]
    spans = first + np.arange(longest)
    return np.where((spans <= last) & scored[np.minimum(spans, last)], spans, -1)


def _rows(drawn: Drawn, count: int) -> NDArray[np.int64]:
    """The row of each of some offered places, -1 where it is not drawn."""
    rows = np.full(count, -1, np.int64)
    rows[drawn.index] = drawn.rows
    return rows
