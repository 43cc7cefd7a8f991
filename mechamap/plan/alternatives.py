"""What would fit where a scan does not: another number format, packed weights, fewer layers, less text."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from mechamap.plan.memory_need import memory_needs, working_memory
from mechamap.plan.places import places_of
from mechamap.plan.situation import PlanInputs
from mechamap.wording.amounts import size

__all__ = ["Option", "options"]


@dataclass(frozen=True, slots=True)
class Option:
    """A change that makes a scan fit.

    Attributes:
        flags: what to add to the command line; empty where it is no setting.
        words: what it means, in a few words.
        changes: the config keys that change.
        needed: bytes that are needed then, where the scan is computed.
    """

    flags: str
    words: str
    changes: dict[str, Any]
    needed: int


def options(it: PlanInputs) -> tuple[Option, ...]:
    """What would fit, what changes the scan least first."""
    return tuple(_options(it))


def _options(it: PlanInputs) -> Iterator[Option]:
    config = it.config
    if config.keep_activations == "always" and (found := _with(it, keep_activations="never")):
        yield Option("--keep-activations never", "activations are not kept", *found)
    smaller = "bfloat16" if it.weights.item > 2 else None
    if smaller and (found := _with(it, dtype=smaller)):
        yield Option(f"--dtype {smaller}", "weights of half the size", *found)
    if it.places.device.type != "cpu" and not it.places.spread and (found := _with(it, device="cpu")):
        yield Option("--device cpu", "slower", *found)
    if not it.places.spread and (found := _with(it, device_map="auto", device="auto")):
        yield Option("--device-map auto", _spread_words(it) + _extra("accelerate", "device-map"), *found)
    if config.quantize is None and not it.weights.packed and it.files.source.kind != "gguf":
        for quantize, words in (("int8", "weights packed into 8 bits"), ("nf4", "weights packed into 4 bits")):
            if found := _with(it, quantize=quantize):
                yield Option(f"--quantize {quantize}", words + _extra("bitsandbytes", "quantized"), *found)
                break
    for dtype in (None, smaller) if smaller else (None,):
        change = {} if dtype is None else {"dtype": dtype}
        if found := _with_fewer_layers(it, change):
            flags = " ".join([*(f"--{key} {value}" for key, value in change.items()), f"--layers {found[0]['layers']}"])
            yield Option(flags, "the blocks above are not loaded", *found)
            break
    if (tokens := _tokens_that_fit(it)) is not None:
        yield Option("", f"a text of at most {tokens:,} tokens", {}, it.places.compute.free or 0)


def _with(it: PlanInputs, **changes: Any) -> tuple[dict[str, Any], int] | None:
    """The changes and what is needed with them, where they make it fit."""
    config = replace(it.config, **changes)
    places = it.places if not {"device", "device_map"} & set(changes) else places_of(config)
    found = memory_needs(replace(it, config=config, places=places))
    return (changes, found[0].needed) if all(demand.fits for demand in found) else None


def _with_fewer_layers(it: PlanInputs, changes: dict[str, Any]) -> tuple[dict[str, Any], int] | None:
    """The same for the most layers from the lowest up that fit."""
    low, high = 0, len(it.shape.layers) - 1  # how many fit at least; at most
    found = None
    while low < high:
        middle = (low + high + 1) // 2
        its = _with(it, **changes, layers=f"0-{middle - 1}" if middle > 1 else "0")
        low, high, found = (middle, high, its) if its else (low, middle - 1, found)
    return found


def _tokens_that_fit(it: PlanInputs) -> int | None:
    """The length of a text that would fit, where the weights alone do; None where they do not or any length does."""
    first = memory_needs(it)[0]
    working = working_memory(it).total
    if first.fits or first.free is None:
        return None
    left = first.free - (first.needed - working)
    one_token = replace(it.text, positions=1, scored=1, windows=1, longest=1, tokenized=None)
    fixed = working_memory(replace(it, text=one_token))
    if left <= fixed.total:
        return None
    tokens = int(it.text.positions * (left - fixed.total) / max(working - fixed.total, 1))
    rounded = tokens // 1000 * 1000
    return rounded if rounded >= 1000 else None


def _extra(package: str, extra: str) -> str:
    """What has to be installed for it, where that is not."""
    return "" if importlib.util.find_spec(package) else f" (needs the extra: pip install 'mechamap[{extra}]')"


def _spread_words(it: PlanInputs) -> str:
    if it.places.device.type == "cuda":
        return "spread over all GPUs and memory, what is left on disk"
    missing = memory_needs(it)[0].needed - (it.places.compute.free or 0)
    return f"some {size(missing)} of weights stay on disk, and are read for every batch: slow"
