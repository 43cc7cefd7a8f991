"""What the keys of a config about the model itself may hold: where to put it, how to pack it, where its neurons are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from mechamap.config.choices import DEVICE_MAPS, QUANTIZE
from mechamap.config.located import Located, fail
from mechamap.system.paths import user_path
from mechamap.wording.plain import shortened
from mechamap.wording.suggest import suggestion

__all__ = [
    "beside_file",
    "one_place",
    "read_adapter",
    "read_device",
    "read_device_map",
    "read_neurons",
    "read_quantize",
    "read_revision",
]


_DEVICE = r"cpu|mps|cuda(:\d+)?"
_NEURONS_EXPECTED = 'a path with {layer} for the number of the block, such as "model.layers.{layer}.mlp.down_proj"'


def one_place(changes: Mapping[str, object]) -> dict[str, object]:
    """``changes`` to a config, in which a device takes the place of a map that it had, and the other way round."""
    settled = dict(changes)
    if changes.get("device") is not None and changes.get("device_map") is None:
        settled["device_map"] = None
    if changes.get("device_map") is not None and "device" not in changes:
        settled["device"] = "auto"
    return settled


def read_device(entry: Located, key: str) -> str:
    """``auto`` or a single device."""
    if isinstance(entry.value, str) and re.fullmatch(rf"auto|{_DEVICE}", entry.value):
        return entry.value
    fail(entry, f"{key} is {entry.described()}", "auto, cpu, cuda, a certain card such as cuda:1, or mps")


def read_device_map(entry: Located, key: str) -> str | dict[str, str] | None:
    """How a model is spread over devices: a word, the device of every module by its path, or null."""
    if entry.value is None:
        return None
    if isinstance(entry.value, dict) and entry.value:
        return {path: _place(device) for path, device in entry.value.items()}
    if entry.value in DEVICE_MAPS:
        return str(entry.value)
    hint = suggestion(entry.written, DEVICE_MAPS, quote='"') or "To put it all on one device, set device instead."
    expected = f'{", ".join(DEVICE_MAPS)}, null, or a mapping such as {{"": cpu, "model.layers.5": disk}}'
    fail(entry, f"{key} is {entry.described()}", expected, hint)


def _place(entry: Located) -> str:
    if isinstance(entry.value, str) and re.fullmatch(rf"disk|{_DEVICE}", entry.value):
        return entry.value
    if isinstance(entry.value, int) and not isinstance(entry.value, bool) and entry.value >= 0:
        return f"cuda:{entry.value}"
    fail(entry, f"a place in device_map is {entry.described()}", "cpu, disk, mps, or a card: cuda:1 or 1")


def read_quantize(entry: Located, key: str) -> str | None:
    """How to pack weights while they are read; null for as they are."""
    if entry.value is None or entry.value in QUANTIZE:
        return None if entry.value is None else str(entry.value)
    fail(entry, f"{key} is {entry.described()}", f"{', '.join(QUANTIZE)} or null")


def read_revision(entry: Located, key: str) -> str | None:
    """A branch, tag or commit; null for the main branch."""
    if entry.value is None:
        return None
    # A commit such as 1234567 looks like a number to YAML; its spelling is what counts.
    if isinstance(entry.value, bool | list | dict) or not entry.written.strip():
        fail(entry, f"{key} is {entry.described()}", "a branch, a tag, a commit or null")
    return entry.written.strip()


def read_adapter(entry: Located, key: str) -> str | None:
    """The folder of an adapter to merge into the weights; null for the weights alone."""
    if entry.value is None:
        return None
    if isinstance(entry.value, bool | list | dict) or not entry.written.strip():
        fail(entry, f"{key} is {entry.described()}", "the folder of an adapter, or null")
    return entry.written.strip()


def beside_file(path: object, folder: Path) -> object:
    """A path in a config as its file in ``folder`` means it, absolute; null as it is."""
    return str((folder / user_path(path)).resolve()) if isinstance(path, str) else path


def read_neurons(entry: Located, key: str) -> tuple[str, ...] | None:
    """Paths to the down-projections with ``{layer}``; null for the built-in ones."""
    if entry.value is None:
        return None
    items = entry.value if isinstance(entry.value, list) else [entry]
    if not items:
        fail(entry, f"{key} is an empty list", _NEURONS_EXPECTED)
    paths: list[str] = []
    for item in items:
        path = _neurons_path(item, key)
        if path in paths:
            fail(item, f'the path "{shortened(path)}" a second time', "each path once")
        paths.append(path)
    return tuple(paths)


def _neurons_path(entry: Located, key: str) -> str:
    if not isinstance(entry.value, str) or not entry.value.strip():
        fail(entry, f"{key} is {entry.described()}", _NEURONS_EXPECTED)
    path = entry.value.strip()
    parts = path.split(".")
    if parts.count("{layer}") != 1 or not all(re.fullmatch(r"[\w-]+|\{layer\}", part) for part in parts):
        numbers = [part for part in parts if part.isdecimal()]
        hint = f"Write {{layer}} in place of {numbers[0]}." if numbers and "{layer}" not in path else ""
        fail(entry, f'the path "{shortened(path, 80)}"', _NEURONS_EXPECTED, hint)
    return path
