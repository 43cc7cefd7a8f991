"""Tiny random models of any architecture, saved as a folder the way people have them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from support.tiny_configs import CONTEXT, D_MLP, D_MODEL, N_LAYERS, config_of

__all__ = ["CONTEXT", "D_MLP", "D_MODEL", "N_LAYERS", "save", "save_tiny_model", "tiny_config", "tiny_model"]


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


def tiny_model(model_type: str, *, seed: int = 0, **changes: Any) -> Any:
    """A random model of ``model_type``, as AutoModelForCausalLM can load it: 3 layers, d_model 32, d_mlp 80."""
    import torch
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText

    torch.manual_seed(seed)
    config = tiny_config(model_type, **changes)
    model = AutoModelForCausalLM.from_config(config)
    if type(model.config) is not type(config):  # the language model alone; what people have is the whole
        model = AutoModelForImageTextToText.from_config(config)
    for parameter in model.parameters():  # biases start at zero, where a proof about them would prove nothing
        torch.nn.init.normal_(parameter, std=0.2)
    for name, buffer in model.named_buffers():
        if name.endswith(".tid2eid"):  # DeepSeek's table from tokens to experts starts at zero, where all go to one
            buffer.copy_(torch.rand(len(buffer), model.config.num_local_experts).argsort()[:, : buffer.shape[1]])
    return model


def save_tiny_model(folder: Path, model_type: str, *, seed: int = 0, **changes: Any) -> Path:
    """Save such a model and a tokenizer into ``folder``."""
    return save(tiny_model(model_type, seed=seed, **changes), folder)


def save(model: Any, folder: Path) -> Path:
    """Save a model and the tiny tokenizer into ``folder``, the way people have them."""
    model.save_pretrained(folder)
    _tokenizer().save_pretrained(folder)
    return folder
