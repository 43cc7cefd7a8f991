"""Small tokenizers of the kinds that models use, made on the spot."""

from __future__ import annotations

from functools import cache

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from mechamap.config.schema import default_config

BOS = "<|start|>"
TURN = "<|turn|>"


@cache
def byte_level(bos: bool = True) -> PreTrainedTokenizerFast:
    """GPT-2's kind: every byte is known, a blank belongs to the word after it."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=700,
        special_tokens=[BOS, TURN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(default_config().texts, trainer)
    names = {"bos_token": BOS} if bos else {}
    return PreTrainedTokenizerFast(tokenizer_object=inner, extra_special_tokens=[TURN], **names)


@cache
def word_piece() -> PreTrainedTokenizerFast:
    """BERT's kind: lower case, blanks dropped, unknown words become [UNK], no BOS."""
    inner = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    inner.normalizer = normalizers.BertNormalizer(lowercase=True)
    inner.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    inner.train_from_iterator(
        default_config().texts,
        trainers.WordPieceTrainer(vocab_size=600, special_tokens=["[UNK]"], show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, unk_token="[UNK]")


@cache
def meta_space() -> PreTrainedTokenizerFast:
    """Llama's kind: a blank is put in front of the text, unknown characters fall back to bytes."""
    alphabet = [f"<0x{byte:02X}>" for byte in range(256)]
    inner = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
    inner.decoder = decoders.Metaspace()
    inner.train_from_iterator(
        default_config().texts,
        trainers.BpeTrainer(vocab_size=900, special_tokens=["<unk>", "<s>", *alphabet], show_progress=False),
    )
    return PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<s>", unk_token="<unk>")
