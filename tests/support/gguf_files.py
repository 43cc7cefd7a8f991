"""Tiny GGUF files: of a whole model, of parts of one, and of what is no model."""

from __future__ import annotations

import struct
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

BLOCKS, WIDTH, NEURONS = 2, 64, 128


def text(words: str) -> bytes:
    return struct.pack("<Q", len(words)) + words.encode()


def tensor(name: str, *shape: int) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, 2, 0)


def gguf_bytes() -> bytes:
    """A header with a key of each sort of value, and two tensors of 64 x 32 and 32 weights."""
    keys = [
        text("a.string") + struct.pack("<I", 8) + text("llama"),
        text("a.number") + struct.pack("<II", 4, 7),
        text("a.long") + struct.pack("<IQ", 10, 7),
        text("a.truth") + struct.pack("<IB", 7, 1),
        text("words") + struct.pack("<IIQ", 9, 8, 3) + text("one") + text("") + text("three"),
        text("scores") + struct.pack("<IIQ", 9, 6, 3) + struct.pack("<3f", 1, 2, 3),
        text("pairs") + struct.pack("<IIQ", 9, 9, 2) + 2 * (struct.pack("<IQ", 5, 2) + struct.pack("<2i", 1, 2)),
    ]
    head = struct.pack("<4sIQQ", b"GGUF", 3, 2, len(keys))
    return head + b"".join(keys) + tensor("weight", 64, 32) + tensor("bias", 32)


def vocabulary_of(writer: Any, pre_tokenizer: str = "", end: str = "<|end|>", bos: int | None = None) -> int:
    """Write a vocabulary; of bytes and letters, or byte-level with a pre-tokenizer of that name. Its size.

    Args:
        end: the last token of the byte-level one, its BOS.
        bos: the number of another one.
    """
    if pre_tokenizer:
        from tokenizers.pre_tokenizers import ByteLevel

        alphabet = sorted(ByteLevel.alphabet())
        tokens, merges, types = [*alphabet, "12", "123", end], ["1 2", "12 3"], [1] * (len(alphabet) + 2) + [3]
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre(pre_tokenizer)
        writer.add_token_merges(merges)
        writer.add_bos_token_id(len(tokens) - 1 if bos is None else bos)
        writer.add_eos_token_id(len(tokens) - 1)
    else:
        tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), *"abcdefghij"]
        types = [2, 3, 3] + [6] * 256 + [1] * 10
        writer.add_tokenizer_model("llama")
        writer.add_token_scores([0.0] * len(tokens))
        writer.add_bos_token_id(1)
        writer.add_eos_token_id(2)
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_vocab_size(len(tokens))
    return len(tokens)


def write_gguf(
    file: Path,
    *,
    blocks: int = BLOCKS,
    without: Collection[str] = (),
    keys: Mapping[str, int] | None = None,
    pre_tokenizer: str = "",
    end: str = "<|end|>",
    bos: int | None = None,
) -> Path:
    """A tiny Llama by its header, with random weights.

    Args:
        blocks: how many the header says; those behind the first two have no weights.
        without: parts of the names of tensors that are left out.
        keys: more keys of the header.
        pre_tokenizer, end, bos: see :func:`vocabulary_of`.
    """
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(str(file), "llama")
    writer.add_block_count(blocks)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(NEURONS)
    writer.add_head_count(4)
    writer.add_head_count_kv(4)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // 4)
    for key, value in (keys or {}).items():
        writer.add_uint32(key, value)
    tokens = vocabulary_of(writer, pre_tokenizer, end, bos)
    shapes: dict[str, tuple[int, ...]] = {
        "token_embd": (tokens, WIDTH),
        "output_norm": (WIDTH,),
        "output": (tokens, WIDTH),
    }
    for block in range(BLOCKS):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            shapes[f"blk.{block}.{name}"] = (WIDTH, WIDTH)
        for name in ("attn_norm", "ffn_norm"):
            shapes[f"blk.{block}.{name}"] = (WIDTH,)
        for name in ("ffn_gate", "ffn_up"):
            shapes[f"blk.{block}.{name}"] = (NEURONS, WIDTH)
        shapes[f"blk.{block}.ffn_down"] = (WIDTH, NEURONS)
    random = np.random.default_rng(0)
    for name, shape in shapes.items():
        if not any(part in name for part in without):
            writer.add_tensor(f"{name}.weight", random.normal(scale=0.2, size=shape).astype(np.float32))
    finish(writer)
    return file


def write_other(file: Path, architecture: str, kind: str, *tensors: str) -> Path:
    """A GGUF file that is no model; ``kind`` is its general.type, if any."""
    import numpy as np
    from gguf import GGUFWriter

    writer = GGUFWriter(str(file), architecture)
    if kind:
        writer.add_type(kind)
    for name in tensors:
        writer.add_tensor(name, np.ones((4, 8), np.float32))
    finish(writer)
    return file


def finish(writer: Any) -> None:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
