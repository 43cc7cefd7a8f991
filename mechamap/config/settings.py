"""What each key of a config may hold: one reader a key, from a located value to the value the scan uses."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import NoReturn

from mechamap.config.choices import KEEP_ACTIVATIONS, SECOND_TEXT
from mechamap.config.layers import _LAYERS_EXPECTED, layer_ranges
from mechamap.config.located import Located, fail
from mechamap.config.model_settings import (
    read_adapter,
    read_device,
    read_device_map,
    read_neurons,
    read_quantize,
    read_revision,
)
from mechamap.wording.plain import shortened
from mechamap.wording.suggest import suggestion

__all__ = ["SETTINGS", "unknown_key", "whole_number", "yes_or_no"]


def unknown_key(key: str, value: Located, known: Iterable[str], inside: str = "") -> NoReturn:
    """Raise the ConfigError for a key that nothing reads, suggesting the nearest that exists."""
    names = list(known)
    hint = suggestion(key, names, quote='"')
    fail(value.key_where or value.where, f'unknown key "{shortened(key)}"{inside}', f"one of {', '.join(names)}", hint)


# --- settings of one value ------------------------------------------------------------------------------


def whole_number(least: int, most: int | None = None, *, or_null: bool = False) -> Callable[[Located, str], int | None]:
    """What reads a whole number within limits, or null."""
    expected = f"a whole number from {least} to {most}" if most else f"a whole number of at least {least}"
    expected += " or null" if or_null else ""

    def read(entry: Located, key: str) -> int | None:
        value = entry.value
        if value is None and or_null:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            fail(entry, f"{key} is {entry.described()}", expected)
        if value < least or (most is not None and value > most):
            fail(entry, f"{key} is {value}", expected)
        return value

    return read


def _finite_number(entry: Located, key: str) -> float:
    value = entry.value
    if isinstance(value, bool) or not isinstance(value, int | float):
        fail(entry, f"{key} is {entry.described()}", "a number such as 0.2")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        fail(entry, f"{key} is {shortened(entry.written)}", "a finite number such as 0.2")
    return number


def _auroc(entry: Located, key: str) -> float:
    value = _finite_number(entry, key)
    if not 0.5 <= value <= 1:
        fail(entry, f"{key} is {shortened(entry.written)}", "a number from 0.5, which is chance, to 1")
    return value


def yes_or_no(entry: Located, key: str) -> bool:
    """true or false."""
    """true or false."""
    if not isinstance(entry.value, bool):
        fail(entry, f"{key} is {entry.described()}", "true or false")
    return entry.value


def _one_of(*choices: str) -> Callable[[Located, str], str]:
    aliases = {"fp32": "float32", "fp16": "float16", "bf16": "bfloat16", "half": "float16"}

    def read(entry: Located, key: str) -> str:
        if isinstance(entry.value, str) and entry.value in choices:
            return entry.value
        spelled = entry.written.lower()
        hint = suggestion(aliases.get(spelled, spelled), choices, quote='"')
        fail(entry, f"{key} is {entry.described()}", f"one of {', '.join(choices)}", hint)

    return read


def _layers(entry: Located, key: str) -> str:
    if isinstance(entry.value, bool | float | list | dict) or entry.value is None:
        fail(entry, f"{key} is {entry.described()}", _LAYERS_EXPECTED)
    try:
        layer_ranges(entry.written)
    except ValueError as error:
        fail(entry, *error.args)
    return "".join(entry.written.split())


SETTINGS: dict[str, Callable[[Located, str], object]] = {
    "threshold": _finite_number,
    "top_k_tokens": whole_number(1, 1000),
    "pooling": _one_of("last", "mean", "max"),
    "add_bos": yes_or_no,
    "exclude_first_position": yes_or_no,
    "exclude_special_tokens": yes_or_no,
    "window": whole_number(8),
    "layers": _layers,
    "limit_neurons": whole_number(1, or_null=True),
    "neurons": read_neurons,
    "dtype": _one_of("auto", "float32", "bfloat16", "float16"),
    "device": read_device,
    "device_map": read_device_map,
    "quantize": read_quantize,
    "adapter": read_adapter,
    "revision": read_revision,
    "trust_remote_code": yes_or_no,
    "keep_activations": _one_of(*KEEP_ACTIVATIONS),
    "second_text": _one_of(*SECOND_TEXT),
    "hard_auroc": _auroc,
}
