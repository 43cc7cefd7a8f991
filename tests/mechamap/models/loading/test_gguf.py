from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from support.by_name import load_model
from support.smollm2 import D_MLP, N_LAYERS, smollm2_gguf

from mechamap.errors import MissingExtra, ModelError, UsageError, WeightsError
from mechamap.models.proof import prove


@pytest.mark.smollm2
def test_a_gguf_file_loads_to_the_same_model_as_its_converted_folder(smollm2_path: Path) -> None:
    """Some twenty seconds: transformers unpacks and reads the vocabulary in Python."""
    unpacked = load_model(str(smollm2_path), device="cpu")
    loaded = load_model(str(smollm2_gguf()), device="cpu")
    assert loaded.dtype == torch.float32
    assert [layer.width for layer in loaded.layers] == [D_MLP] * N_LAYERS
    assert len(prove(loaded)) == N_LAYERS
    theirs = unpacked.model.state_dict()
    assert all(torch.equal(weight, theirs[name]) for name, weight in loaded.model.state_dict().items())
    lower = load_model(str(smollm2_gguf()), device="cpu", layers_wanted=2)
    assert (len(lower.layers), lower.n_layers, lower.parameters) == (2, N_LAYERS, loaded.parameters)
    assert all(torch.equal(weight, theirs[name]) for name, weight in lower.model.state_dict().items())
    sentence = "The cat's 1987 trip to Århus, by train."
    assert loaded.tokenizer.encode(sentence) == unpacked.tokenizer.encode(sentence)


def test_a_file_that_is_no_gguf_is_refused_before_anything_is_loaded(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    for content, what in (
        (b"", "is empty"),
        (b"GG", "is not a GGUF file"),
        (b"<html>not found</html>", "is a web page"),
    ):
        file.write_bytes(content)
        with pytest.raises(WeightsError, match=what):
            load_model(str(file))


@pytest.mark.smollm2
def test_a_gguf_file_cut_short_is_an_error_of_ours(smollm2_path: Path, tmp_path: Path) -> None:
    file = tmp_path / "short.gguf"
    with smollm2_gguf().open("rb") as whole:
        file.write_bytes(whole.read(10_000))
    with pytest.raises(ModelError, match=r"short\.gguf"):
        load_model(str(file), device="cpu")


@pytest.mark.parametrize("package", ["gguf", "accelerate"])
def test_without_the_extra_the_error_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 100)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package) as caught:
        load_model(str(file))
    assert "mechamap[gguf]" in caught.value.hint


def test_a_gguf_file_is_packed_already(tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF" + b"\0" * 100)
    with pytest.raises(UsageError, match="packed already"):
        load_model(str(file), quantize="nf4")
