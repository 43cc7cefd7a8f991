"""Which devices a scan would use, and how much of their memory, and of the disk, is free for it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.config.scan_config import ScanConfig
from mechamap.models.loading.devices import pick_device
from mechamap.runs.library import runs_folder
from mechamap.system.memory import free_memory

if TYPE_CHECKING:
    import torch

__all__ = ["Place", "Places", "free_disk", "places_of"]


CUDA_CONTEXT = 500_000_000  # bytes that CUDA itself takes of a card


@dataclass(frozen=True, slots=True)
class Place:
    """A device and the bytes that a scan can take there, None where unknown."""

    name: str
    free: int | None


@dataclass(frozen=True, slots=True)
class Places:
    """Where a scan would compute and keep weights.

    Attributes:
        device: what computes; the first of them where the model is spread.
        compute: that device; the cards together where the model is spread.
        host: the machine's memory.
        spread: whether accelerate spreads the weights, so that what does not fit on the device goes to memory, and
            then to disk.
        cards: how many GPUs there are, where one of them computes.
    """

    device: torch.device
    compute: Place
    host: Place
    spread: bool
    cards: int = 0


def places_of(config: ScanConfig) -> Places:
    """The devices that a config asks for, as they are now.

    Raises:
        UsageError: this machine has no such device.
    """
    host = Place("cpu", free_host())
    device = pick_device(config.device)
    if device.type == "cuda":
        import torch

        count = torch.cuda.device_count()
    if config.device_map is not None and device.type == "cuda":
        cards = [free for number in range(count) if (free := _free_on(number)) is not None]
        return Places(
            device, Place(f"{len(cards)} GPUs" if len(cards) > 1 else "cuda:0", sum(cards)), host, True, count
        )
    if device.type == "cuda":
        return Places(device, Place(str(device), _free_on(device.index or 0)), host, False, count)
    return Places(device, Place(str(device), host.free), host, config.device_map is not None)


def free_host() -> int | None:
    """Bytes of memory that a scan can take: what is free, and what this process has and would use again."""
    free = free_memory()
    return None if free is None else free + _own_memory()


def _own_memory() -> int:
    """Bytes that this process holds, files that are mapped left out; 0 where the system does not say."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        return next(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return 0


def _free_on(card: int) -> int | None:
    """Free bytes of a card, with what torch keeps there for its next tensors."""
    import torch

    try:
        free, _ = torch.cuda.mem_get_info(card)
        return int(free) + int(torch.cuda.memory_reserved(card))
    except RuntimeError:  # the driver does not answer
        return None


def free_disk(out: Path | None) -> int | None:
    """Free bytes on the disk that a run goes to, the default place where not given; None where unknown."""
    folder = (out or runs_folder()).absolute()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return None
