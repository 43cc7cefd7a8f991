"""What a model's name means, and which models are around. Loads no torch, so that it answers at once."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mechamap.errors import ModelNotFound, UsageError
from mechamap.system.paths import user_path
from mechamap.wording.suggest import nearest

__all__ = [
    "SHORT_NAMES",
    "ModelSource",
    "cached_models",
    "demo_folder",
    "hub_cache",
    "looks_like_path",
    "resolve",
    "short_label",
]


SHORT_NAMES: dict[str, str] = {
    "gpt2": "openai-community/gpt2",
    "gpt2-small": "openai-community/gpt2",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-xl": "openai-community/gpt2-xl",
    "distilgpt2": "distilbert/distilgpt2",
    "pythia-14m": "EleutherAI/pythia-14m",
    "pythia-31m": "EleutherAI/pythia-31m",
    "pythia-70m": "EleutherAI/pythia-70m",
    "pythia-160m": "EleutherAI/pythia-160m",
    "pythia-410m": "EleutherAI/pythia-410m",
    "pythia-1b": "EleutherAI/pythia-1b",
    "pythia-1.4b": "EleutherAI/pythia-1.4b",
    "pythia-2.8b": "EleutherAI/pythia-2.8b",
    "pythia-6.9b": "EleutherAI/pythia-6.9b",
    "pythia-12b": "EleutherAI/pythia-12b",
    "gpt-neo-125m": "EleutherAI/gpt-neo-125m",
    "gpt-neo-1.3b": "EleutherAI/gpt-neo-1.3B",
    "gpt-neo-2.7b": "EleutherAI/gpt-neo-2.7B",
    "gpt-neox-20b": "EleutherAI/gpt-neox-20b",
    "gpt-j-6b": "EleutherAI/gpt-j-6b",
    "gptj": "EleutherAI/gpt-j-6b",
    "opt-125m": "facebook/opt-125m",
    "opt-350m": "facebook/opt-350m",
    "opt-1.3b": "facebook/opt-1.3b",
    "opt-2.7b": "facebook/opt-2.7b",
    "opt-6.7b": "facebook/opt-6.7b",
    "bloom-560m": "bigscience/bloom-560m",
    "bloom-1b1": "bigscience/bloom-1b1",
    "bloom-1b7": "bigscience/bloom-1b7",
    "bloom-3b": "bigscience/bloom-3b",
    "bloom-7b1": "bigscience/bloom-7b1",
    "llama-2-7b": "meta-llama/Llama-2-7b-hf",
    "llama-2-13b": "meta-llama/Llama-2-13b-hf",
    "llama-3-8b": "meta-llama/Meta-Llama-3-8B",
    "llama-3.1-8b": "meta-llama/Llama-3.1-8B",
    "llama-3.2-1b": "meta-llama/Llama-3.2-1B",
    "llama-3.2-3b": "meta-llama/Llama-3.2-3B",
    "tinyllama": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "tinyllama-1.1b": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "smollm-135m": "HuggingFaceTB/SmolLM-135M",
    "smollm-360m": "HuggingFaceTB/SmolLM-360M",
    "smollm2-135m": "HuggingFaceTB/SmolLM2-135M",
    "smollm2-135m-instruct": "HuggingFaceTB/SmolLM2-135M-Instruct",
    "smollm2-360m": "HuggingFaceTB/SmolLM2-360M",
    "smollm2-1.7b": "HuggingFaceTB/SmolLM2-1.7B",
    "smollm3-3b": "HuggingFaceTB/SmolLM3-3B",
    "mistral-7b": "mistralai/Mistral-7B-v0.1",
    "mistral-7b-instruct": "mistralai/Mistral-7B-Instruct-v0.3",
    "qwen2-0.5b": "Qwen/Qwen2-0.5B",
    "qwen2-1.5b": "Qwen/Qwen2-1.5B",
    "qwen2-7b": "Qwen/Qwen2-7B",
    "qwen2.5-0.5b": "Qwen/Qwen2.5-0.5B",
    "qwen2.5-1.5b": "Qwen/Qwen2.5-1.5B",
    "qwen2.5-3b": "Qwen/Qwen2.5-3B",
    "qwen2.5-7b": "Qwen/Qwen2.5-7B",
    "qwen3-0.6b": "Qwen/Qwen3-0.6B",
    "qwen3-1.7b": "Qwen/Qwen3-1.7B",
    "qwen3-4b": "Qwen/Qwen3-4B",
    "qwen3-8b": "Qwen/Qwen3-8B",
    "gemma-2b": "google/gemma-2b",
    "gemma-7b": "google/gemma-7b",
    "gemma-2-2b": "google/gemma-2-2b",
    "gemma-2-9b": "google/gemma-2-9b",
    "gemma-3-270m": "google/gemma-3-270m",
    "gemma-3-1b": "google/gemma-3-1b-pt",
    "phi-1": "microsoft/phi-1",
    "phi-1.5": "microsoft/phi-1_5",
    "phi-2": "microsoft/phi-2",
    "phi-3-mini": "microsoft/Phi-3-mini-4k-instruct",
    "falcon-7b": "tiiuae/falcon-7b",
    "stablelm-3b": "stabilityai/stablelm-3b-4e1t",
    "olmo-1b": "allenai/OLMo-1B-hf",
    "olmo-2-1b": "allenai/OLMo-2-0425-1B",
    "starcoder2-3b": "bigcode/starcoder2-3b",
}
"""Names people type, lower case, and the hub id each stands for."""

_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_WEIGHT_SUFFIXES = (".safetensors", ".bin")


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where a model comes from.

    Attributes:
        kind: what sort of place it is.
        id: the hub id, the absolute path of the folder or file, or ``demo``.
        path: where it lies on this machine; None for a hub id.
        label: the short name to show.
        name: as it was given.
    """

    kind: Literal["hub", "folder", "gguf", "demo"]
    id: str
    path: Path | None
    label: str
    name: str

    def check_revision(self, revision: str | None) -> None:
        """Refuse a revision of a model that is not on the hub: only the hub keeps several.

        Raises:
            UsageError: with what to do.
        """
        if revision is not None and self.kind != "hub":
            raise UsageError(
                f"{self.id} is not on the hub, so it has no revision {revision!r}.", "Leave the revision out."
            )


