"""Tiny random encoders and encoder-decoders, each with a tokenizer that frames a text as that family's does."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from support.tiny_configs import D_MLP, D_MODEL, N_LAYERS, config_of

__all__ = ["D_DECODER", "N_DECODER", "Framing", "framed_tokenizer", "save_tiny", "tiny_of"]

Framing = Literal["bert", "bart", "t5"]

N_DECODER = 2  # layers of a decoder, one less than of its encoder
D_DECODER = 72  # neurons of a layer of BART's decoder, fewer than of its encoder's

_SPECIALS: dict[Framing, dict[str, str]] = {  # in the order of their ids
    "bert": {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]"},
    "bart": {"bos_token": "<s>", "pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
    "t5": {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>"},
}
_TEMPLATE: dict[Framing, str] = {"bert": "[CLS] $A [SEP]", "bart": "<s> $A </s>", "t5": "$A </s>"}
_BART: dict[str, Any] = {
    "decoder_layers": N_DECODER, "decoder_ffn_dim": D_DECODER, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2,
    "decoder_start_token_id": 2, "forced_eos_token_id": None,
}  # fmt: skip
_ROBERTA: dict[str, Any] = {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2, "is_decoder": False}
_BERT: dict[str, Any] = {"pad_token_id": 0, "is_decoder": False}
_T5: dict[str, Any] = {
    "num_decoder_layers": N_DECODER, "pad_token_id": 0, "eos_token_id": 1, "decoder_start_token_id": 0,
    "tie_word_embeddings": True,
}  # fmt: skip

# What each type is told beside its size, and how its tokenizer frames a text.
_TYPES: dict[str, tuple[Framing, dict[str, Any]]] = {
    "albert": ("bert", {"pad_token_id": 0, "embedding_size": 16}),
    "bart": ("bart", _BART),
    "bert": ("bert", _BERT),
    "convbert": ("bert", _BERT),
    "deberta-v2": ("bert", {"pad_token_id": 0}),
    "distilbert": ("bert", {"pad_token_id": 0, "dim": D_MODEL, "hidden_dim": D_MLP}),
    "electra": ("bert", _BERT | {"embedding_size": 16}),
    "flaubert": ("bert", {"emb_dim": D_MODEL, "pad_index": 0}),
    "encoder-decoder": ("bert", {"decoder_start_token_id": 2, "pad_token_id": 0}),
    "fnet": ("bert", {"pad_token_id": 0}),
    "fsmt": ("bart", _BART | {"langs": ["en", "de"], "src_vocab_size": 320, "tgt_vocab_size": 320}),
    "funnel": ("bert", {"architectures": ["FunnelModel"], "block_sizes": [1, 1, 1], "d_inner": D_MLP, "d_head": 8}),
    "gemma3_text": ("bart", {"use_bidirectional_attention": True, "bos_token_id": 0, "pad_token_id": 1}),
    "longformer": ("bart", _ROBERTA | {"attention_window": [8] * N_LAYERS}),
    "led": ("bart", _BART | {"attention_window": [8] * N_LAYERS}),
    "llama": ("bart", {"is_causal": False, "bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}),
    "mbart": ("bart", _BART | {"decoder_start_token_id": None}),
    "mobilebert": (
        "bert",
        {"pad_token_id": 0, "embedding_size": 16, "intra_bottleneck_size": 24, "true_hidden_size": 24},
    ),
    "modernbert": ("bert", {"pad_token_id": 0, "cls_token_id": 2, "sep_token_id": 3, "local_attention": 8}),
    "mpnet": ("bart", {"bos_token_id": 0, "pad_token_id": 1, "eos_token_id": 2}),
    "prophetnet": (
        "bart",
        {
            "num_encoder_layers": N_LAYERS,
            "num_decoder_layers": N_DECODER,
            "decoder_ffn_dim": D_DECODER,
            "num_encoder_attention_heads": 4,
            "num_decoder_attention_heads": 4,
            "bos_token_id": 0,
            "pad_token_id": 1,
            "eos_token_id": 2,
            "decoder_start_token_id": 2,
        },
    ),
    "roberta": ("bart", _ROBERTA),
    "t5": ("t5", _T5),
    "t5gemma": ("bart", {"decoder_start_token_id": 0, "pad_token_id": 1}),
    "umt5": ("t5", _T5),
    "xlm-roberta": ("bart", _ROBERTA),
    "xlnet": ("bert", {"pad_token_id": 0}),
}


@cache
def framed_tokenizer(framing: Framing) -> Any:
    """A byte-level tokenizer that puts that family's special tokens around a text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    names = _SPECIALS[framing]
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320,
        special_tokens=list(names.values()),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    sentences = ["The cat sat on the mat and ate an apple.", "A dog and a horse went to Paris by train."]
    backend.train_from_iterator(sentences * 8, trainer)
    backend.post_processor = processors.TemplateProcessing(
        single=_TEMPLATE[framing],
        special_tokens=[(name, backend.token_to_id(name)) for name in names.values()],
    )
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


def tiny_of(model_type: str, auto: str, **changes: Any) -> Any:
    """A random model of that type (3 layers, a decoder beside an encoder 2), built by that Auto class."""
    import torch
    import transformers

    framing, its = _TYPES[model_type]
    torch.manual_seed(0)
    config = _config(model_type, len(framed_tokenizer(framing)), its | changes)
    model = getattr(transformers, auto).from_config(config).eval()
    for name, parameter in model.named_parameters():
        if not name.endswith("layer_norm.weight"):
            torch.nn.init.normal_(parameter, std=0.2)
    return model


def _config(model_type: str, vocabulary: int, changes: dict[str, Any]) -> Any:
    if model_type != "encoder-decoder":
        return config_of(model_type, vocabulary, **changes)
    from transformers import EncoderDecoderConfig

    bert = config_of("bert", vocabulary, **_BERT)
    decoder = {"num_hidden_layers": N_DECODER, "intermediate_size": D_DECODER, "add_cross_attention": True}
    beside = config_of("bert", vocabulary, **(_BERT | decoder | {"is_decoder": True}))
    return EncoderDecoderConfig.from_encoder_decoder_configs(bert, beside, **changes)


def save_tiny(folder: Path, model_type: str, auto: str, **changes: Any) -> Path:
    """Save such a model and its tokenizer into ``folder``, the way people have them."""
    tiny_of(model_type, auto, **changes).save_pretrained(folder)
    framed_tokenizer(_TYPES[model_type][0]).save_pretrained(folder)
    return folder
