"""Folders and files of models that are incomplete, unfinished, or something else."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.by_name import load_model, scan_request
from support.fake_hub import hub_serving
from support.gguf_files import write_gguf

from mechamap.catalog.source import resolve
from mechamap.cli.main import main
from mechamap.config.schema import default_config
from mechamap.errors import ModelError, ModelNotFound, TextError, WeightsError
from mechamap.models.loading import folder, gguf
from mechamap.models.neurons.not_finite import why_not_finite
from mechamap.models.proof import prove
from mechamap.scan.clock import Clock
from mechamap.scan.prepare import prepare
from mechamap.scan.scan import scan

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 12345\n"
PAGE = b"<!DOCTYPE html>\n<html><head><title>model.safetensors</title></head></html>\n"
SHARDS = ("model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors")


@pytest.fixture
def model(tiny_models: Callable[..., Path], tmp_path: Path) -> Path:
    """A folder of a tiny Llama that a test may change."""
    return Path(shutil.copytree(tiny_models("llama"), tmp_path / "model"))


def in_shards(model: Path) -> dict[str, str]:
    """Put the weights into two shards; which weight is in which."""
    weights = load_file(model / "model.safetensors")
    (model / "model.safetensors").unlink()
    names = sorted(weights)
    for file, part in zip(SHARDS, (names[::2], names[1::2]), strict=True):
        save_file({name: weights[name] for name in part}, model / file, metadata={"format": "pt"})
    index = {name: SHARDS[number % 2] for number, name in enumerate(names)}
    (model / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": index}))
    return index


def refused(model: Path) -> tuple[str, str]:
    """What is said of a folder's weights, and the hint."""
    with pytest.raises(WeightsError) as caught:
        folder.check_weight_files(model)
    return caught.value.message, str(caught.value.hint)


@pytest.mark.kind("shards_without_their_index")
def test_the_index_is_what_is_missing(model: Path) -> None:
    in_shards(model)
    folder.check_weight_files(model)
    (model / "model.safetensors.index.json").unlink()
    message, hint = refused(model)
    assert "has 2 of 2 shards of its weights, but no model.safetensors.index.json" in message
    assert hint.startswith("Download model.safetensors.index.json as well")
    (model / SHARDS[1]).unlink()
    message, hint = refused(model)
    assert "has 1 of 2 shards" in message
    assert hint.endswith("Shards are missing, too: 2.")


@pytest.mark.kind("shards_without_their_index")
def test_one_shard_alone_is_to_be_renamed(model: Path) -> None:
    (model / "model.safetensors").rename(model / "model-00001-of-00001.safetensors")
    assert refused(model)[1] == "Rename model-00001-of-00001.safetensors to model.safetensors."


@pytest.mark.kind("shards_without_their_index")
def test_a_model_of_the_hub_without_an_index_is_named(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_shards(model)
    (model / "model.safetensors.index.json").unlink()
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with hub_serving({"org/tiny": model}) as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(WeightsError, match="has shards of its weights, such as model-00001-of-00002"):
            load_model("org/tiny", device="cpu")


@pytest.mark.kind("shards_that_an_index_lists_are_missing")
def test_shards_that_are_missing_are_told_from_an_index_alone(model: Path) -> None:
    in_shards(model)
    (model / SHARDS[1]).unlink()
    assert refused(model) == (
        f"{model / SHARDS[1]} is missing: the index beside it lists it.", "Download the missing shard as well."
    )  # fmt: skip
    (model / SHARDS[0]).unlink()
    assert "has none of the 2 files that its index of weights lists." in refused(model)[0]
    (model / "model.safetensors.index.json").write_text('{"weight_map": {}}')
    assert "lists no weights" in refused(model)[0]


@pytest.mark.kind("unfinished_download")
@pytest.mark.parametrize(
    "part",
    [
        "model.safetensors.part",
        "model.safetensors.incomplete",
        "model.safetensors.crdownload",
        "model.safetensors.aria2",
        ".cache/huggingface/download/x.incomplete",
    ],
)
def test_a_download_that_has_not_finished_is_named(model: Path, part: str) -> None:
    (model / part).parent.mkdir(parents=True, exist_ok=True)
    (model / "model.safetensors").rename(model / part)
    message, hint = refused(model)
    assert "has no weights" in message
    assert hint.startswith(f"{Path(part).name} is of a download that has not finished")


@pytest.mark.kind("unfinished_download")
def test_a_part_in_the_hub_cache_and_one_that_is_given_as_the_model(model: Path, tmp_path: Path) -> None:
    snapshot = tmp_path / "models--a--b" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    (tmp_path / "models--a--b" / "blobs").mkdir()
    (tmp_path / "models--a--b" / "blobs" / "123.incomplete").write_bytes(b"\0")
    assert "123.incomplete is of a download that has not finished" in refused(snapshot)[1]
    (tmp_path / "model.gguf.part").write_bytes(b"GGUF")
    with pytest.raises(ModelNotFound) as caught:
        resolve(str(tmp_path / "model.gguf.part"))
    assert "has not finished" in str(caught.value.hint)
    (model / "model.safetensors").write_bytes(bytes(9000))
    assert "begins with nothing but zeros" in refused(model)[0]


@pytest.mark.kind("weights_of_another_program")
@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("tf_model.h5", "tf_model.h5 is for TensorFlow"),
        ("flax_model.msgpack", "is for Flax"),
        ("model.onnx", "is for ONNX"),
        ("consolidated.00.pth", "in its publisher's own format"),
        ("model.fp16.safetensors", "rename it to model.safetensors"),
        ("checkpoint-500/model.safetensors", "Did you mean"),
        ("model.Q4_0.gguf", "To use the GGUF file in it"),
    ],
)
def test_what_a_folder_has_instead_is_told(model: Path, name: str, hint: str) -> None:
    (model / name).parent.mkdir(exist_ok=True)
    (model / "model.safetensors").rename(model / name)
    message, advice = refused(model)
    assert message.startswith(f"{model} has no weights")
    assert hint in advice


