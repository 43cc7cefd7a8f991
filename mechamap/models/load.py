"""Loading a language model for a scan: from the hub, a folder or a GGUF file."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mechamap.catalog import resolve
from mechamap.errors import UsageError
from mechamap.models import devices, folder, gguf, hub
from mechamap.models.checkpoint import read_model, read_tokenizer
from mechamap.models.kinds import Kind, longest_window
from mechamap.models.layers import NeuronLayer, neuron_layers
from mechamap.models.quiet import quiet_transformers
from mechamap.models.trouble import translated

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["LoadedModel", "load_model"]


@dataclass(frozen=True, slots=True, eq=False)
class LoadedModel:
    """A model ready to be scanned: in eval mode, on its device, without gradients.

    Attributes:
        label: the short name to show.
        id: the hub id, the absolute path, or ``demo``.
        revision: the commit of the hub it is from, None where there is none.
        model: the language model.
        tokenizer: a fast tokenizer, one that gives character offsets.
        device: where the weights are.
        dtype: the format of the weights.
        layers: where its neurons are, layer by layer.
        context: the longest sequence in tokens, None where the model sets no limit.
        vocabulary: rows of the embedding; no token id may be as large.
        architecture: the config's model_type.
        parameters: how many weights it has, tied ones counted once.
        kind: ``decoder``, ``encoder`` or ``encoder-decoder``.
    """

    label: str
    id: str
    revision: str | None
    model: nn.Module
    tokenizer: Any
    device: torch.device
    dtype: torch.dtype
    layers: tuple[NeuronLayer, ...]
    context: int | None
    vocabulary: int
    architecture: str
    parameters: int
    kind: Kind = "decoder"


def load_model(
    name: str,
    *,
    dtype: str = "auto",
    device: str = "auto",
    revision: str | None = None,
    trust_remote_code: bool = False,
    stage: Callable[[str], None] = lambda text: None,
) -> LoadedModel:
    """Load the model called ``name`` (see :func:`mechamap.catalog.resolve`) and find its neurons.

    Args:
        name: a hub id, short name, folder, ``.gguf`` file, or ``demo``.
        dtype: ``auto`` (the checkpoint's), ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` (CUDA if there, else the CPU), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        revision: branch, tag or commit on the hub.
        trust_remote_code: whether Python code that comes with the model may be run.
        stage: told in a few words what is being done.

    Raises:
        UsageError: dtype, device or revision make no sense here.
        ModelNotFound: there is no such model, or no network to look for it.
        WeightsError: weights are missing, damaged, or of another shape than the config says.
        UnsupportedModel: not a language model, or its neurons are not where they can be read.
        OutOfMemory: it does not fit.
        MissingExtra: a package it needs is not installed.
        ModelError: anything else that stops it from loading.
    """
    devices.check_names(dtype, device)
    source = resolve(name)
    commit = None
    if revision is not None and source.kind != "hub":
        raise UsageError(
            f"{source.id} is not on the hub, so it has no revision {revision!r}.", "Leave the revision out."
        )
    if source.path is None:
        stage(f"looking for {source.id}")
        path, commit = hub.fetch(source.id, revision, code=trust_remote_code, stage=stage)
    else:
        path = source.path
    if source.kind == "gguf":
        gguf.check_file(path)
    else:
        folder.check_model_type(path, folder.read_config(path))
        folder.check_weight_files(path)
        folder.check_tokenizer_files(path)
    stage("loading torch")
    target, weight_format = devices.pick_device(device), devices.pick_dtype(dtype)
    with translated(source.id), quiet_transformers(), gguf.reading() if source.kind == "gguf" else nullcontext():
        stage("reading weights")
        model, kind = read_model(path, weight_format, trust_remote_code)
        layers = neuron_layers(model)
        stage("reading the tokenizer")
        with translated(f"The tokenizer of {source.id}"):
            tokenizer = read_tokenizer(path, trust_remote_code)
        model = model.to(target).eval().requires_grad_(False)
    config: Any = model.config
    weight = layers[0].parts[0].weight()
    return LoadedModel(
        label=source.label,
        id=source.id,
        revision=commit,
        model=model,
        tokenizer=tokenizer,
        device=weight.device,
        dtype=weight.dtype,
        layers=layers,
        context=longest_window(model, kind),
        vocabulary=_vocabulary(model),
        architecture=str(config.model_type),
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        kind=kind,
    )


def _vocabulary(model: Any) -> int:
    """Rows of the input embedding."""
    rows: int = model.get_input_embeddings().weight.shape[0]
    return rows
