"""What ``mechamap doctor`` says of a machine: versions, extras, devices, memory, and where things lie.

A fact that cannot be told says why; it keeps no other from being told.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from mechamap import __version__
from mechamap.wording.amounts import quantity, size

__all__ = ["EXTRAS", "facts"]


_PACKAGES = (
    "torch", "transformers", "tokenizers", "numpy", "pandas", "textual", "plotext", "pyyaml", "platformdirs", "msgspec",
)  # fmt: skip
# Of each extra the packages it brings, and what it gives.
EXTRAS: dict[str, tuple[tuple[str, ...], str]] = {
    "gguf": (("gguf", "accelerate"), "reads .gguf files"),
    "quantized": (("bitsandbytes", "torchao", "accelerate"), "packs weights in int8 and nf4"),
    "device-map": (("accelerate",), "spreads a model over devices"),
    "adapter": (("peft",), "merges an adapter (LoRA) into a model"),
    "parquet": (("pyarrow",), "writes Parquet, and reads it as a corpus"),
    "plot": (("matplotlib",), "draws charts in Python"),
    "fast": (("numba",), "gathers a corpus's statistics faster on the CPU"),
    "corpus": (("datasets", "numba", "pyarrow"), "reads data sets of the hub as a corpus"),
    "ray": (("ray",), "shares a corpus scan among machines"),
    "web": (("textual-serve",), "shows the explorer in a browser"),
}
# Of the environment, what places are decided by; no other variable is shown, as some hold secrets.
_VARIABLES = (
    "MECHAMAP_HOME", "MECHAMAP_LOG", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "XDG_DATA_HOME", "XDG_CACHE_HOME",
    "CUDA_VISIBLE_DEVICES",
)  # fmt: skip


def facts() -> Iterator[tuple[str, str]]:
    """Names and facts, in the order to print them."""
    yield "mechamap", f"{__version__} in {Path(__file__).parent.parent}"
    yield "python", f"{platform.python_version()} on {platform.platform()}, {sys.executable}"
    for package in _PACKAGES:
        yield package, _told(partial(_installed, package))
    for extra, (packages, gives) in EXTRAS.items():
        yield f"[{extra}]", _told(partial(_extra, extra, packages, gives))
    yield from _devices()
    yield "free memory", _told(_memory)
    yield "runs", _told(_runs)
    yield "log", _told(_log)
    yield "configs", _told(_configs)
    yield "hub cache", _told(_hub_cache)
    yield "cached models", _told(_cached_models)
    there = [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]
    yield "environment", ", ".join(there) or "nothing is set that changes any of this"


def _told(fact: Callable[[], str]) -> str:
    """A fact, or why it cannot be told."""
    try:
        return fact()
    except Exception as error:  # whatever is broken on a machine is what the user wants to see
        return f"cannot be told: {type(error).__name__}: {error}"


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _installed(package: str) -> str:
    return _version(package) or "not installed"


def _extra(extra: str, packages: tuple[str, ...], gives: str) -> str:
    versions = {package: _version(package) for package in packages}
    if all(versions.values()):
        return f"{', '.join(f'{package} {version}' for package, version in versions.items())}: {gives}"
    missing = ", ".join(package for package, version in versions.items() if version is None)
    return f"without {missing}; pip install 'mechamap[{extra}]' {gives}"


def _devices() -> Iterator[tuple[str, str]]:
    try:
        import torch

        yield "cpu", f"{torch.get_num_threads()} threads"
        for number in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
            free, total = torch.cuda.mem_get_info(number)
            yield f"cuda:{number}", f"{torch.cuda.get_device_name(number)}, {size(free)} of {size(total)} free"
        if torch.backends.mps.is_available():
            yield "mps", "available, used only when asked for by name"
    except Exception as error:  # a library or a driver of it is broken
        yield "devices", f"cannot be told, as torch fails: {type(error).__name__}: {error}"


def _memory() -> str:
    from mechamap.system.memory import free_memory

    memory = free_memory()
    return size(memory) if memory is not None else "unknown"


def _runs() -> str:
    from mechamap.runs.library import list_runs, runs_folder

    folder = runs_folder()
    return f"{folder}, {quantity(len(list_runs()), 'run')}, {_free_disk(folder)}"


def _log() -> str:
    from mechamap.system.log import log_file

    return str(log_file())


def _configs() -> str:
    from mechamap.config.schema import configs_folder

    return str(configs_folder())


def _hub_cache() -> str:
    from mechamap.catalog.hub_cache import hub_cache

    return f"{hub_cache()}, {_free_disk(hub_cache())}"


def _cached_models() -> str:
    from mechamap.catalog.hub_cache import cached_models

    return ", ".join(cached_models()) or "none"


def _free_disk(folder: Path) -> str:
    existing = folder
    while not existing.exists() and existing != existing.parent:
        existing = existing.parent
    return f"{size(shutil.disk_usage(existing).free)} free"