@pytest.mark.kind("pointer_or_page_in_place_of_a_file")
@pytest.mark.parametrize(
    "name", ["model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json", "tokenizer.model"]
)
@pytest.mark.parametrize(
    ("data", "said", "hint"),
    [
        (LFS, "is only a Git LFS pointer", "git lfs pull"),
        (PAGE, "is a web page", "/resolve/"),
        (b"", "is empty", "Download it again."),
        (gzip.compress(b"{}", mtime=0), "is a file packed with gzip", "gzip -dc"),
    ],
    ids=["pointer", "page", "empty", "packed"],
)
def test_every_file_of_a_folder_is_looked_at(model: Path, name: str, data: bytes, said: str, hint: str) -> None:
    (model / name).write_bytes(data)
    with pytest.raises(ModelError) as caught:
        folder.read_config(model)
        folder.check_weight_files(model)
        folder.check_tokenizer_files(model)
    assert caught.value.message.startswith(f"{model / name} {said}")
    assert hint in str(caught.value.hint)


@pytest.mark.kind("pointer_or_page_in_place_of_a_file")
@pytest.mark.parametrize(
    ("data", "said"),
    [
        (LFS, "is only a Git LFS pointer"),
        (PAGE, "is a web page"),
        (b"tjgg\x03\0\0\0", "is in the GGML format of before"),
        (b"GGUF\0\0\0\x03", "is a GGUF file for big-endian machines"),
        (b"%PDF-1.7\n", "is a PDF, not a GGUF file"),
    ],
)
def test_a_gguf_file_that_is_none_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "model.gguf").write_bytes(data)
    with pytest.raises(WeightsError, match=re.escape(said)):
        gguf.check_file(tmp_path / "model.gguf")


@pytest.mark.kind("model_json_with_a_mark")
@pytest.mark.parametrize("name", ["config.json", "tokenizer_config.json"])
@pytest.mark.parametrize(("encoding", "said"), [("utf-8-sig", "UTF-8 with a byte order mark"), ("utf-16", "UTF-16")])
def test_json_that_transformers_cannot_read_is_named(model: Path, name: str, encoding: str, said: str) -> None:
    (model / name).write_text((model / name).read_text(encoding="utf-8"), encoding=encoding)
    with pytest.raises(ModelError, match=f"{name} is in {said}; transformers reads UTF-8 without one."):
        load_model(model)


@pytest.mark.kind("model_json_with_a_mark")
def test_json_that_is_none_is_named_by_its_place(model: Path) -> None:
    (model / "tokenizer_config.json").write_text('{"a": 1,}')
    with pytest.raises(ModelError, match=r"tokenizer_config\.json:1:\d+: the tokenizer's config is not JSON"):
        load_model(model)


def damaged(model: Path, value: float, name: str = "model.layers.1.mlp.up_proj.weight") -> Path:
    """The folder with one number of its weights changed."""
    weights = load_file(model / "model.safetensors")
    weights[name][0, 0] = value
    save_file(weights, model / "model.safetensors", metadata={"format": "pt"})
    return model


