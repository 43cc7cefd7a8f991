"""Loading a language model for a scan: from the hub, a folder or a GGUF file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.catalog.source import ModelSource
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading import devices, folder, gguf, hub
from mechamap.models.loading.adapter import check_adapter, left_out
from mechamap.models.loading.attention import attention_in_words
from mechamap.models.loading.checkpoint import LoadOptions, read_config, read_model
from mechamap.models.loading.kinds import longest_window
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.loading.offload import input_device
from mechamap.models.loading.quantized import check_packing, packing_of
from mechamap.models.loading.tokenizer import read_tokenizer
from mechamap.models.loading.trouble import quiet_transformers, translated
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.transformers_internals import own_code

if TYPE_CHECKING:
    import torch

__all__ = ["load_model"]


def load_model(
    source: ModelSource,
    settings: LoadSettings | None = None,
    *,
    stage: Callable[[str], None] = lambda text: None,
) -> LoadedModel:
    """Load a model and find its neurons.

    Args:
        source: which model, see :func:`mechamap.catalog.source.resolve`.
        settings: how to load it; as the checkpoint has it by default.
        stage: called with a short description of each step.

    Raises:
        UsageError: dtype, device or revision is not valid here.
        ModelNotFound: no such model exists, or the network to look for it is down.
        WeightsError: weights are missing, damaged, or of another shape than the config says.
        UnsupportedModel: not a language model, or its neurons cannot be located or read.
        OutOfMemory: it does not fit.
        MissingExtra: a package that it needs is not installed.
        ModelError: anything else that stops it from loading.
    """
    settings = settings or LoadSettings()
    settings.check()
    check_adapter(settings)
    source.check_revision(settings.revision)
    path, commit = _checked_files(source, settings, stage)
    stage("loading torch")
    options = _load_options(settings)
    unpacking = gguf.reading() if source.kind == "gguf" else nullcontext()
    with translated(source.id), quiet_transformers(), unpacking:
        config, kind, attention = read_config(path, settings.trust_remote_code)
        stage("reading the tokenizer")
        with translated(f"The tokenizer of {source.id}"):
            tokenizer, token_proof = read_tokenizer(path, settings.trust_remote_code)
        stage("reading weights")
        read = read_model(path, config, kind, options)
    return LoadedModel(
        label=_label(source, settings.adapter),
        id=source.id,
        revision=commit,
        model=read.model,
        tokenizer=tokenizer,
        device=input_device(read.model),
        dtype=_dtype(read.layers, read.model),
        layers=read.layers,
        n_layers=read.n_layers,
        context=longest_window(read.model, kind),
        vocabulary=_vocabulary(read.model),
        architecture=str(config.model_type),
        parameters=read.parameters,
        kind=kind,
        packing=packing_of(read.model),
        token_proof=token_proof,
        attention=attention_in_words(attention, read.model),
        adapter=settings.adapter or "",
        own_code=own_code(config, tokenizer, read.model),
        notes=tuple(filter(None, (left_out(path, settings.adapter),))),
    )


def _label(source: ModelSource, adapter: str | None) -> str:
    """The short name of a model, with that of the adapter that is merged into it."""
    if adapter is None:
        return source.label
    return f"{source.label}+{'adapter' if Path(adapter) == source.path else Path(adapter).name}"


def _load_options(settings: LoadSettings) -> LoadOptions:
    """The settings with the devices and the number format that torch has for them."""
    return LoadOptions(
        dtype=devices.pick_dtype(settings.dtype),
        target=devices.pick_device(settings.device),
        device_map=devices.pick_places(settings.device_map),
        quantize=settings.quantize,
        neurons=settings.neurons,
        layers_wanted=settings.layers_wanted,
        trust_remote_code=settings.trust_remote_code,
        adapter=settings.adapter,
    )


def _checked_files(
    source: ModelSource, settings: LoadSettings, stage: Callable[[str], None]
) -> tuple[Path, str | None]:
    """The folder or GGUF file that a model lies in, fetched if necessary, and the commit it is from.

    Problems that the files show are raised before torch is loaded, and before weights are fetched.
    """
    if source.kind == "gguf" and source.path is not None:
        gguf.check_file(source.path)
        if settings.quantize is not None:
            raise UsageError(f"{source.path} is a GGUF file, which is packed already.", "Leave quantize out.")
        return source.path, None
    check = partial(_check_config, quantize=settings.quantize)
    if source.path is not None:
        check(source.path)
        folder.check_weight_files(source.path)
        return source.path, None
    stage(f"looking for {source.id}")
    path, commit = hub.fetch(source.id, settings.revision, code=settings.trust_remote_code, stage=stage, check=check)
    check(path)  # the cache alone may have answered
    folder.check_weight_files(path)
    return path, commit


def _check_config(path: Path, quantize: str | None) -> None:
    """Check by the config.json of a folder whether its weights can be read, before they are fetched."""
    config = folder.read_config(path)
    folder.check_model_type(path, config)
    check_packing(path, config, quantize)


def _dtype(layers: tuple[NeuronLayer, ...], model: Any) -> torch.dtype:
    """The format of the weights that neurons write with; of the activations where those are packed."""
    for weights in layers[0].module.parameters():
        if weights.is_floating_point():
            return weights.dtype
    dtype: torch.dtype = model.dtype
    return dtype


def _vocabulary(model: Any) -> int:
    """Rows of the input embedding."""
    rows: int = model.get_input_embeddings().weight.shape[0]
    return rows
