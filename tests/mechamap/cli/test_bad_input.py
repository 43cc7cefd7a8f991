"""What people give by mistake, from the command line: an error with a hint, no traceback, and nothing left behind."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.packed_models import change_config

from mechamap.cli.main import main
from mechamap.runs.run import Run


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Empty folders for runs and for temporary files."""
    folders = {"home": tmp_path / "home", "temporary": tmp_path / "temporary"}
    folders["temporary"].mkdir()
    monkeypatch.setenv("MECHAMAP_HOME", str(folders["home"]))
    monkeypatch.setattr(tempfile, "tempdir", str(folders["temporary"]))
    return folders


@pytest.fixture
def folder(tiny_models: Callable[..., Path], tmp_path: Path) -> Path:
    """A tiny Llama of one's own, to damage."""
    return Path(shutil.copytree(tiny_models("llama"), tmp_path / "model"))


def files_in(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def refused(
    folder: Path, places: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """What ``mechamap scan`` says of the folder, once it is seen to be an error that leaves nothing behind."""

    def said(title: str, *flags: str, code: int = 1) -> str:
        before = files_in(folder)
        for out in ([], ["--out", str(tmp_path / "run")]):
            capsys.readouterr()
            assert main(["scan", str(folder), "--device", "cpu", *flags, *out]) == code
            captured = capsys.readouterr()
            assert captured.out == ""
            _, told, error = captured.err.partition(f"error: {title}\n")
            assert told, captured.err
            assert "Traceback" not in captured.err
            message, hint = (line.strip() for line in error.strip().splitlines())
            assert message
            assert hint
            assert files_in(places["home"]) == ["log/mechamap.log"]
            assert not files_in(places["temporary"])
            assert not (tmp_path / "run").exists()
            assert files_in(folder) == before
        return f"{message}\n{hint}"

    return said


def test_a_file_of_weights_cut_short(folder: Path, refused: Callable[..., str]) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    said = refused("The weights cannot be read")
    assert f"{weights} is cut short" in said
    assert "again" in said


def test_a_folder_without_config(folder: Path, refused: Callable[..., str]) -> None:
    (folder / "config.json").unlink()
    assert "has no config.json" in refused("Model not found")


def test_a_vision_model(folder: Path, refused: Callable[..., str]) -> None:
    """As people have them: without a tokenizer."""
    from transformers import ViTConfig, ViTForImageClassification

    shutil.rmtree(folder)
    small: dict[str, Any] = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    model = ViTForImageClassification(ViTConfig(intermediate_size=64, image_size=32, patch_size=16, **small))
    model.save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text("{}")
    said = refused("Model not supported")
    assert "vit model (ViTForImageClassification)" in said
    assert "language models" in said


def test_a_tokenizer_that_does_not_say_where_tokens_stand(folder: Path, refused: Callable[..., str]) -> None:
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps({"<unk>": 0, "a": 1, "b": 2}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CTRLTokenizer"}))
    said = refused("The model cannot be used")
    assert "which characters a token stands for" in said
    assert "tokenizer.json" in said


def test_no_tokenizer_at_all(folder: Path, refused: Callable[..., str]) -> None:
    for path in folder.glob("token*"):
        path.unlink()
    assert "has no tokenizer" in refused("The model cannot be used")


def test_a_checkpoint_that_lacks_layers(folder: Path, refused: Callable[..., str]) -> None:
    change_config(folder, num_hidden_layers=5)
    said = refused("The weights cannot be read")
    assert "lacks model.layers.3." in said
    assert "made-up weights would mean nothing" in said


def test_a_vocabulary_larger_than_the_embedding(folder: Path, refused: Callable[..., str]) -> None:
    weights = load_file(folder / "model.safetensors")
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    change_config(folder, vocab_size=100)
    said = refused("The text cannot be scanned")
    assert "the embedding has 100 rows" in said
    assert "do not belong together" in said


def test_a_pickle_that_would_run_a_program_is_not_read(
    folder: Path, refused: Callable[..., str], tmp_path: Path
) -> None:
    class Program:
        def __reduce__(self) -> tuple[Any, ...]:
            return os.system, (f"touch {tmp_path / 'it-ran'}",)

    (folder / "model.safetensors").unlink()
    weights = folder / "pytorch_model.bin"
    torch.save({"model.embed_tokens.weight": Program()}, weights)
    said = refused("The weights cannot be read")
    assert f"{os.system.__module__}.system, which is not a weight" in said
    assert "safetensors" in said
    weights.write_bytes(pickle.dumps({"model.embed_tokens.weight": Program()}))
    assert "not a pickle of weights alone" in refused("The weights cannot be read")
    assert not (tmp_path / "it-ran").exists()
    os.system(f"touch {tmp_path / 'it-ran'}")
    assert (tmp_path / "it-ran").exists()  # so it would have been seen


def test_weights_packed_by_what_is_not_read_here(folder: Path, refused: Callable[..., str]) -> None:
    change_config(folder, quantization_config={"quant_method": "gptq", "bits": 4, "group_size": 128})
    said = refused("Model not supported")
    assert "packed by gptq" in said
    assert "GGUF" in said


def test_a_layer_that_does_not_exist(folder: Path, refused: Callable[..., str]) -> None:
    said = refused("Invalid request", "--layers", "0-7", code=2)
    assert "the model has 3 layers" in said


def test_activations_that_overflow_in_half_precision_are_said_and_never_a_silent_zero(
    folder: Path, places: dict[str, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    weights = load_file(folder / "model.safetensors")
    for name in ("up", "gate"):
        weights[f"model.layers.1.mlp.{name}_proj.weight"] *= 1e3
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert main(["scan", str(folder), "--device", "cpu", "--dtype", "float16"]) == 0
    captured = capsys.readouterr()
    assert "Layer 1" in captured.err
    assert "NaN or infinite" in captured.err
    assert "Scan it in bfloat16 or float32." in captured.err
    run = Run.open(Path(captured.out.strip()))
    assert np.isfinite(run.column("auroc", "food")[:80]).all()
    assert np.isnan(run.column("auroc", "food")[80:]).all()
    assert main(["scan", str(folder), "--device", "cpu", "--dtype", "float32"]) == 0
    assert "NaN or infinite" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--text-size", "9"], "--text-size is 9.\nGive a number from 1 to 6."),
        (["--text-size", "nan"], "--text-size is nan.\nGive a number from 1 to 6."),
        (["--text-size", "2", "--text", "{text}"], "makes the default text longer, and --text names another."),
        (["--text-size", "2", "--config", "{config}"], "makes the default text longer, and the config has another."),
    ],
)
def test_only_the_default_text_is_made_longer(
    refused: Callable[..., str], tmp_path: Path, flags: list[str], message: str
) -> None:
    (tmp_path / "text.txt").write_text("A dog ate an apple.")
    (tmp_path / "config.yaml").write_text("texts: [A dog ate an apple.]")
    given = [flag.format(text=tmp_path / "text.txt", config=tmp_path / "config.yaml") for flag in flags]
    assert message in refused("Invalid request", *given, code=2)
