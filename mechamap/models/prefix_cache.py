"""What attention keeps of prefixes that many windows share: computed once, put in front of each window's tokens."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mechamap.errors import UnsupportedModel

if TYPE_CHECKING:
    from torch import Tensor

    from mechamap.models.loaded import LoadedModel

__all__ = ["PrefixCache", "cache_prefixes"]


@dataclass(frozen=True, slots=True, eq=False)
class PrefixCache:
    """Keys and values of some prefixes, all of one length.

    Attributes:
        length: tokens of each prefix.
        kept: the model's own cache after a forward over the prefixes, one prefix a row. It is only read.
    """

    length: int
    kept: Any

    def in_front_of(self, rows: Tensor) -> Any:
        """A cache for one forward over windows, each behind the prefix that ``rows`` names.

        Every layer gets keys and values of its windows' prefixes when it asks for them and keeps nothing, so that
        memory holds those of one layer at a time.

        Args:
            rows: ``[windows]``, which prefix stands before each window.
        """
        cache = copy.copy(self.kept)
        cache.layers = [_prefixed_layer(layer, rows) for layer in self.kept.layers]
        return cache


def cache_prefixes(loaded: LoadedModel, ids: Tensor) -> PrefixCache:
    """Run the model's body over some prefixes and keep what its attention reads of them later.

    Args:
        ids: ``[prefixes, length]``.

    Raises:
        UnsupportedModel: the model keeps something else than keys and values, such as the state of a recurrence, which
            may be as large for each window as a layer's weights.
    """
    import torch

    body: Any = getattr(loaded.model, "base_model", loaded.model)
    with torch.inference_mode():
        output = body(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=True)
    kept = getattr(output, "past_key_values", None)
    layers = getattr(kept, "layers", None)
    if not layers or not all(_is_known(layer) for layer in layers):
        raise UnsupportedModel("The model's cache holds something else than keys and values.")
    return PrefixCache(ids.shape[1], kept)


def _is_known(layer: Any) -> bool:
    """Whether a layer of a cache holds keys and values alone, or nothing."""
    from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

    if type(layer) in (DynamicLayer, DynamicSlidingWindowLayer):
        return layer.keys is not None
    return _is_empty(layer)


def _is_empty(layer: Any) -> bool:
    """Whether it stands for a layer without attention, or with another layer's keys and values."""
    return type(layer).__name__ == "DummyLayer"  # not in every release


def _prefixed_layer(layer: Any, rows: Tensor) -> Any:
    """A layer that joins its windows' keys and values to those of their prefixes; masks and lengths are the model's."""
    if _is_empty(layer):
        return layer
    import torch

    def update(keys: Tensor, values: Tensor, *_args: Any, **_kwargs: Any) -> tuple[Tensor, Tensor]:
        """Both ``[windows, heads, length, width]``, the prefix in front of what the window brings."""
        row = rows.to(layer.keys.device)
        return torch.cat([layer.keys[row], keys], dim=-2), torch.cat([layer.values[row], values], dim=-2)

    prefixed = copy.copy(layer)
    prefixed.update = update
    return prefixed
