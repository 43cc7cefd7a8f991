"""Reading a checkpoint: its config, and the model with every weight from the file."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import WeightsError
from mechamap.models.loaded import Kind
from mechamap.models.loading import gguf
from mechamap.models.loading.adapter import merge_adapter
from mechamap.models.loading.attention import attention_in_file, use_common_attention
from mechamap.models.loading.gguf_header import read_header
from mechamap.models.loading.kinds import auto_class, is_left_out, kind_of
from mechamap.models.loading.offload import DeviceMap, offloading
from mechamap.models.loading.partial import LowerBlocks
from mechamap.models.loading.quantized import number_of_weights, packing_of, reading_packed, with_readable_weights
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.neurons.model_layers import neuron_layers
from mechamap.models.transformers_internals import without_adapters

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["LoadOptions", "LoadedCheckpoint", "read_config", "read_model"]

_ENOUGH = 0.9  # of a model's weights; what is missing of fewer is found when they are read

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """How to read a checkpoint.

    Attributes:
        dtype: the format to hold the weights in; None for the checkpoint's own.
        target: the device they go to.
        device_map: how to spread them over several devices instead.
        quantize: how to pack them while they are read; None for as they are.
        neurons: paths of the down-projections with ``{layer}``, where the user has named them.
        layers_wanted: how many layers from the lowest up are needed; None for all.
        trust_remote_code: whether Python code in the folder may be run.
        adapter: the folder of an adapter to merge into the weights.
    """

    dtype: torch.dtype | None
    target: torch.device
    device_map: DeviceMap | None = None
    quantize: str | None = None
    neurons: tuple[str, ...] | None = None
    layers_wanted: int | None = None
    trust_remote_code: bool = False
    adapter: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LoadedCheckpoint:
    """A model read from a checkpoint, in eval mode, on its device, without gradients.

    Attributes:
        model: the model; without its upper blocks where only lower ones were wanted and could be loaded alone.
        layers: where the neurons of the blocks that were read are.
        n_layers: how many layers the whole model has.
        parameters: how many weights the whole model has, tied ones counted once.
    """

    model: nn.Module
    layers: tuple[NeuronLayer, ...]
    n_layers: int
    parameters: int


def read_config(path: Path, trust_remote_code: bool) -> tuple[Any, Kind, str]:
    """The config in a folder or GGUF file, as transformers has it, and which kind of model it describes.

    Last, the attention that it named; what is returned names none that some machines lack.

    Raises:
        UnsupportedModel: it is not a language model.
    """
    from transformers import AutoConfig

    config = AutoConfig.from_pretrained(**gguf.place(path), trust_remote_code=trust_remote_code)
    named = use_common_attention(config) or attention_in_file(path)
    return config, kind_of(config, str(path)), named


def read_model(path: Path, config: Any, kind: Kind, how: LoadOptions) -> LoadedCheckpoint:
    """The language model in a folder or GGUF file whose config has been read.

    Raises:
        UnsupportedModel: its neurons cannot be located or read.
        WeightsError: the file lacks weights, or has them in another shape than the config says.
    """
    whole = auto_class(kind, config)
    if how.layers_wanted is not None and kind != "encoder-decoder":
        lower = LowerBlocks(how.layers_wanted, how.neurons)
        model = _read(path, *lower.loader(whole, config), kind, how)
        if lower.taken_out:
            if (layers := lower.layers(model)) is not None:
                return LoadedCheckpoint(model, layers, lower.n_layers, lower.parameters)
            _LOG.info("lower layers cannot be loaded alone: all of the model is read")
            model = _read(path, whole, config, kind, how)
    else:
        model = _read(path, whole, config, kind, how)
    layers = neuron_layers(model, how.neurons)
    return LoadedCheckpoint(model, layers, layers[-1].layer + 1, number_of_weights(model))


def _read(path: Path, model_class: Any, config: Any, kind: Kind, how: LoadOptions) -> nn.Module:
    """One reading of the files, by ``model_class``."""
    place = gguf.place(path)
    options = {"config": config, "dtype": how.dtype or "auto", "trust_remote_code": how.trust_remote_code}
    if "gguf_file" in place:
        _refuse_too_few(path, _on_meta(kind, config, how))
        options |= gguf.unpacking()
    packed = reading_packed(config, how.target, how.quantize)
    with without_adapters(), offloading(how.device_map, partial(_on_meta, kind, config, how)) as offload:
        model, info = model_class.from_pretrained(
            **place,
            **(options | packed | offload.options),
            ignore_mismatched_sizes=True,  # refused below, by name; transformers would only report that there are some
            output_loading_info=True,
        )
        _refuse_gaps(path, info, kind)
        offload.keep_with(model)
    if not packed and not offload.options:
        model = model.to(how.target)
    with_readable_weights(path, model)
    if how.adapter is not None:
        if packing := packing_of(model):
            raise WeightsError(
                f"The weights in {path} are packed as {packing}, so no adapter can be merged into them.",
                "Give the model's original weights.",
            )
        merge_adapter(Path(how.adapter), model)
    read: nn.Module = model.eval().requires_grad_(False)
    return read


def _on_meta(kind: Kind, config: Any, how: LoadOptions) -> nn.Module:
    """The whole model as the config describes it, its weights without memory."""
    import torch

    with torch.device("meta"):
        model: nn.Module = auto_class(kind, config).from_config(config, trust_remote_code=how.trust_remote_code)
    return model


def _refuse_too_few(path: Path, model: nn.Module) -> None:
    """Refuse a GGUF file with fewer weights than its model has, before memory is taken for them.

    Raises:
        WeightsError: it has.
    """
    header = read_header(path)
    needed = number_of_weights(model)
    if header is not None and header.parameters < _ENOUGH * needed:
        raise WeightsError(
            f"{path} holds {header.parameters:,} weights, but the model that its header describes has {needed:,}.",
            "It may be a part of a model: give the .gguf file of the whole model.",
        )


def _wrapper(missing: Iterable[str], unexpected: Iterable[str]) -> str:
    """What the file has in front of the names of missing weights, such as ``module.``; empty where it has nothing."""
    ends = tuple(f".{name}" for name in missing)
    longer = next((name for name in unexpected if name.endswith(ends)), "")
    return next((longer.removesuffix(end[1:]) for end in ends if longer.endswith(end)), "")


def _refuse_gaps(path: Path, info: Any, kind: Kind) -> None:
    """Refuse a model with weights that are not from the file: transformers fills such gaps with random numbers."""
    misshapen = [
        f"{name} {tuple(in_file)} instead of {tuple(in_model)}"
        for name, in_file, in_model in info.get("mismatched_keys", ())
    ]
    for problem, names in (
        ("lacks", sorted(name for name in info.get("missing_keys", ()) if not is_left_out(kind, name))),
        ("does not fit its config.json:", sorted(misshapen)),
    ):
        if names and (wrapped := _wrapper(names, info.get("unexpected_keys", ()))):
            raise WeightsError(
                f"The checkpoint in {path} has its weights under other names than its model: they begin with {wrapped}",
                "It was saved from a model that something was wrapped around, as training code and torch.compile do: "
                "save the model inside, or take that beginning off the names.",
            )
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise WeightsError(
                f"The checkpoint in {path} {problem} {', '.join(names[:4])}{more}.",
                "A scan of made-up weights would mean nothing: get the whole checkpoint, or the config it belongs to.",
            )
