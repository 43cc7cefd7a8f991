"""What neurons write: direct logit attribution of each category, from weights and words alone.

With w a neuron's output weights and U[t] the direction of the stream that raises token t, the figure is

    (mean of w.U[t] over the first tokens t of the category's words - mean over the vocabulary) / spread

with the spread the standard deviation of w.U[t] over the vocabulary. Mean and spread follow from the first and second
moments of U, so that no ``[neurons, vocabulary]`` matrix is ever made: the cost is a few products with ``[d_model,
d_model]``. (Direct logit attribution: Elhage et al., 2021, A Mathematical Framework for Transformer Circuits.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.config.scan_config import Category
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.unembedding import Unembedding
from mechamap.words.finder import begins_without_border

__all__ = ["WriteScores", "category_tokens", "first_tokens"]


# Words are mostly met inside a sentence, and tokenizers spell them otherwise there; in scripts that are written without
# spaces nothing stands between a word and what precedes it.
_IN_FRONT, _IN_FRONT_CLOSE = "the ", "the\n"


def first_tokens(words: Sequence[str], tokenizer: Any) -> NDArray[np.int64]:
    """The first token of each word inside a sentence, ``[words]``; -1 for a word that the vocabulary does not know."""
    tokens = np.full(len(words), -1, np.int64)
    if not words:
        return tokens
    texts = [f"{_IN_FRONT_CLOSE if begins_without_border(word) else _IN_FRONT}{word}" for word in words]
    encoded = tokenizer(texts, add_special_tokens=False, return_offsets_mapping=True, padding=False, verbose=False)
    for number, (ids, spans) in enumerate(zip(encoded["input_ids"], encoded["offset_mapping"], strict=True)):
        first = next((id for id, (_, end) in zip(ids, spans, strict=True) if end > len(_IN_FRONT)), None)
        if first is not None and first != tokenizer.unk_token_id:
            tokens[number] = first
    return tokens


def category_tokens(categories: Sequence[Category], tokenizer: Any) -> list[NDArray[np.int64]]:
    """The first tokens of each category's words, each once."""
    tokens = [first_tokens(category.words, tokenizer) for category in categories]
    return [np.unique(ids[ids >= 0]) for ids in tokens]


class WriteScores:
    """Scores the output weights of layers against categories.

    Args:
        unembedding: of the model.
        tokens: for each category the first tokens of its words, each once; a category without any is not computed.
    """

    def __init__(self, unembedding: Unembedding, tokens: Sequence[NDArray[np.int64]]) -> None:
        self._unembedding = unembedding
        with torch.inference_mode():
            self._mean, self._covariance = _moments(unembedding)
            directions = [self._direction(ids) for ids in tokens]
            self._directions = torch.stack(directions, dim=1) if directions else None  # [d_model, categories]

    def _direction(self, ids: NDArray[np.int64]) -> Tensor:
        """Mean of U over some tokens less its mean over the vocabulary, ``[d_model]``; NaN without tokens."""
        if not len(ids):
            return torch.full_like(self._mean, torch.nan)
        rows = self._unembedding.rows(torch.as_tensor(ids, device=self._mean.device))  # [ids, d_model]
        return rows.mean(dim=0) - self._mean

    def score(self, layer: NeuronLayer, limit: int | None = None) -> NDArray[np.float32]:
        """The figure of a layer's neurons, of the first ``limit`` ones of each part and expert: ``[neurons,
        categories]``; NaN where nothing varies."""
        pieces = [self._score(weight) for weight in self._unembedding.written_in(layer, limit)]
        return np.concatenate(pieces)

    def _score(self, weight: Tensor) -> NDArray[np.float32]:
        """The figure of neurons that write ``weight``, ``[neurons, d_model]``."""
        if self._directions is None:
            return np.zeros((len(weight), 0), np.float32)
        with torch.inference_mode():
            weight = weight.to(self._mean.device)
            raised = weight @ self._directions  # [neurons, categories]
            spread = self.spread(weight)[:, None]  # [neurons, 1]
            scores = torch.where(spread > 0, raised / spread, torch.nan)
        figure: NDArray[np.float32] = scores.float().cpu().numpy()
        return figure

    def spread(self, weight: Tensor) -> Tensor:
        """Standard deviation of w.U[t] over the vocabulary for each row w of ``[neurons, d_model]``: ``[neurons]``."""
        return ((weight @ self._covariance) * weight).sum(dim=1).clamp(min=0).sqrt()


def _moments(unembedding: Unembedding) -> tuple[Tensor, Tensor]:
    """Mean ``[d_model]`` and covariance ``[d_model, d_model]`` of U over the vocabulary, float32."""
    mean = torch.stack([chunk.sum(dim=0) for chunk in unembedding.chunks()]).sum(dim=0) / unembedding.vocabulary
    covariance = mean.new_zeros(len(mean), len(mean))
    for chunk in unembedding.chunks():
        centred = chunk - mean  # [chunk, d_model]
        covariance.addmm_(centred.T, centred)
    return mean, covariance / unembedding.vocabulary
