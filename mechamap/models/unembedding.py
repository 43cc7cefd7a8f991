"""The way from the residual stream to the logits: what each token reads from it and each neuron adds to it.

logits = head(final norm(stream)), up to a positive factor and soft-capping, both of which keep the order of tokens. A
neuron adds ``activation * output weights`` to the stream, so its direct logit attribution (Elhage et al., 2021; Wang
et al., 2023) needs the head's rows with the final norm folded in, and the output weights with the norm, if any, that
the MLP's output passes before it is added (Gemma 2, OLMo 2).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.norms import Norm
from mechamap.runs.scanned import UnembeddingRecord

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["CHUNK_BYTES", "Unembedding", "folded"]


CHUNK_BYTES = 16 * 2**20  # of the directions of tokens that are looked at together


@dataclass(frozen=True, slots=True, eq=False)
class Unembedding:
    """The linear part of the way to the logits.

    Attributes:
        path: where the output embedding lies in the model.
        weight: ``[vocabulary, width]``, as the model has it.
        before: a linear layer between final norm and output embedding (``[width, d_model]``), if there is one.
        norm: the final norm, None where there is none.
        norm_path: where it lies; empty where there is none.
        written: for each layer whose MLP output is normalized before it is added, that norm.
        vocabulary: how many rows are real tokens; some models pad theirs.
        softcap: the soft cap on the logits, None where there is none.
        error: max |computed - logits| / max |logits| on a few tokens.
        tolerance: the largest error that counts as rounding.
    """

    path: str
    weight: Tensor
    before: Tensor | None
    norm: Norm | None
    norm_path: str
    written: dict[int, Norm]
    vocabulary: int
    softcap: float | None
    error: float
    tolerance: float

    @property
    def record(self) -> UnembeddingRecord:
        """How it was found, for ``run.json``."""
        return UnembeddingRecord(
            head=self.path,
            norm=self.norm_path,
            centred=self.norm is not None and self.norm.centred,
            normalized_output=bool(self.written),
            vocabulary=self.vocabulary,
            softcap=self.softcap,
            error=self.error,
            tolerance=self.tolerance,
        )

    def rows(self, ids: Tensor | slice) -> Tensor:
        """Directions of the residual stream that raise the logits of tokens, ``[ids, d_model]`` float32."""
        return folded(self.weight[ids].float(), self.before, self.norm)

    def chunks(self) -> Iterator[Tensor]:
        """The directions of all tokens, some at a time, ``[chunk, d_model]`` float32."""
        size = max(1, CHUNK_BYTES // (4 * self.weight.shape[1]))
        for first in range(0, self.vocabulary, size):
            yield self.rows(slice(first, min(first + size, self.vocabulary)))

    def written_by(self, layer: NeuronLayer) -> Tensor:
        """What each neuron of a layer adds to the stream per unit of activation, ``[neurons, d_model]`` float32."""
        import torch

        pieces = list(self.written_in(layer))
        return pieces[0] if len(pieces) == 1 else torch.cat(pieces)

    def written_by_neuron(self, layer: NeuronLayer, index: int, expert: int = -1) -> Tensor:
        """What one neuron adds to the stream per unit of activation, ``[d_model]`` float32."""
        part, place = layer.part_of(index, expert)
        weight = part.weight(max(expert, 0))[place : place + 1].to(self.weight.device).float()
        norm = self.written.get(layer.layer)
        return (weight if norm is None else norm.fold(weight))[0]

    def written_in(self, layer: NeuronLayer, limit: int | None = None) -> Iterator[Tensor]:
        """What each neuron adds to the stream per unit of activation, part by part and expert by expert.

        Where the MLP's output is normalized this is exact up to the size it is divided by, and an expert's up to the
        weight that its router gives a token.

        Args:
            limit: only the first so many neurons, see :meth:`mechamap.models.neurons.layers.NeuronLayer.widths`.

        Yields:
            ``[neurons, d_model]`` float32.
        """
        norm = self.written.get(layer.layer)
        for part, width in zip(layer.parts, layer.widths(limit), strict=True):
            for expert in range(max(part.experts, 1)):
                weight = part.weight(expert)[:width].to(self.weight.device).float()
                yield weight if norm is None else norm.fold(weight)


def folded(rows: Tensor, before: Tensor | None, norm: Norm | None) -> Tensor:
    """Rows of the output embedding as directions of the residual stream, ``[rows, d_model]``."""
    if before is not None:
        rows = rows @ before
    return rows if norm is None else norm.fold(rows)
