"""Tiny random models of any architecture, saved as a folder the way people have them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from tiny_configs import CONTEXT, D_MLP, D_MODEL, N_LAYERS, config_of

__all__ = ["CONTEXT", "D_MLP", "D_MODEL", "N_LAYERS", "save_tiny_model", "tiny_config"]


@cache
def _tokenizer() -> Any:
    """A byte-level BPE tokenizer with a BOS, trained on two sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=["<s>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sentences = ["The cat sat on the mat and ate an apple.", "A dog and a horse went to Paris by train."]
    backend.train_from_iterator(sentences * 8, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="<s>")


def tiny_config(model_type: str, **changes: Any) -> Any:
    """A small config of ``model_type``; ``changes`` are set on top, known to the config or not."""
    return config_of(model_type, len(_tokenizer()), **changes)


def save_tiny_model(folder: Path, model_type: str, *, seed: int = 0, **changes: Any) -> Path:
    """Save a random model of ``model_type`` (3 layers, d_model 32, d_mlp 80) and a tokenizer into ``folder``."""
    import torch
    from transformers import AutoModelForCausalLM

    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(tiny_config(model_type, **changes))
    for parameter in model.parameters():  # biases start at zero, where a proof about them would prove nothing
        torch.nn.init.normal_(parameter, std=0.2)
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder
