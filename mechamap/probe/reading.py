"""The pass over a sentence: chosen neurons at every token, all neurons at one token, and what the model says next."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch
from mechamap.capture.hooked_pass import OutputListener, PassSettings, capture_parts
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.probe.blocks import values_at, values_of
from mechamap.probe.token_names import token_name
from mechamap.protocol.probed import NextToken
from mechamap.runs.neuron_names import NeuronName
from mechamap.text.tokenize import TokenizedText

__all__ = ["Question", "Seen", "layer_of", "read_neurons", "why_no_next"]


@dataclass(frozen=True, slots=True)
class Question:
    """What a pass looks for.

    Attributes:
        neurons: those whose activations at every token are wanted.
        layers: those of which all neurons are wanted at ``position``.
        position: of the token that ``layers`` and ``next`` are about.
        next: how many of the most probable tokens behind it.
        limit: how many neurons count of each of the ``layers``, see
            :meth:`mechamap.models.neurons.layers.NeuronLayer.widths`.
    """

    neurons: tuple[NeuronName, ...] = ()
    layers: tuple[NeuronLayer, ...] = ()
    position: int = 0
    next: int = 0
    limit: int | None = None


@dataclass(slots=True)
class Seen:
    """What a pass has seen, on the CPU.

    Attributes:
        values: each neuron's activations, ``[tokens]`` float32.
        routed: of each expert's neuron, ``[tokens]``, which were routed to it.
        at_position: all activations at the position by layer, ``[neurons of the layer]`` float32.
        next: the most probable tokens, the first the most probable.
        no_logits: whether the model's output has no logits, though they were asked for.
    """

    values: dict[NeuronName, NDArray[np.float32]] = field(default_factory=dict)
    routed: dict[NeuronName, NDArray[np.bool_]] = field(default_factory=dict)
    at_position: dict[int, NDArray[np.float32]] = field(default_factory=dict)
    next: tuple[NextToken, ...] = ()
    no_logits: bool = False


def layer_of(loaded: LoadedModel, name: NeuronName) -> NeuronLayer:
    """The layer of a neuron that the model has.

    Raises:
        UsageError: it has no such neuron.
    """
    layer = next((layer for layer in loaded.layers if layer.layer == name.layer), None)
    if layer is None:
        have = [layer.layer for layer in loaded.layers]
        which = f"{have[0]} to {have[-1]}" if len(have) == have[-1] - have[0] + 1 else ", ".join(map(str, have))
        raise UsageError(f"{name} does not exist: {loaded.label} has layers {which}.")
    layer.part_of(name.index, name.expert)
    return layer


def why_no_next(loaded: LoadedModel) -> str:
    """Why the model has no distribution of the next token, in a sentence; empty where it has one."""
    if loaded.kind == "encoder":
        return f"{loaded.label} is an encoder: it reads a text in both directions and predicts no next token."
    if loaded.kind == "encoder-decoder":
        return f"{loaded.label} has an encoder that has read the whole text before the decoder predicts any of it."
    return ""


def read_neurons(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    question: Question,
    cancel: threading.Event | None = None,
) -> Seen:
    """Run the model over a text once, as far as the question needs it.

    Each window is run by itself, so that nothing is padded.

    Raises:
        Cancelled: ``cancel`` was set.
        UsageError: the model has no such neuron.
    """
    positions, seen = len(tokenized.ids), Seen()
    by_layer: dict[int, list[NeuronName]] = {}
    for name in question.neurons:
        by_layer.setdefault(layer_of(loaded, name).layer, []).append(name)
    every = {layer.layer for layer in question.layers}
    layers = [layer for layer in loaded.layers if layer.layer in by_layer or layer.layer in every]
    if not layers and question.next:
        layers = list(loaded.layers[:1])  # a pass has at least one
    kept: dict[NeuronName, tuple[Tensor, Tensor | None]] = {}
    rows: dict[int, Tensor] = {}

    def on_layer(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        for name in by_layer.get(layer.layer, ()):
            kept[name] = values_of(layer, parts, name.index, name.expert, positions)
        if layer.layer in every:
            place = torch.tensor([question.position], device=parts[0].values.device)
            rows[layer.layer] = values_at(layer, parts, place, positions, question.limit)[0]

    output = _next_tokens(loaded, question, seen) if question.next else None
    settings = PassSettings(cancel=cancel, batch_tokens=1, output=output)
    with translated(loaded.id):
        capture_parts(loaded, tokenized, layers, on_layer, settings)
    for name, (values, routed) in kept.items():
        seen.values[name] = values.cpu().numpy()
        if routed is not None:
            seen.routed[name] = routed.cpu().numpy()
    seen.at_position = _on_cpu(rows)
    return seen


def _on_cpu(rows: Mapping[int, Tensor]) -> dict[int, NDArray[np.float32]]:
    """Rows of layers, ``[neurons of the layer]`` each, brought over in one copy where they lie on one device."""
    if not rows:
        return {}
    if len({row.device for row in rows.values()}) > 1:
        return {layer: row.cpu().numpy() for layer, row in rows.items()}
    whole = torch.cat(list(rows.values())).cpu().numpy()  # [neurons of all layers]
    ends = np.cumsum([len(row) for row in rows.values()])
    return dict(zip(rows, np.split(whole, ends[:-1]), strict=True))


def _next_tokens(loaded: LoadedModel, question: Question, seen: Seen) -> OutputListener:
    """What takes the most probable tokens behind the position from the model's output."""
    arguments: dict[str, Any] = {}
    if "logits_to_keep" in inspect.signature(type(loaded.model).forward).parameters:
        # Those of all positions would take the memory of the vocabulary for each token.
        arguments["logits_to_keep"] = torch.tensor([question.position], device=loaded.device)

    def on_output(_batch: Batch, output: Any) -> None:
        logits = getattr(output, "logits", None)
        if logits is None:
            seen.no_logits = True
            return
        row = logits[0, 0 if arguments else question.position].float()  # [vocabulary]
        probabilities = torch.softmax(row, dim=0)
        top = probabilities.topk(min(question.next, len(probabilities)))
        seen.next = tuple(
            NextToken(id, token_name(loaded.tokenizer, id), probability)
            for id, probability in zip(top.indices.tolist(), top.values.tolist(), strict=True)
        )

    return OutputListener(on_output, arguments)
