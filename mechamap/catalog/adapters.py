"""What a folder with an adapter says of itself: a few weights that change those of a base model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechamap.system.json_files import read_json
from mechamap.wording.advice import Advice, Setting

__all__ = ["Adapter", "adapter_in"]


_CONFIG = "adapter_config.json"


@dataclass(frozen=True, slots=True)
class Adapter:
    """An adapter in a folder.

    Attributes:
        folder: where it lies.
        kind: what PEFT calls it, such as ``LORA``; empty where its config does not say.
        base: the model it was trained on, by the name or path it had there; empty where its config does not say.
        for_megatron: whether it is for layers of Megatron, for which PEFT imports a module that the config names.
        rank: the largest that its config names, of which matrices are made; 0 where it names none.
    """

    folder: Path
    kind: str = ""
    base: str = ""
    for_megatron: bool = False
    rank: int = 0

    @property
    def named(self) -> str:
        """``an adapter (LORA) of org/base``, as far as its config says."""
        return f"an adapter{f' ({self.kind})' if self.kind else ''}{f' of {self.base}' if self.base else ''}"

    @property
    def advice(self) -> Advice:
        """How its base model is scanned with it."""
        base = f"its base model, {self.base}," if self.base else "its base model"
        return Advice.of(f"Give {base} with {{}}.", Setting("adapter", str(self.folder)))


def adapter_in(folder: Path) -> Adapter | None:
    """The adapter that a folder holds, alone or beside the weights of a model; None where there is none."""
    try:
        config = read_json(folder / _CONFIG)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        return Adapter(folder)
    texts = config if isinstance(config, dict) else {}
    kind, base = texts.get("peft_type"), texts.get("base_model_name_or_path")
    return Adapter(
        folder,
        kind if isinstance(kind, str) else "",
        base if isinstance(base, str) else "",
        bool(texts.get("megatron_config")),
        _largest_rank(texts),
    )


def _largest_rank(config: Mapping[str, Any]) -> int:
    patterns = config.get("rank_pattern")
    named = [config.get("r"), *(patterns.values() if isinstance(patterns, dict) else ())]
    return max((rank for rank in named if type(rank) is int), default=0)
