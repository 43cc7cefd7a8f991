"""Tiny random models of any architecture, saved as a folder the way people have them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

N_LAYERS = 3
D_MODEL = 32
D_MLP = 80
CONTEXT = 128

# One size, under every name that configs give it; a config takes those it knows.
_SIZES: dict[str, Any] = {
    "hidden_size": D_MODEL,
    "n_embd": D_MODEL,
    "d_model": D_MODEL,
    "word_embed_proj_dim": D_MODEL,
    "intermediate_size": D_MLP,
    "n_inner": D_MLP,
    "ffn_dim": D_MLP,
    "ffn_hidden_size": D_MLP,
    "num_hidden_layers": N_LAYERS,
    "n_layer": N_LAYERS,
    "n_layers": N_LAYERS,
    "num_layers": N_LAYERS,
    "num_attention_heads": 4,
    "attention_heads": 4,
    "n_head": 4,
    "n_heads": 4,
    "num_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "rotary_dim": 4,
    "max_position_embeddings": CONTEXT,
    "n_positions": CONTEXT,
    "n_ctx": CONTEXT,
    "max_seq_len": CONTEXT,
    "pad_token_id": 0,
    "bos_token_id": 0,
    "eos_token_id": 0,
}
_SPECIAL: dict[str, dict[str, Any]] = {
    "gpt_neo": {"attention_types": [[["global"], N_LAYERS]]},
    "mpt": {"expansion_ratio": 2},
}


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
    from transformers import AutoConfig

    known = AutoConfig.for_model(model_type)
    sizes = {name: value for name, value in _SIZES.items() if name in vars(known) or name in known.attribute_map}
    special = _SPECIAL.get(model_type, {})
    return AutoConfig.for_model(model_type, **{**sizes, "vocab_size": len(_tokenizer()), **special, **changes})


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
