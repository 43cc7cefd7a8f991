"""A model spread over several devices, memory and disk, by accelerate.

Weights in memory or on disk that run on a card are only there while their module runs; in between they are on torch's
meta device, and :mod:`mechamap.models.weights` reads them.
"""

from __future__ import annotations

import importlib.util
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from mechamap.config_model import DEVICE_MAPS
from mechamap.errors import MissingExtra, UsageError

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["DeviceMap", "Offloading", "check_device_map", "input_device", "offloading"]

DeviceMap: TypeAlias = "str | Mapping[str, str]"


def check_device_map(device_map: DeviceMap | None, device: str) -> None:
    """Refuse what no machine can do, and say what is missing. Needs no torch.

    Raises:
        UsageError: it is no map, or a device is named as well.
        MissingExtra: accelerate is not installed.
    """
    if device_map is None:
        return
    if isinstance(device_map, str) and device_map not in DEVICE_MAPS:
        raise UsageError(f"device_map {device_map!r} is not known.", f"Give one of {', '.join(DEVICE_MAPS)}.")
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
    """What tells transformers to spread a model, and the folder for weights that it has to write anew for that."""

    options: dict[str, Any] = field(default_factory=dict)
    folder: str = ""

    def keep_with(self, model: nn.Module) -> None:
        """Keep the folder for as long as there is the model, at most until the process ends."""
        if self.folder:
            weakref.finalize(model, shutil.rmtree, self.folder, True)


@contextmanager
def offloading(device_map: DeviceMap | None) -> Iterator[Offloading]:
    """A folder for offloaded weights; whoever fails to load the model inside leaves none behind.

    Of a safetensors file, weights are read where they are; others are written to the folder, which lies where
    temporary files do (``TMPDIR``). Without a map there is neither a folder nor anything to tell.
    """
    if device_map is None:
        yield Offloading()
        return
    mapped = device_map if isinstance(device_map, str) else {path: _torch_name(its) for path, its in device_map.items()}
    folder = tempfile.mkdtemp(prefix="mechamap-offload-")
    try:
        yield Offloading({"device_map": mapped, "offload_folder": folder}, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _torch_name(place: str) -> str | int:
    """accelerate knows cards by their number."""
    return int(place.partition(":")[2] or 0) if place.startswith("cuda") else place


def input_device(model: Any) -> torch.device:
    """Where token ids go: the device on which the input embedding runs."""
    import torch

    embedding = model.get_input_embeddings()
    hook = getattr(embedding, "_hf_hook", None)
    for its in (*getattr(hook, "hooks", ()), hook):
        if (device := getattr(its, "execution_device", None)) is not None:
            return torch.device(device)
    weight: torch.Tensor = embedding.weight
    return weight.device
