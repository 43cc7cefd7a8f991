"""A loaded model, ready to be scanned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from mechamap.models.neurons.layers import NeuronLayer
from mechamap.runs.scanned import TokenProof

if TYPE_CHECKING:
    import torch
    from torch import nn


__all__ = ["Kind", "LoadedModel"]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model ready to be scanned: in eval mode, on its device, without gradients.

    Attributes:
        label: the short name to show.
        id: the hub id, the absolute path, or ``demo``.
        revision: the commit of the hub it is from, None where there is none.
        model: the language model.
        tokenizer: a fast tokenizer, one that gives character offsets.
        device: where token ids go; a spread model has its layers elsewhere too.
        dtype: the format of the weights, of the activations where weights are packed.
        layers: where the neurons that are loaded are, layer by layer.
        n_layers: how many layers the whole model has; more than ``layers`` where only lower blocks are loaded.
        context: the longest sequence in tokens, None where the model sets no limit.
        vocabulary: rows of the embedding; no token id may be as large.
        architecture: the config's model_type.
        parameters: how many weights the whole model has, tied ones counted once.
        kind: ``decoder``, ``encoder`` or ``encoder-decoder``.
        packing: what the weights are packed as, such as ``int8 (bitsandbytes)``; empty where they are not packed.
        token_proof: how the tokenizer was checked against the model's own tokenizer.json.
        attention: what it is computed with, in words, where the config names something else; else empty.
        adapter: the folder of the adapter that was merged into its weights; empty where none was.
        own_code: the classes of it that came with the model as Python code, as ``Model (modeling.py)``.
        notes: what is to be known of how it was loaded, in sentences.
    """

    label: str
    id: str
    revision: str | None
    model: nn.Module
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    layers: tuple[NeuronLayer, ...]
    n_layers: int
    context: int | None
    vocabulary: int
    architecture: str
    parameters: int
    kind: Kind = "decoder"
    packing: str = ""
    token_proof: TokenProof | None = None
    attention: str = ""
    adapter: str = ""
    own_code: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


Kind: TypeAlias = Literal["decoder", "encoder", "encoder-decoder"]
