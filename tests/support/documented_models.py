"""Tiny stand-ins for the models that the documentation names, where it says that they lie."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from support.adapters import save_lora
from support.gguf_files import write_gguf
from support.small_tokenizers import byte_level

__all__ = ["save_models"]

# As `mechamap/catalog/short_names.py` reads the short names; sizes so that the neurons which pages name are there.
_OF_THE_HUB = {
    "openai-community/gpt2": ("gpt2", 10, 2048, 0),
    "EleutherAI/pythia-160m": ("gpt_neox", 3, 96, 1),
    "EleutherAI/pythia-70m": ("gpt_neox", 2, 96, 2),
    "HuggingFaceTB/SmolLM2-135M": ("llama", 2, 1536, 3),
}
_FOLDERS = {
    "my-model": ("llama", 2, 96, 4),
    "base": ("llama", 2, 96, 5),
    "tuned": ("llama", 2, 96, 6),
    "my-experts": ("mixtral", 2, 32, 7),
}


def save_models(cache: Path, here: Path, home: Path) -> None:
    """Models of the hub into its cache, those in folders into ``here``, and the ones below ``~`` into ``home``."""
    for name, of in _OF_THE_HUB.items():
        folder = cache / f"models--{name.replace('/', '--')}"
        for revision in ("main", "step1000"):
            (folder / "refs").mkdir(parents=True, exist_ok=True)
            (folder / "refs" / revision).write_text(f"{revision:0<40}")
            _save(folder / "snapshots" / f"{revision:0<40}", *of)
    for name, of in _FOLDERS.items():
        _save(here / name, *of)
    save_lora(here / "base", here / "lora")
    write_gguf(here / "model.gguf")
    _save(home / "models" / "my-llama", "llama", 2, 96, 8)
    _save_config(home / "models" / "llama-3b")


def _save(folder: Path, kind: str, layers: int, neurons: int, seed: int) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes: dict[str, Any] = {
        "vocab_size": len(byte_level()),
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 0,
    }
    if kind == "gpt2":
        sizes |= {"n_embd": 32, "n_layer": layers, "n_head": 4, "n_inner": neurons, "n_positions": 512}
    else:
        sizes |= {"hidden_size": 32, "num_hidden_layers": layers, "num_attention_heads": 4}
        sizes |= {"intermediate_size": neurons, "max_position_embeddings": 512}
        sizes |= {"num_key_value_heads": 2} if kind != "gpt_neox" else {}
        sizes |= {"num_local_experts": 4} if kind == "mixtral" else {}
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **sizes))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    byte_level().save_pretrained(folder)


def _save_config(folder: Path) -> None:
    """A model of 3 billion weights, of which a plan reads the config alone."""
    folder.mkdir(parents=True)
    sizes = {"hidden_size": 3072, "num_hidden_layers": 28, "num_attention_heads": 24, "intermediate_size": 8192}
    more = {
        "model_type": "llama",
        "architectures": ["LlamaForCausalLM"],
        "vocab_size": 128256,
        "torch_dtype": "float32",
    }
    (folder / "config.json").write_text(json.dumps(more | sizes))
    tokenizer = folder.parent / "my-llama"
    for file in tokenizer.glob("tokenizer*"):
        shutil.copy(file, folder / file.name)
