"""The lens of one neuron: which tokens it promotes and which it suppresses, by its weights alone (logit lens)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.unembedding_search import find_unembedding
from mechamap.runs.neuron_names import NeuronName

__all__ = ["UNIT", "Lens", "neuron_lens"]


UNIT = "standard deviations over the vocabulary"


@dataclass(frozen=True, slots=True)
class Lens:
    """What a neuron writes, per unit of its activation: with a negative activation the two lists change places.

    Attributes:
        neuron: its name.
        promoted: (token, value) from the highest on.
        suppressed: (token, value) from the lowest on.
        spread: standard deviation of its effect on the logits over the vocabulary, before the final norm divides; the
            values are in units of it, from the mean over the vocabulary.
    """

    neuron: str
    promoted: tuple[tuple[str, float], ...]
    suppressed: tuple[tuple[str, float], ...]
    spread: float


def neuron_lens(loaded: LoadedModel, neuron: NeuronName, k: int = 10) -> Lens:
    """The ``k`` most promoted and most suppressed tokens of a neuron.

    Raises:
        UsageError: the model has no such neuron.
        UnsupportedModel: its weights do not determine the neurons' direct effect on the logits.
    """
    layer = next((candidate for candidate in loaded.layers if candidate.layer == neuron.layer), None)
    if layer is None:
        raise UsageError(f"{neuron} does not exist: {loaded.label} has layers 0 to {loaded.layers[-1].layer}.")
    layer.part_of(neuron.index, neuron.expert)
    unembedding = find_unembedding(loaded)
    with torch.inference_mode():
        weight = unembedding.written_by_neuron(layer, neuron.index, neuron.expert)  # [d_model]
        raised = torch.cat([chunk @ weight.to(chunk.device) for chunk in unembedding.chunks()])  # [vocabulary]
        spread = raised.std(correction=0)
        values = (raised - raised.mean()) / spread.clamp(min=1e-30)
        k = min(k, len(values))
        return Lens(
            str(neuron),
            _tokens(loaded, *values.topk(k)),
            _tokens(loaded, *values.topk(k, largest=False)),
            float(spread),
        )


def _tokens(loaded: LoadedModel, values: Tensor, ids: Tensor) -> tuple[tuple[str, float], ...]:
    return tuple(
        (loaded.tokenizer.decode([id]), float(value)) for id, value in zip(ids.tolist(), values.tolist(), strict=True)
    )
