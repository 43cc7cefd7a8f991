"""Loading a language model for a scan: from the hub, a folder or a GGUF file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.catalog import resolve
from mechamap.config.layers import layers_needed
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading import devices, folder, gguf, hub
from mechamap.models.loading.checkpoint import LoadOptions, read_config, read_model, read_tokenizer
from mechamap.models.loading.kinds import longest_window
from mechamap.models.loading.offload import DeviceMap, check_device_map, input_device
from mechamap.models.loading.quantized import check_packing, packing_of
from mechamap.models.loading.trouble import quiet_transformers, translated
from mechamap.models.neurons.layers import NeuronLayer

if TYPE_CHECKING:
    import torch

    from mechamap.config.schema import ScanConfig

__all__ = ["load_configured", "load_model"]


def load_model(
    name: str,
    *,
    dtype: str = "auto",
    device: str = "auto",
    device_map: DeviceMap | None = None,
    quantize: str | None = None,
    neurons: str | Sequence[str] | None = None,
    layers_wanted: int | None = None,
    revision: str | None = None,
    trust_remote_code: bool = False,
    stage: Callable[[str], None] = lambda text: None,
) -> LoadedModel:
    """Load the model called ``name`` (see :func:`mechamap.catalog.resolve`) and find its neurons.

    Args:
        name: a hub id, short name, folder, ``.gguf`` file, or ``demo``.
        dtype: ``auto`` (the checkpoint's), ``float32``, ``bfloat16`` or ``float16``.
        device: ``auto`` (CUDA if there, else the CPU), ``cpu``, ``cuda``, ``cuda:1`` or ``mps``.
        device_map: spread it over several devices, memory and disk, instead of putting it on one: ``auto``,
            ``balanced``, ``balanced_low_0``, ``sequential``, or the device of modules by their path.
        quantize: pack the weights while they are read: ``int8`` or ``nf4``.
        neurons: the paths of the down-projections with ``{layer}``, for a model whose neurons are not found.
        layers_wanted: how many layers from the lowest up are needed; the blocks above are not read where that can be
            had. What needs the model's output needs all.
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
    check_device_map(device_map, device)
    source = resolve(name)
    commit = None
    if revision is not None and source.kind != "hub":
        raise UsageError(
            f"{source.id} is not on the hub, so it has no revision {revision!r}.", "Leave the revision out."
        )
    check = partial(_check_config, quantize=quantize)
    if source.path is None:
        stage(f"looking for {source.id}")
        path, commit = hub.fetch(source.id, revision, code=trust_remote_code, stage=stage, check=check)
    else:
        path = source.path
    if source.kind == "gguf":
        gguf.check_file(path)
        if quantize is not None:
            raise UsageError(f"{path} is a GGUF file, which is packed already.", "Leave quantize out.")
    else:
        check(path)
        folder.check_weight_files(path)
    stage("loading torch")
    how = LoadOptions(
        dtype=devices.pick_dtype(dtype),
        target=devices.pick_device(device),
        device_map=devices.pick_places(device_map),
        quantize=quantize,
        neurons=(neurons,) if isinstance(neurons, str) else tuple(neurons) if neurons else None,
        layers_wanted=layers_wanted,
        trust_remote_code=trust_remote_code,
    )
    with translated(source.id), quiet_transformers(), gguf.reading() if source.kind == "gguf" else nullcontext():
        config, kind = read_config(path, trust_remote_code)
        stage("reading the tokenizer")
        with translated(f"The tokenizer of {source.id}"):
            tokenizer = read_tokenizer(path, trust_remote_code)
        stage("reading weights")
        read = read_model(path, config, kind, how)
    return LoadedModel(
        label=source.label,
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
    )


def load_configured(
    name: str,
    config: ScanConfig,
    *,
    whole: bool = True,
    stage: Callable[[str], None] = lambda text: None,
) -> LoadedModel:
    """Load a model as the config of a scan wants it.

    Args:
        name: as for :func:`load_model`.
        config: what says how.
        whole: load all layers, whatever ``config.layers`` says; otherwise blocks above those are not read where that
            can be had. What needs the model's output, such as causes, needs all.
        stage: told in a few words what is being done.

    Raises:
        MechaMapError: as :func:`load_model`.
    """
    return load_model(
        name,
        dtype=config.dtype,
        device=config.device,
        device_map=config.device_map,
        quantize=config.quantize,
        neurons=config.neurons,
        layers_wanted=None if whole else layers_needed(config.layers),
        revision=config.revision,
        trust_remote_code=config.trust_remote_code,
        stage=stage,
    )


def _check_config(path: Path, quantize: str | None) -> None:
    """See in the config.json of a folder whether there is any use in reading its weights, or fetching them."""
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