_LONGEST_NAME = 255  # bytes that file systems take for one component of a path


def resolve(name: str) -> ModelSource:
    """What ``name`` means: the bundled model, a folder, a GGUF file, a short name, or else a hub id.

    Nothing is read but the file system, and nothing is fetched: whether a hub id exists shows on loading.

    Raises:
        ModelNotFound: ``name`` is empty, looks like a path that does not exist, is a folder without a
            ``config.json``, a file that is no GGUF, or not a valid hub id.
    """
    as_given, name = name, name.strip()
    if not name:
        raise ModelNotFound("No model was named.", _WHAT_A_MODEL_IS)
    if name == "demo":
        return _bundled(as_given)
    if any(len(part.encode()) > _LONGEST_NAME for part in name.split("/")):
        raise ModelNotFound(f"{name[:60]!r}... is too long for the name of a model.", _WHAT_A_MODEL_IS)
    path = user_path(name)
    known = SHORT_NAMES.get(name.lower())
    if path.is_dir():
        if (path / "config.json").is_file():
            folder = path.resolve()
            return ModelSource("folder", str(folder), folder, short_label(str(folder)), as_given)
        # A folder that only happens to be called like a model must not stand in that model's way.
        if known is None:
            raise ModelNotFound(
                f"The folder {path} has no config.json, so it is not a model folder.", _inside_hint(path)
            )
    elif path.exists():
        if path.suffix.lower() != ".gguf":
            raise ModelNotFound(f"{path} is a file, but not a .gguf file.", _file_hint(path))
        return ModelSource("gguf", str(path.resolve()), path.resolve(), short_label(name), as_given)
    elif looks_like_path(name):
        raise ModelNotFound(f"No such file or folder: {path}.", _nearest_hint(path))
    if known is not None:
        # Caches filled before the hub gave these models an owner hold them under the bare name.
        model_id = known if _in_cache(known) or not _in_cache(name) else name
        return ModelSource("hub", model_id, None, short_label(known), as_given)
    if not _HUB_ID.fullmatch(name) or ".." in name or "--" in name or len(name) > 96:
        raise ModelNotFound(
            f"{name!r} is neither a folder nor a file here, and it is not a valid hub id.", _WHAT_A_MODEL_IS
        )
    return ModelSource("hub", name, None, short_label(name), as_given)


