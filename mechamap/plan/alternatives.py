"""What would make a scan fit: another number format, packed weights, fewer layers, less text."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from mechamap.config.scan_config import ScanConfig
from mechamap.plan.memory_need import working_memory
from mechamap.plan.needs import memory_needs, run_size
from mechamap.plan.places import places_of
from mechamap.plan.situation import PlanInputs
from mechamap.plan.text_size import one_batch
from mechamap.protocol.planned import PlannedOption
from mechamap.wording.amounts import size

__all__ = ["disk_options", "options"]


FEWEST_CONTEXTS = 4  # of a neuron on either side, which still show what it does


def options(inputs: PlanInputs) -> tuple[PlannedOption, ...]:
    """What would fit in memory, the smallest change to the scan first."""
    return tuple(_options(inputs))


def disk_options(inputs: PlanInputs, free: int) -> tuple[PlannedOption, ...]:
    """What would fit on a disk with ``free`` bytes, the smallest change to the scan first."""
    return tuple(_disk_options(inputs, free))


def _options(inputs: PlanInputs) -> Iterator[PlannedOption]:
    config = inputs.config
    yield from _of_corpus(inputs)
    if (
        config.corpus is None
        and config.keep_activations == "always"
        and (fitting := _with(inputs, keep_activations="never"))
    ):
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
    if config.corpus is None and (tokens := _tokens_that_fit(inputs)) is not None:
        yield PlannedOption.of(f"a text of at most {tokens:,} tokens", {}, inputs.places.compute.free or 0)


def _of_corpus(inputs: PlanInputs) -> Iterator[PlannedOption]:
    """What takes less of a corpus at once: fewer workers here, smaller batches, fewer contexts."""
    settings = inputs.config.corpus
    if settings is None:
        return
    for workers in range(inputs.local_workers - 1, 0, -1):
        assert inputs.ray is not None
        needs = memory_needs(replace(inputs, ray=replace(inputs.ray, workers=workers)))
        if all(need.fits for need in needs):
            yield PlannedOption.of("fewer workers", {"workers": workers}, needs[0].needed)
            break
    batch = inputs.batch // 2
    while batch >= max(settings.seq_len, 256):
        if needed := _with_corpus(inputs, batch_tokens=batch):
            yield PlannedOption.of("smaller batches", {"batch_tokens": batch}, needed)
            break
        batch //= 2
    if settings.contexts > FEWEST_CONTEXTS and (needed := _with_corpus(inputs, contexts=FEWEST_CONTEXTS)):
        yield PlannedOption.of("fewer contexts of each neuron", {"contexts": FEWEST_CONTEXTS}, needed)


def _disk_options(inputs: PlanInputs, free: int) -> Iterator[PlannedOption]:
    config, corpus = inputs.config, inputs.config.corpus

    def needed(smaller: ScanConfig) -> int:
        return run_size(replace(inputs, config=smaller)).most

    if corpus is None and config.keep_activations == "always":
        without = needed(replace(config, keep_activations="never"))
        if without <= free:
            yield PlannedOption.of("activations are not kept", {"keep_activations": "never"}, without)
    if corpus is not None and corpus.contexts > FEWEST_CONTEXTS:
        fewer = needed(replace(config, corpus=replace(corpus, contexts=FEWEST_CONTEXTS)))
        if fewer <= free:
            yield PlannedOption.of("fewer contexts of each neuron", {"contexts": FEWEST_CONTEXTS}, fewer)
    for last in range(len(inputs.shape.layers) - 2, -1, -1):
        layers = f"0-{last}" if last else "0"
        fewer = needed(replace(config, layers=layers))
        if fewer <= free:
            yield PlannedOption.of("fewer layers", {"layers": layers}, fewer)
            break


def _with_corpus(inputs: PlanInputs, **changes: int) -> int | None:
    """The bytes needed with other settings of the corpus; None where the scan still does not fit."""
    assert inputs.config.corpus is not None
    corpus = replace(inputs.config.corpus, **changes)  # type: ignore[arg-type]
    text = one_batch(corpus, inputs.places.device.type, inputs.shape.context)
    needs = memory_needs(replace(inputs, config=replace(inputs.config, corpus=corpus), text=text))
    return needs[0].needed if all(need.fits for need in needs) else None


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
