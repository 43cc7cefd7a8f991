"""How well a model knows the words of the categories: log probabilities of their first tokens, given what precedes.

``cause`` is about these: what a neuron changes in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mechamap.capture.batches import Batch
from mechamap.errors import UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run

__all__ = ["WordTargets", "log_probabilities", "logits_at", "tokens_at", "word_targets"]


@dataclass(frozen=True, slots=True)
class WordTargets:
    """The words that are predicted, each where it stands in the text.

    Attributes:
        positions: ``[targets]`` of the words' first tokens; the position before predicts it.
        members: ``[targets, categories]`` whether it begins an occurrence of the category.
    """

    positions: NDArray[np.int64]
    members: NDArray[np.bool_]

    @property
    def occurrences(self) -> NDArray[np.int64]:
        """``[categories]``."""
        counts: NDArray[np.int64] = self.members.sum(axis=0)
        return counts

    def means(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean over each category's occurrences, and its standard error, of ``[..., targets]``: ``[..., categories]``.

        NaN where a category has no occurrence, and the error also where it has one.
        """
        member = self.members.astype(np.float64)
        count = self.occurrences
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = values @ member / count
            variance = (np.square(values) @ member - count * np.square(mean)).clip(0) / (count - 1)
            return np.where(count > 0, mean, np.nan), np.where(count > 1, np.sqrt(variance / count), np.nan)


def word_targets(run: Run) -> WordTargets:
    """The first tokens of all occurrences that have something before them in their window."""
    starts = {window[1] for window in run.record.tokens.windows}
    categories: dict[int, set[int]] = {}
    for category, _, first, _ in run.record.occurrences:
        if first not in starts:
            categories.setdefault(first, set()).add(category)
    positions = sorted(categories)
    members = np.zeros((len(positions), len(run.categories)), np.bool_)
    for row, position in enumerate(positions):
        members[row, list(categories[position])] = True
    return WordTargets(np.array(positions, np.int64), members)


@contextmanager
def logits_at(loaded: LoadedModel, rows: Tensor) -> Iterator[None]:
    """Within the context the model computes logits only at some positions, as ``[1, rows, vocabulary]``.

    Args:
        rows: ``[rows]`` into windows * length of the batch.

    Raises:
        UnsupportedModel: it has no output embedding.
    """
    model: Any = loaded.model
    head: nn.Module | None = model.get_output_embeddings()
    if head is None:
        raise UnsupportedModel(f"{loaded.id} has no output embedding, so it assigns words no probability.")

    def only(_module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = args[0]  # [windows, length, d_model]
        return (hidden.reshape(1, -1, hidden.shape[-1])[:, rows], *args[1:])

    handle = head.register_forward_pre_hook(only)
    try:
        yield
    finally:
        handle.remove()


def tokens_at(batch: Batch, positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """The tokens at some positions of a batch's windows, ``[positions]``."""
    flat = batch.positions.ravel()
    order = np.argsort(flat, kind="stable")
    places = order[np.searchsorted(flat, positions, sorter=order)]
    tokens: NDArray[np.int64] = batch.ids.cpu().numpy().ravel()[places]
    return tokens


def log_probabilities(logits: Tensor, ids: Tensor) -> Tensor:
    """Of the token ``ids[i]`` at ``logits[0, i]``: ``[rows]`` float32."""
    flat = logits.reshape(-1, logits.shape[-1]).float()  # [rows, vocabulary]
    return flat.gather(1, ids[:, None]).squeeze(1) - torch.logsumexp(flat, dim=1)