def short_label(model_id: str) -> str:
    """The short name to show for a hub id or a path: ``openai-community/gpt2`` is ``gpt2``."""
    parts = [part for part in re.split(r"[/\\]", model_id) if part]
    if len(parts) >= 3 and parts[-2] == "snapshots" and parts[-3].startswith("models--"):
        return parts[-3].rpartition("--")[2]  # a folder inside the hub cache: its name is a commit hash
    last = parts[-1] if parts else model_id
    return last[: -len(".gguf")] if last.lower().endswith(".gguf") else last


def demo_folder() -> Path:
    """Where the bundled model lies."""
    return Path(__file__).parent / "demo"


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


def cached_models() -> list[str]:
    """Ids of the causal language models in the local hub cache that have their weights, newest first."""
    models: list[tuple[float, str]] = []
    for repository in hub_cache().glob("models--*"):
        snapshots = [path for path in repository.glob("snapshots/*") if _is_causal_model(path)]
        if snapshots:
            newest = max(path.stat().st_mtime for path in snapshots)
            models.append((newest, repository.name.removeprefix("models--").replace("--", "/")))
    return [model_id for _, model_id in sorted(models, key=lambda entry: (-entry[0], entry[1]))]


def _in_cache(model_id: str) -> bool:
    return (hub_cache() / f"models--{model_id.replace('/', '--')}").is_dir()


_WHAT_A_MODEL_IS = (
    "Give a hub id (openai-community/gpt2), a short name (gpt2-small), a folder with a config.json, "
    "a .gguf file, or demo for the bundled model."
)


def _bundled(as_given: str) -> ModelSource:
    folder = demo_folder()
    if not (folder / "config.json").is_file():
        raise ModelNotFound(
            f"The bundled model is missing from this installation: {folder / 'config.json'} does not exist.",
            "Reinstall mechamap, or name another model.",
        )
    return ModelSource("demo", "demo", folder, "demo", as_given)


def looks_like_path(name: str) -> bool:
    """Whether a name can only be meant as a path."""
    return (
        name.startswith((".", "/", "~"))
        or name.count("/") > 1
        or name.endswith("/")
        or "\\" in name
        or name.lower().endswith(".gguf")
    )


def _nearest_hint(path: Path) -> str:
    """The nearest existing path to one that does not exist."""
    folder = path.parent
    missing = path
    while not folder.is_dir() and folder != folder.parent:
        folder, missing = folder.parent, folder
    near = nearest(missing.name, _names_in(folder), cutoff=0.5)
    return f"Did you mean {folder / near[0]}?" if near else f"Looked in {folder.resolve()}. {_WHAT_A_MODEL_IS}"


def _inside_hint(folder: Path) -> str:
    """What to do about a folder that is no model."""
    names = _names_in(folder)
    if "run.json" in names:
        return f"It is a run: open it with `mechamap-tui {folder}`."
    if gguf := next((name for name in names if name.lower().endswith(".gguf")), None):
        return f"To use the GGUF file in it, give {folder / gguf}."
    if below := next((name for name in names if (folder / name / "config.json").is_file()), None):
        return f"Did you mean {folder / below}?"
    return "A model folder holds config.json, the weights (model.safetensors) and the tokenizer (tokenizer.json)."


def _file_hint(path: Path) -> str:
    if (path.parent / "config.json").is_file():
        return f"Give the folder it is in: {path.parent}"
    return _WHAT_A_MODEL_IS


def _names_in(folder: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in folder.iterdir())
    except OSError:
        return []


def _is_causal_model(snapshot: Path) -> bool:
    """Whether a snapshot in the hub cache has a causal language model's config, and weights beside it."""
    try:
        config = json.loads((snapshot / "config.json").read_bytes())
        architectures = [str(name) for name in config.get("architectures") or []]
        has_weights = any(path.suffix in _WEIGHT_SUFFIXES and path.exists() for path in snapshot.iterdir())
    except (OSError, ValueError, AttributeError, TypeError):
        return False
    return has_weights and any(name.endswith(("ForCausalLM", "LMHeadModel")) for name in architectures)
