"""The device and the number format that a model is loaded in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.wording.suggest import alternatives, unknown_name

if TYPE_CHECKING:
    import torch

    from mechamap.models.loading.offload import DeviceMap

__all__ = ["DTYPES", "check_names", "pick_device", "pick_dtype", "pick_places"]


DTYPES = ("auto", "float32", "bfloat16", "float16")

_DEVICE = re.compile(r"auto|cpu|mps|cuda(:\d+)?")


def check_names(dtype: str, device: str) -> None:
    """Refuse names that are not device names. Needs no torch.

    Raises:
        UsageError: with what can be given.
    """
    if dtype not in DTYPES:
        raise UsageError(*unknown_name("dtype", dtype, DTYPES))
    if not _DEVICE.fullmatch(device):
        raise UsageError(f"Unknown device {device!r}; choose auto, cpu, cuda, cuda:1 (and so on) or mps.")


def pick_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` is CUDA if there is one, else the CPU.

    MPS is used only when asked for by name: it has given wrong results without an error.

    Raises:
        UsageError: this machine has no such device; the hint names those it has.
    """
    import torch

    n_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    here = ["cpu", *(f"cuda:{index}" for index in range(n_cuda))]
    if has_mps:
        here.append("mps")
    if name == "auto":
        return torch.device("cuda" if n_cuda else "cpu")
    device = torch.device(name)
    if (device.type == "cuda" and (device.index or 0) >= n_cuda) or (device.type == "mps" and not has_mps):
        raise UsageError(f"This machine has no device {name}.", f"Choose {alternatives(here)}.")
    return device


def pick_places(device_map: DeviceMap | None) -> DeviceMap | None:
    """The same map, with every device in it checked to exist here.

    Raises:
        UsageError: this machine lacks one.
    """
    if device_map is not None and not isinstance(device_map, str):
        for place in device_map.values():
            if place != "disk":
                pick_device(place)
    return device_map


def pick_dtype(name: str) -> torch.dtype | None:
    """The number format called ``name``; None for ``auto``, which is the checkpoint's own."""
    import torch

    return None if name == "auto" else {"float32": torch.float32, "bfloat16": torch.bfloat16}.get(name, torch.float16)
