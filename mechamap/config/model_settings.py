"""What the keys of a config about the model itself may hold: where to put it, how to pack it, where its neurons are."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mechamap.config.choices import DEVICE_MAPS, QUANTIZE
from mechamap.config.located import Located, fail
from mechamap.wording.plain import shortened
from mechamap.wording.suggest import suggestion

__all__ = ["one_place", "read_device", "read_device_map", "read_neurons", "read_quantize", "read_revision"]


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


def read_device(at: Located, key: str) -> str:
    """``auto`` or one device."""
    if isinstance(at.value, str) and re.fullmatch(rf"auto|{_DEVICE}", at.value):
        return at.value
    fail(at, f"{key} is {at.described()}", "auto, cpu, cuda, a certain card such as cuda:1, or mps")


def read_device_map(at: Located, key: str) -> str | dict[str, str] | None:
    """How a model is spread over devices: a word, the device of every module by its path, or null."""
    if at.value is None:
        return None
    if isinstance(at.value, dict) and at.value:
        return {path: _place(its) for path, its in at.value.items()}
    if at.value in DEVICE_MAPS:
        return str(at.value)
    hint = suggestion(at.written, DEVICE_MAPS, quote='"') or "To put it all on one device, set device instead."
    expected = f'{", ".join(DEVICE_MAPS)}, null, or a mapping such as {{"": cpu, "model.layers.5": disk}}'
    fail(at, f"{key} is {at.described()}", expected, hint)


def _place(at: Located) -> str:
    if isinstance(at.value, str) and re.fullmatch(rf"disk|{_DEVICE}", at.value):
        return at.value
    if isinstance(at.value, int) and not isinstance(at.value, bool) and at.value >= 0:
        return f"cuda:{at.value}"
    fail(at, f"a place in device_map is {at.described()}", "cpu, disk, mps, or a card: cuda:1 or 1")


def read_quantize(at: Located, key: str) -> str | None:
    """How to pack weights while they are read; null for as they are."""
    if at.value is None or at.value in QUANTIZE:
        return None if at.value is None else str(at.value)
    fail(at, f"{key} is {at.described()}", f"{', '.join(QUANTIZE)} or null")


def read_revision(at: Located, key: str) -> str | None:
    """A branch, tag or commit; null for the main branch."""
    if at.value is None:
        return None
    # A commit such as 1234567 looks like a number to YAML; its spelling is what counts.
    if isinstance(at.value, bool | list | dict) or not at.written.strip():
        fail(at, f"{key} is {at.described()}", "a branch, a tag, a commit or null")
    return at.written.strip()


def read_neurons(at: Located, key: str) -> tuple[str, ...] | None:
    """Paths to the down-projections with ``{layer}``; null for those that the program knows."""
    if at.value is None:
        return None
    items = at.value if isinstance(at.value, list) else [at]
    if not items:
        fail(at, f"{key} is an empty list", _NEURONS_EXPECTED)
    paths: list[str] = []
    for item in items:
        path = _neurons_path(item, key)
        if path in paths:
            fail(item, f'the path "{shortened(path)}" a second time', "each path once")
        paths.append(path)
    return tuple(paths)


def _neurons_path(at: Located, key: str) -> str:
    if not isinstance(at.value, str) or not at.value.strip():
        fail(at, f"{key} is {at.described()}", _NEURONS_EXPECTED)
    path = at.value.strip()
    parts = path.split(".")
    if parts.count("{layer}") != 1 or not all(re.fullmatch(r"[\w-]+|\{layer\}", part) for part in parts):
        numbers = [part for part in parts if part.isdecimal()]
        hint = f"Write {{layer}} in place of {numbers[0]}." if numbers and "{layer}" not in path else ""
        fail(at, f'the path "{shortened(path, 80)}"', _NEURONS_EXPECTED, hint)
    return path
