"""The local cache of models from the hub."""

from __future__ import annotations

import os
from pathlib import Path

from mechamap.system.json_files import read_json
from mechamap.system.paths import user_path

__all__ = ["cached_models", "cached_repository", "hub_cache"]


_WEIGHT_SUFFIXES = (".safetensors", ".bin")
_WEIGHT_NAMES = ("model", "pytorch_model")  # and not those of an adapter, an optimizer, training arguments


def hub_cache() -> Path:
    """The local hub cache, as HF_HUB_CACHE, HF_HOME and XDG_CACHE_HOME place it."""
    for variable, below in (
        ("HF_HUB_CACHE", ""),
        ("HUGGINGFACE_HUB_CACHE", ""),
        ("HF_HOME", "hub"),
        ("XDG_CACHE_HOME", "huggingface/hub"),
    ):
        if chosen := os.environ.get(variable):
            return user_path(os.path.expandvars(chosen)) / below
    return user_path("~/.cache/huggingface/hub")


def cached_repository(model_id: str) -> Path:
    """Where the cache keeps a model, if it does."""
    return hub_cache() / f"models--{model_id.replace('/', '--')}"


def cached_models() -> list[str]:
    """Ids of the causal language models in the local hub cache that have their weights, newest first."""
    models: list[tuple[float, str]] = []
    for repository in hub_cache().glob("models--*"):
        snapshots = [path for path in repository.glob("snapshots/*") if _is_causal_model(path)]
        if snapshots:
            newest = max(path.stat().st_mtime for path in snapshots)
            models.append((newest, repository.name.removeprefix("models--").replace("--", "/")))
    return [model_id for _, model_id in sorted(models, key=lambda entry: (-entry[0], entry[1]))]


def _is_causal_model(snapshot: Path) -> bool:
    """Whether a snapshot in the hub cache has a causal language model's config, and weights beside it."""
    try:
        config = read_json(snapshot / "config.json")
        architectures = [str(name) for name in config.get("architectures") or []]
        has_weights = any(
            path.suffix in _WEIGHT_SUFFIXES and path.name.startswith(_WEIGHT_NAMES) and path.exists()
            for path in snapshot.iterdir()
        )
    except (OSError, ValueError, AttributeError, TypeError):
        return False
    return has_weights and any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
