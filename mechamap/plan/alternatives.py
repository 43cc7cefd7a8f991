"""What would make a scan fit: another number format, packed weights, fewer layers, less text."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mechamap.plan.memory_need import memory_needs, working_memory
from mechamap.plan.places import places_of
from mechamap.plan.situation import PlanInputs
from mechamap.protocol.planned import PlannedOption
from mechamap.wording.amounts import size

__all__ = ["options"]


def options(inputs: PlanInputs) -> tuple[PlannedOption, ...]:
    """What would fit, the smallest change to the scan first."""
    return tuple(_options(inputs))


def _options(inputs: PlanInputs) -> Iterator[PlannedOption]:
    config = inputs.config
    if config.keep_activations == "always" and (fitting := _with(inputs, keep_activations="never")):
        yield PlannedOption.of("activations are not kept", *fitting)
    smaller = "bfloat16" if inputs.weights.item > 2 else None
    if smaller and (fitting := _with(inputs, dtype=smaller)):
        yield PlannedOption.of("weights of half the size", *fitting)
    if inputs.places.device.type != "cpu" and not inputs.places.spread and (fitting := _with(inputs, device="cpu")):
        yield PlannedOption.of("slower", *fitting)
    if not inputs.places.spread and (fitting := _with(inputs, device_map="auto", device="auto")):
        yield PlannedOption.of(_spread_words(inputs) + _extra("accelerate", "device-map"), *fitting)
    if config.quantize is None and not inputs.weights.packed and inputs.files.source.kind != "gguf":
        for quantize, words in (("int8", "weights packed into 8 bits"), ("nf4", "weights packed into 4 bits")):
            if fitting := _with(inputs, quantize=quantize):
                yield PlannedOption.of(words + _extra("bitsandbytes", "quantized"), *fitting)
                break
    for dtype in (None, smaller) if smaller else (None,):
        changes = {} if dtype is None else {"dtype": dtype}
        if fitting := _with_fewer_layers(inputs, changes):
            yield PlannedOption.of("the blocks above are not loaded", *fitting)
            break
    if (tokens := _tokens_that_fit(inputs)) is not None:
        yield PlannedOption.of(f"a text of at most {tokens:,} tokens", {}, inputs.places.compute.free or 0)


def _with(inputs: PlanInputs, **changes: Any) -> tuple[dict[str, Any], int] | None:
    """The changes and the bytes needed with them; None where the scan still does not fit."""
    config = replace(inputs.config, **changes)
    places = inputs.places if not {"device", "device_map"} & set(changes) else places_of(config)
    needs = memory_needs(replace(inputs, config=config, places=places))
    return (changes, needs[0].needed) if all(need.fits for need in needs) else None


def _with_fewer_layers(inputs: PlanInputs, changes: dict[str, Any]) -> tuple[dict[str, Any], int] | None:
    """The same with as many layers as fit, counted from the lowest; None where no number does."""
    low, high = 0, len(inputs.shape.layers) - 1  # how many fit at least; at most
    best = None
    while low < high:
        middle = (low + high + 1) // 2
        fitting = _with(inputs, **changes, layers=f"0-{middle - 1}" if middle > 1 else "0")
        low, high, best = (middle, high, fitting) if fitting else (low, middle - 1, best)
    return best


def _tokens_that_fit(inputs: PlanInputs) -> int | None:
    """The length of a text that would fit; None where the weights alone do not fit, or any length does."""
    first = memory_needs(inputs)[0]
    working = working_memory(inputs).total
    if first.fits or first.free is None:
        return None
    left = first.free - (first.needed - working)
    one_token = replace(inputs.text, positions=1, scored=1, windows=1, longest=1, tokenized=None)
    fixed = working_memory(replace(inputs, text=one_token))
    if left <= fixed.total:
        return None
    tokens = int(inputs.text.positions * (left - fixed.total) / max(working - fixed.total, 1))
    rounded = tokens // 1000 * 1000
    return rounded if rounded >= 1000 else None


def _extra(package: str, extra: str) -> str:
    """A remark on the package that the option needs, where it is not installed."""
    return "" if importlib.util.find_spec(package) else f" (needs the extra: pip install 'mechamap[{extra}]')"


def _spread_words(inputs: PlanInputs) -> str:
    if inputs.places.device.type == "cuda":
        return "spread over all GPUs and memory, the rest on disk"
    missing = memory_needs(inputs)[0].needed - (inputs.places.compute.free or 0)
    return f"about {size(missing)} of weights stay on disk and are read for every batch: slow"
