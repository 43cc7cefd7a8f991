"""The hooked pass over windows that begin alike: what they share is run once, behind it each window's own tokens.

A causal model's activations at a token depend on the tokens up to it alone. So of many short windows with the same
beginning, attention's keys and values of the beginning are computed once, and only the tokens from where the windows
differ to the last one that is asked for are run. Whether the loaded model gives the same activations in this way is
looked at first, on a few of the windows; where it does not, whole windows are run.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from mechamap.capture.batches import batch_tokens
from mechamap.capture.hooked_pass import ALL_POSITIONS, LayerCallback, PassSettings, capture_layers
from mechamap.capture.prefix_check import FORWARDS, difference_from_whole
from mechamap.capture.prefixed_batches import CachedGroup, cached_groups, capture_groups
from mechamap.capture.shared_prefixes import PrefixGroup, prefix_groups, token_cost
from mechamap.errors import Cancelled, UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.layers import NeuronLayer
from mechamap.system.log import place_of
from mechamap.text.tokenize import TokenizedText

__all__ = ["capture_sharing_prefixes"]

_LOG = logging.getLogger(__name__)

# A forward takes at least as long as the computation of so many tokens: weights are read, kernels are started.
_FORWARD_COST = {"cpu": 32}
_FORWARD_COST_ELSEWHERE = 512


def capture_sharing_prefixes(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    layers: Sequence[NeuronLayer],
    on_layer: LayerCallback,
    settings: PassSettings = ALL_POSITIONS,
) -> None:
    """:func:`mechamap.capture.hooked_pass.capture_layers`, with the beginnings that windows share run once.

    Worth it for many windows that begin alike and are asked about near their ends; what is handed over is the same but
    for rounding. Whole windows are run where that takes no longer, for models that are no decoders or have weights
    elsewhere than on their device (which every forward fetches), and where a model's activations differ or cannot be
    had behind cached prefixes; the log says so.
    """
    cost = _FORWARD_COST.get(loaded.device.type, _FORWARD_COST_ELSEWHERE)
    groups = _worthwhile_groups(loaded, tokenized, settings, cost)
    cached = _cached_and_checked(loaded, tokenized, groups, layers, settings) if groups else None
    if cached is None:
        capture_layers(loaded, tokenized, layers, on_layer, settings)
        return
    own = sum(window.length for group in groups for window in group.rest)
    _LOG.debug("shared prefixes: %s of %s tokens are run for each window", own, len(tokenized.ids))
    capture_groups(loaded, tokenized, cached, layers, on_layer, settings=settings, padding=cost)


def _worthwhile_groups(
    loaded: LoadedModel, tokenized: TokenizedText, settings: PassSettings, cost: int
) -> list[PrefixGroup]:
    """How the windows are grouped by prefixes; none where whole windows take no longer.

    Args:
        cost: of a forward, in tokens.
    """
    wanted = settings.position_mask
    offloaded = any(parameter.device.type == "meta" for parameter in loaded.model.parameters())
    if wanted is None or loaded.kind != "decoder" or offloaded:
        return []
    groups = prefix_groups(tokenized, wanted, cost)
    tokens = len(tokenized.ids)
    whole = tokens + cost * -(-tokens // (settings.batch_tokens or batch_tokens(loaded.device.type)))
    shared = token_cost(groups, cost) + cost * FORWARDS
    return groups if any(group.length for group in groups) and shared < whole else []


def _cached_and_checked(
    loaded: LoadedModel,
    tokenized: TokenizedText,
    groups: Sequence[PrefixGroup],
    layers: Sequence[NeuronLayer],
    settings: PassSettings,
) -> list[CachedGroup] | None:
    """The groups with their prefixes run; None where the model is not the same behind them."""
    try:
        cached = cached_groups(loaded, groups)
        reason = difference_from_whole(loaded, tokenized, cached, layers, settings)
    except Cancelled:
        raise
    except UnsupportedModel as error:
        reason = error.message
    except Exception as error:  # whatever a model's own code raises when it is given a cache
        reason = f"{type(error).__name__} in {place_of(error)}"
    if not reason:
        return cached
    _LOG.info("shared prefixes: not used, whole windows are run: %s", reason)
    return None
