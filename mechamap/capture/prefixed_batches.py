"""Batches of windows without the prefixes before them, which attention reads from a cache, run under hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.capture.batches import Batch, batch_tokens, window_batches
from mechamap.capture.gather import dense_activations
from mechamap.capture.hooked_pass import LayerCallback, PassSettings, capture_batches
from mechamap.capture.shared_prefixes import PrefixGroup
from mechamap.capture.streams import StreamListener
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.activations import Activations
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.models.prefix_cache import PrefixCache, cache_prefixes
from mechamap.text.tokenize import TokenizedText

__all__ = ["CachedGroup", "cached_groups", "capture_groups"]


@dataclass(frozen=True, slots=True, eq=False)
class CachedGroup:
    """Windows behind prefixes of one length, and what attention keeps of the prefixes; None where there are none."""

    group: PrefixGroup
    cache: PrefixCache | None


@dataclass(frozen=True, slots=True)
class _PrefixedBatch(Batch):
    """Windows without the prefixes before them."""

    cache: PrefixCache
    rows: Tensor  # [windows], which prefix stands before each

    @property
    def inputs(self) -> dict[str, Any]:
        """What the model's forward is called with; the mask is over prefix and window."""
        before = self.mask.new_ones(len(self.mask), self.cache.length)
        inputs = self.reading.inputs(self.ids, torch.cat([before, self.mask], dim=1))
        return {**inputs, "past_key_values": self.cache.in_front_of(self.rows), "use_cache": True}


def cached_groups(loaded: LoadedModel, groups: Sequence[PrefixGroup]) -> list[CachedGroup]:
    """The groups, their prefixes run; one forward for each length of prefix.

    Raises:
        UnsupportedModel: see :func:`mechamap.models.prefix_cache.cache_prefixes`.
    """
    cached = []
    for group in groups:
        prefixes = torch.from_numpy(group.prefixes).to(loaded.device)  # [prefixes, length]
        cached.append(CachedGroup(group, cache_prefixes(loaded, prefixes) if group.length else None))
    return cached


def capture_groups(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    groups: Sequence[CachedGroup],
    layers: Sequence[NeuronLayer],
    on_layer: LayerCallback,
    *,
    settings: PassSettings,
    padding: int | None = None,
) -> None:
    """Run windows behind their cached prefixes and hand over each layer's activations as it is reached,
    and its residual stream where that is wanted.

    Args:
        groups: the windows that hold the wanted positions.
        on_layer: as of :func:`mechamap.capture.hooked_pass.capture_layers`.
        settings: with a mask of the wanted positions.
        padding: as of :func:`mechamap.capture.batches.window_batches`.
    """
    wanted = settings.position_mask
    assert wanted is not None
    size = settings.batch_tokens or batch_tokens(loaded.device.type)
    batches = [batch for each in groups for batch in _batches(loaded, tokenized, each, wanted, (size, padding))]
    positions = np.concatenate([batch.positions.ravel()[batch.take.cpu().numpy()] for batch in batches])
    order = torch.from_numpy(np.argsort(positions))  # [wanted positions]

    def whole(layer: NeuronLayer, parts: tuple[Activations, ...]) -> None:
        values = dense_activations(parts, len(positions))
        on_layer(layer, values[order.to(values.device)])

    streams = settings.streams
    if streams is None:
        capture_batches(loaded, batches, layers, whole, settings)
        return
    hand_over = streams.on_stream
    ordered = StreamListener(lambda layer, stream: hand_over(layer, stream[order.to(stream.device)]), streams.missing)
    capture_batches(loaded, batches, layers, whole, replace(settings, streams=ordered))
    streams.missing = streams.missing or ordered.missing


def _batches(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    each: CachedGroup,
    wanted: NDArray[np.bool_],
    limits: tuple[int, int | None],
) -> list[Batch]:
    """A group's windows in batches, each with the rows of its prefixes; ``limits`` are of tokens and of padding."""
    group, cache = each.group, each.cache
    text = replace(tokenized, windows=group.rest)
    size, padding = limits
    batches = window_batches(text, wanted, size, loaded.device, prefix=group.length, padding=padding)
    if cache is None:
        return batches
    prefixed: list[Batch] = []
    done = 0
    for batch in batches:
        rows = torch.from_numpy(group.rows[done : done + len(batch.ids)]).to(loaded.device)
        done += len(batch.ids)
        prefixed.append(_PrefixedBatch(batch.ids, batch.mask, batch.positions, batch.take, batch.reading, cache, rows))
    return prefixed
