"""Tiny adapters, as PEFT saves them."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path
from typing import Any


def save_lora(base: Path, folder: Path, *, seed: int = 1, merged: Path | None = None) -> Path:
    """A random LoRA adapter of a saved model, on attention and MLP; ``merged`` gets the model merged with it."""
    from peft import LoraConfig

    targets = ["q_proj", "down_proj"]
    lora = LoraConfig(r=4, lora_alpha=8, target_modules=targets, task_type="CAUSAL_LM", init_lora_weights=False)
    wrapped = _wrapped(base, lora, seed)
    wrapped.save_pretrained(folder)
    if merged is not None:
        wrapped.merge_and_unload().save_pretrained(merged)
        for file in base.glob("tokenizer*"):
            shutil.copy(file, merged / file.name)
    return folder


def save_prompt(base: Path, folder: Path) -> Path:
    """An adapter that puts two tokens in front of every text and changes no weights."""
    from peft import PromptTuningConfig

    _wrapped(base, PromptTuningConfig(num_virtual_tokens=2, task_type="CAUSAL_LM"), 0).save_pretrained(folder)
    return folder


def _wrapped(base: Path, config: Any, seed: int) -> Any:
    import torch
    from peft import get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of transformers about what PEFT calls
        return get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
