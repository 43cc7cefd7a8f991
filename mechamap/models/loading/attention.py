"""How a config asks for its model to be run, put back to what every machine has and this program reads.

A config may keep the implementation that a model was trained with (FlashAttention, a kernel of the hub): it is about
speed alone, it needs packages or cards that a machine may not have, and refusing the model over it would help nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mechamap.models.config_keys import text_config
from mechamap.system.json_files import read_json

__all__ = ["attention_in_file", "attention_in_words", "use_common_attention"]


_KEYS = ("_attn_implementation", "attn_implementation")
_EVERYWHERE = (None, "eager")  # None is sdpa where the architecture knows it, else eager


def use_common_attention(config: Any) -> str:
    """Have a config of transformers, and those nested in it, leave the choice of attention and experts to transformers.

    ``eager`` is kept, which some name for its exact results.

    Returns:
        The attention that the part about the text had named, or else any other; empty where none was named.
    """
    named = [
        str(name)
        for part in (text_config(config), *_parts(config))
        if (name := getattr(part, "_attn_implementation", None)) not in _EVERYWHERE
    ]
    for part in _parts(config):
        # Training scripts leave these in configs; what a forward returns is read by name here.
        part.return_dict, part.output_hidden_states, part.output_attentions = True, False, False
        for key in ("_attn_implementation", "_experts_implementation"):
            if getattr(part, key, None) not in _EVERYWHERE:
                setattr(part, f"{key}_internal", None)
    return named[0] if named else ""


def attention_in_file(folder: Path) -> str:
    """The attention that a folder's config.json names anywhere; empty where it names none.

    Of a name in a nested part, transformers keeps nothing.
    """
    try:
        return next(_names(read_json(folder / "config.json")), "")
    except (OSError, ValueError, RecursionError):  # a GGUF file, or reported where the config is read
        return ""


def _names(values: Any) -> Iterator[str]:
    for key, value in values.items() if isinstance(values, dict) else ():
        if key in _KEYS and isinstance(value, str):
            yield value
        elif key in _KEYS and isinstance(value, dict):
            yield from (name for name in value.values() if isinstance(name, str))
        else:
            yield from _names(value)


def attention_in_words(named: str, model: Any) -> str:
    """What a loaded model computes its attention with, where its config had named something else; else empty."""
    used = str(getattr(text_config(model.config), "_attn_implementation", None) or "")
    return f"attention by {used}, in place of {named} in its config" if named and used and named != used else ""


def _parts(config: Any) -> Iterator[Any]:
    """A config and all that are nested in it."""
    from transformers import PreTrainedConfig

    yield config
    for member in vars(config).values():
        if isinstance(member, PreTrainedConfig):
            yield from _parts(member)
