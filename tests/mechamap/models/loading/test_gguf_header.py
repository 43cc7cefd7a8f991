"""What the header of a GGUF file says, and which files are refused by it."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from support.gguf_files import NEURONS, WIDTH, gguf_bytes, write_gguf, write_other

from mechamap.errors import ModelError, UnsupportedModel, WeightsError
from mechamap.models.loading.gguf_header import check_header, read_header


def test_a_header_gives_keys_and_counts_weights(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(gguf_bytes())
    header = read_header(file)
    assert header is not None
    assert (header.parameters, dict(header.tensors)) == (64 * 32 + 32, {"weight": 64 * 32, "bias": 32})
    assert (header.text("a.string"), header.number("a.number"), header.number("a.long")) == ("llama", 7, 7)
    assert header.values["a.truth"] is True
    assert (header.text("a.number"), header.number("a.truth"), header.number("words")) == ("", 0, 0)


def test_a_header_that_is_damaged_says_nothing(tmp_path: Path) -> None:
    file, whole = tmp_path / "tiny.gguf", gguf_bytes()
    for content in (b"", b"GGUF", b"GGML" + whole[4:], *(whole[:end] for end in range(24, len(whole), 7))):
        file.write_bytes(content)
        assert read_header(file) is None
    file.write_bytes(whole[:16] + struct.pack("<Q", 2**60) + whole[24:])
    assert read_header(file) is None
    assert read_header(tmp_path / "nothing.gguf") is None


def test_a_whole_model_passes(tmp_path: Path) -> None:
    check_header(write_gguf(tmp_path / "whole.gguf"))
    check_header(write_gguf(tmp_path / "mtp.gguf", blocks=3, keys={"llama.nextn_predict_layers": 1}))


def test_what_is_no_model_is_refused_by_what_it_is(tmp_path: Path) -> None:
    cases = [
        ("llama", "adapter", "blk.0.attn_q.weight.lora_a", "LoRA adapter"),
        ("llama", "", "blk.0.attn_q.weight.lora_b", "LoRA adapter"),
        ("clip", "mmproj", "v.blk.0.attn_q.weight", "vision or audio"),
        ("clip", "", "v.blk.0.attn_q.weight", "vision or audio"),
        ("", "imatrix", "blk.0.ffn_up.weight.in_sum2", "importance matrix"),
        ("controlvector", "", "direction.1", "control vector"),
    ]
    for number, (architecture, kind, tensor, words) in enumerate(cases):
        with pytest.raises(UnsupportedModel, match=words):
            check_header(write_other(tmp_path / f"{number}.gguf", architecture, kind, tensor))
    with pytest.raises(UnsupportedModel, match="of the type lexicon"):
        check_header(write_other(tmp_path / "other.gguf", "llama", "lexicon"))


def test_a_part_of_a_model_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    all_of_it = ("token_embd", "output", "blk.")
    split = {"split.no": 1, "split.count": 3, "split.tensors.count": 40}
    mlps = 2 * 2 * WIDTH * NEURONS
    cases: list[tuple[dict[str, object], str]] = [
        ({"without": all_of_it}, "lists no tensor"),
        ({"blocks": 4}, r"blocks 2-3: its header says that there are 4"),
        ({"without": ("ffn_gate", "ffn_up", "ffn_down")}, f"there are {mlps:,} or more"),
        ({"keys": split}, "file 2 of 3 of a split model, with 21 of its 40 tensors"),
        ({"keys": split, "without": all_of_it}, "file 2 of 3 of a split model, with 0 of its 40"),
    ]
    for number, (changes, words) in enumerate(cases):
        with pytest.raises(WeightsError, match=words):
            check_header(write_gguf(tmp_path / f"{number}.gguf", **changes))  # type: ignore[arg-type]


def test_a_file_with_fewer_weights_than_its_model_is_refused_before_memory_is_taken(tmp_path: Path) -> None:
    from support.by_name import load_model

    file = write_gguf(tmp_path / "no_attention.gguf", without=("attn_q", "attn_k", "attn_v", "attn_output"))
    check_header(file)
    with pytest.raises(ModelError, match=r"holds [\d,]+ weights, but the model that its header describes has [\d,]+"):
        load_model(str(file), device="cpu")
