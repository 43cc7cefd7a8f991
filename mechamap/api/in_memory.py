"""A language model that is in memory already, with its tokenizer, made ready for a scan."""

from __future__ import annotations

from typing import Any

from mechamap.catalog.source import ModelSource, resolve, short_label
from mechamap.errors import ModelNotFound, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.attention import attention_in_words
from mechamap.models.loading.kinds import kind_of, longest_window
from mechamap.models.loading.offload import input_device
from mechamap.models.loading.quantized import number_of_weights, packing_of
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.models.transformers_internals import own_code

__all__ = ["from_memory"]


def from_memory(model: Any, tokenizer: Any, neurons: tuple[str, ...] | None = None) -> tuple[ModelSource, LoadedModel]:
    """A model of transformers as a scan takes it; it stays where it is, and is put into eval mode.

    Args:
        model: a ``PreTrainedModel``.
        tokenizer: its fast tokenizer.
        neurons: paths of its down-projections, where they are not found.

    Returns:
        Where the model is from, as far as its config says, and the model.

    Raises:
        UsageError: it is no model of transformers, or its tokenizer is missing.
        UnsupportedModel: it is not a language model, or its neurons cannot be located.
    """
    from transformers import PreTrainedModel

    if not isinstance(model, PreTrainedModel):
        raise UsageError(
            f"A {type(model).__name__} cannot be scanned.",
            "Give the name of a model, or one that transformers has loaded, with tokenizer=.",
        )
    if tokenizer is None:
        raise UsageError("A model that is in memory needs its tokenizer.", "Give it: tokenizer=AutoTokenizer...")
    source = _source(str(getattr(model.config, "name_or_path", "") or ""), str(model.config.model_type))
    model.eval()
    layers = neuron_layers(model, neurons)
    kind = kind_of(model.config, source.name)
    return source, LoadedModel(
        label=source.label,
        id=source.id,
        revision=getattr(model.config, "_commit_hash", None),
        model=model,
        tokenizer=tokenizer,
        device=input_device(model),
        dtype=next(model.parameters()).dtype,
        layers=layers,
        n_layers=layers[-1].layer + 1,
        context=longest_window(model, kind),
        vocabulary=model.get_input_embeddings().weight.shape[0],
        architecture=str(model.config.model_type),
        parameters=number_of_weights(model),
        kind=kind,
        packing=packing_of(model),
        attention=attention_in_words("", model),
        own_code=own_code(model.config, tokenizer, model),
        notes=("The model was in memory; its weights may differ from those of the name it goes by.",),
    )


def _source(name: str, architecture: str) -> ModelSource:
    """What the model's config says it was loaded from; a name of its own where that is nothing that can be found."""
    try:
        return resolve(name)
    except ModelNotFound:
        label = short_label(name) if name else f"{architecture}-in-memory"
        return ModelSource("hub", label, None, label, label)
