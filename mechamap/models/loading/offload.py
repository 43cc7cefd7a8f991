"""A model spread over several devices, memory and disk, by accelerate.

Weights in memory or on disk that run on a card are only on it while their module runs; in between they are on torch's
meta device, and :mod:`mechamap.models.neurons.weights` reads them.
"""

from __future__ import annotations

import importlib.util
import weakref
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mechamap.config.choices import DEVICE_MAPS
from mechamap.errors import MissingExtra, UsageError
from mechamap.system.leftovers import OwnFolder
from mechamap.wording.suggest import nearest, unknown_name

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["DeviceMap", "Offloading", "check_device_map", "input_device", "offloading"]


DeviceMap: TypeAlias = "str | Mapping[str, str]"


def check_device_map(device_map: DeviceMap | None, device: str) -> None:
    """Refuse settings that no machine can carry out, and name missing packages. Needs no torch.

    Raises:
        UsageError: it is not a map, or a device is named as well.
        MissingExtra: accelerate is not installed.
    """
    if device_map is None:
        return
    if isinstance(device_map, str) and device_map not in DEVICE_MAPS:
        raise UsageError(*unknown_name("device_map", device_map, DEVICE_MAPS))
    if device != "auto":
        raise UsageError(
            f"device {device} puts the whole model in one place, device_map spreads it: they exclude each other.",
            "Give one of the two.",
        )
    if importlib.util.find_spec("accelerate") is None:
        raise MissingExtra(
            "Spreading a model over devices needs accelerate, not installed here.",
            "Install the extra: pip install 'mechamap[device-map]'",
        )


@dataclass(frozen=True, slots=True)
class Offloading:
    """The arguments that make transformers spread a model, and the folder for weights that it has to rewrite."""

    options: dict[str, Any] = field(default_factory=dict)
    folder: OwnFolder | None = None

    def keep_with(self, model: nn.Module) -> None:
        """Keep the folder as long as the model exists, at most until the process ends."""
        if self.folder is not None:
            weakref.finalize(model, self.folder.remove)


@contextmanager
def offloading(device_map: DeviceMap | None, built: Callable[[], nn.Module]) -> Iterator[Offloading]:
    """A folder for offloaded weights, removed where loading the model inside fails.

    Of a safetensors file, weights are read where they are; others are written to the folder, which lies among
    temporary files (``TMPDIR``). Without a map there are neither a folder nor options.

    Args:
        device_map: how to spread the model; None for not at all.
        built: builds the model on the meta device, where a map names its modules.

    Raises:
        UsageError: the map leaves something without a place, or nothing with a device to run on.
    """
    if device_map is None:
        yield Offloading()
        return
    mapped = device_map if isinstance(device_map, str) else _without_overlap(device_map, built())
    folder = OwnFolder("offload")
    try:
        yield Offloading({"device_map": mapped, "offload_folder": str(folder.path)}, folder)
    except BaseException:
        folder.remove()
        raise


def _without_overlap(device_map: Mapping[str, str], model: nn.Module) -> dict[str, str | int]:
    """The same map with each module named once, as accelerate wants it: the largest ones whose weights share a place.

    A path in ``device_map`` covers everything in it, except what a longer path names.
    """
    unknown = [path for path in device_map if path and not _lies_in(model, path)]
    if unknown:
        near = nearest(unknown[0], (name for name, _ in model.named_modules()), most=3)
        raise UsageError(
            f"device_map names {unknown[0]}, which {type(model).__name__} does not have.",
            f"The nearest paths in the model are {', '.join(near)}." if near else "",
        )
    places: dict[str, str | int] = {}

    def put(path: str, module: nn.Module) -> None:
        names = [name for name, _ in (*module.named_parameters(path), *module.named_buffers(path))]
        weight_places = {_place_of(name, device_map) for name in names}
        if len(weight_places) == 1:
            places[path] = _torch_name(weight_places.pop())
            return
        for name in (name for name, _ in module.named_parameters(path, recurse=False)):
            places[name] = _torch_name(_place_of(name, device_map))
        for name, child in module.named_children():
            put(f"{path}.{name}".lstrip("."), child)

    put("", model)
    if set(places.values()) == {"disk"}:
        raise UsageError(
            "device_map puts the whole model on disk.", "Assign some of it to a device that it can run on, such as cpu."
        )
    return places


def _lies_in(model: nn.Module, path: str) -> bool:
    return any(f"{name}.".startswith(f"{path}.") for name, _ in (*model.named_modules(), *model.named_parameters()))


def _place_of(name: str, device_map: Mapping[str, str]) -> str:
    """The place of a weight: that of the longest path it lies in."""
    paths = [path for path in device_map if not path or f"{name}.".startswith(f"{path}.")]
    if not paths:
        raise UsageError(
            f"device_map assigns no device to {name}.", 'The path "" covers everything that no other path names.'
        )
    return device_map[max(paths, key=len)]


def _torch_name(place: str) -> str | int:
    """accelerate identifies cards by their number."""
    return int(place.partition(":")[2] or 0) if place.startswith("cuda") else place


def input_device(model: Any) -> torch.device:
    """Where token ids go: the device on which the input embedding runs."""
    import torch

    embedding = model.get_input_embeddings()
    hook = getattr(embedding, "_hf_hook", None)
    for candidate in (*getattr(hook, "hooks", ()), hook):
        if (device := getattr(candidate, "execution_device", None)) is not None:
            return torch.device(device)
    weight: torch.Tensor = embedding.weight
    return weight.device
