"""A model's sizes as its config gives them, under the names that different architectures use."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["HALVED", "config_d_mlp", "config_d_model", "config_widths", "text_config"]

_WIDTHS = re.compile(r"intermediate|ffn.*(dim|size)|n_inner|d_inner|d_ff$|dff$|hidden_dim$|mlp_.*(dim|size)")
_SHARED = re.compile(r"shared_expert|num_shared|n_shared")
HALVED = frozenset({"moshi", "recurrent_gemma"})
"""Types whose configs give the width of gate and up together."""

_D_MODEL_KEYS = ("hidden_size", "n_embd", "d_model", "emb_dim", "dim")


def text_config(config: Any) -> Any:
    """The part of a config that describes the language model, where it describes more than one."""
    return config.get_text_config() if hasattr(config, "get_text_config") else config


def config_d_mlp(config: Any) -> int | None:
    """The number of neurons of a dense layer as the config gives it, None where it gives none (or one per layer)."""
    values = _members(text_config(config))
    for key in ("intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size", "ffn_intermediate_size", "d_ff"):
        value = values.get(key, 0)
        if value is None and (d_model := config_d_model(config)) is not None:
            return 4 * d_model  # the convention of GPT-2 and models like it: no n_inner means four times as wide
        if isinstance(value, int) and value > 0:
            return value
    return None


def config_widths(config: Any) -> frozenset[int]:
    """All values of the config that may be a number of neurons: of a dense MLP, of an expert, of shared experts."""
    values = _members(text_config(config))
    widths: set[int] = set()
    if getattr(config, "model_type", "") in HALVED:
        values = {key: value // 2 if _is_size(value) else value for key, value in values.items()}
    if values.get("block_auto_adjust_ff_dim"):  # LFM2
        factor, multiple = values.get("block_ffn_dim_multiplier") or 1.0, values["block_multiple_of"]
        widths.add(-(-int(factor * int(2 * values["intermediate_size"] / 3)) // multiple) * multiple)
    for key, value in values.items():
        if key == "intermediate_multiple_size" and _is_size(value):
            widths.add(value * (config_d_model(config) or 0))
        elif _WIDTHS.search(key):
            sizes = value if isinstance(value, (list, tuple)) else (value,)
            widths.update(size for size in sizes if _is_size(size))
    if (dense := config_d_mlp(config)) is not None:
        widths.add(dense)
    shared = [value for key, value in values.items() if _SHARED.search(key) and _is_size(value)]
    widths |= {number * width for number in shared for width in widths}
    # Where each side has a config of its own, the decoder's describes the text.
    encoder = getattr(config, "encoder", None)
    return frozenset(widths if encoder is None else widths | config_widths(encoder))


def _members(config: Any) -> dict[str, Any]:
    """The entries of a config by its architecture's own names, those of nested configs of its MLPs included."""
    members: dict[str, Any] = {}
    for key, value in ({} if config is None else vars(config)).items():
        if key == "ffn_config":
            members |= _members(value)
        elif not key.startswith("_"):
            members[key] = value
    for general, own in getattr(config, "attribute_map", {}).items():
        if own in members:
            members.setdefault(general, members[own])
    return members


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def config_d_model(config: Any) -> int | None:
    """The width of the residual stream as the config gives it, None where it gives none."""
    text = text_config(config)
    values = (getattr(text, key, None) for key in _D_MODEL_KEYS)
    return next((value for value in values if isinstance(value, int)), None)