@pytest.mark.kind("nan_in_weights")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_a_layer_whose_weights_hold_nan_is_named_in_any_format(model: Path, tmp_path: Path, dtype: str) -> None:
    damaged(model, float("nan"))
    config = replace(default_config(), texts=("The dog ate an apple and a cat saw it.",), dtype=dtype)
    run = scan(scan_request(model, config, tmp_path / "run"))
    problem = next(problem for problem in run.record.problems if problem.startswith("Layer 1"))
    assert "The weights of layer 1 hold NaN: model.layers.1.mlp.up_proj.weight (1 NaN of 2,560)." in problem
    assert "Download it again" in problem
    assert "Scan it in" not in problem
    assert "weights not finite" in run.layers[1].flags
    assert run.layers[0].flags == ()


@pytest.mark.kind("nan_in_weights")
def test_where_no_layer_is_finite_the_weights_are_named(model: Path) -> None:
    loaded = load_model(damaged(model, float("nan"), "model.layers.0.self_attn.o_proj.weight"), device="cpu")
    with pytest.raises(ModelError, match=r"weights of layer 0 hold NaN: model\.layers\.0\.self_attn") as caught:
        prove(loaded)
    assert "dtype" not in str(caught.value.hint)


@pytest.mark.kind("nan_in_weights")
def test_infinity_in_half_precision_may_be_a_number_that_was_too_large(model: Path) -> None:
    damaged(model, 1e6)
    assert why_not_finite(load_model(model, device="cpu", dtype="bfloat16")).weights == ""
    why = why_not_finite(load_model(model, device="cpu", dtype="float16"))
    assert why.weights.startswith("The weights of layer 1 hold infinite numbers")
    assert why.dtypes == "bfloat16 or float32"
    damaged(model, float("inf"))
    assert why_not_finite(load_model(model, device="cpu", dtype="float32")).dtypes == ""


@pytest.mark.kind("activations_beyond_half_precision")
def test_what_overflows_is_told_from_weights_that_hold_nan(model: Path) -> None:
    loaded = load_model(model, device="cpu", dtype="float16")
    with torch.no_grad():
        loaded.model.get_submodule("model.layers.0.mlp.up_proj").weight.mul_(3e4)
        loaded.model.get_submodule("model.layers.0.mlp.gate_proj").weight.mul_(3e4)
    why = why_not_finite(loaded)
    assert (why.weights, why.remedy) == ("", "Scan it in bfloat16 or float32.")


@pytest.mark.kind("bos_behind_the_vocabulary")
def test_the_bos_of_a_gguf_file_is_the_token_that_it_names(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "m.gguf", pre_tokenizer="deepseek-llm", end="<｜begin▁of▁sentence｜>")
    config = replace(default_config(), texts=("The dog ate an apple and a cat saw it.",))
    inputs = prepare(scan_request(file, config), lambda event: None, None, None, Clock())
    assert int(inputs.tokenized.ids[0]) == 258
    assert int(inputs.tokenized.ids.max()) < inputs.loaded.vocabulary
    assert inputs.tokenized.exclusions.summary.split("; ")[1] == "<｜begin▁of▁sentence｜> in front of each window"


@pytest.mark.kind("bos_behind_the_vocabulary")
def test_a_special_token_that_a_vocabulary_lacks_is_named(tmp_path: Path) -> None:
    file = write_gguf(tmp_path / "m.gguf", pre_tokenizer="deepseek-llm", bos=9999)
    with pytest.raises(ModelError, match=r"names a special token that its vocabulary lacks: bos_token_id 9,999"):
        load_model(file, device="cpu")


@pytest.mark.kind("token_added_without_weights")
def test_a_token_that_was_added_to_the_tokenizer_alone_is_named(model: Path, tmp_path: Path) -> None:
    loaded = load_model(model, device="cpu")
    loaded.tokenizer.add_tokens(["[NEW]"])
    config = replace(default_config(), texts=("The dog ate [NEW] bread.",))
    with pytest.raises(TextError, match=r"gives token \d+, .*\[NEW\].*; the embedding has") as caught:
        scan(scan_request(model, config, tmp_path / "run"), loaded=loaded)
    assert "take it out of the text" in str(caught.value.hint)


@pytest.mark.kind("nan_in_weights")
def test_doctor_names_the_weights_and_advises_no_other_format(model: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", str(damaged(model, float("nan"))), "--dtype", "float16", "--device", "cpu"]) == 0
    told = capsys.readouterr().out
    assert (
        "2 layers not proved (layers 1-2): activations are NaN or infinite in float16. The weights are damaged." in told
    )
    assert "The weights of layer 1 hold NaN: model.layers.1.mlp.up_proj.weight (1 NaN of 2,560)." in told
    assert "Load it with" not in told
