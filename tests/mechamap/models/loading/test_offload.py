from __future__ import annotations

import dataclasses
import gc
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from support.by_name import load_model, scan_request
from transformers import AutoModelForCausalLM

from mechamap.capture import batches
from mechamap.checks.causes.attribution import estimate_causes
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import MissingExtra, UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

TEXT = "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train."
ANIMALS = Category("animal", ("cat", "dog", "horse"))

# Of each type one block, and what all blocks lead to, are on disk.
MAPS = {
    "llama": {"": "cpu", "model.layers.1": "disk", "model.norm": "disk", "lm_head": "disk"},
    "gpt2": {"": "cpu", "transformer.h.1": "disk", "transformer.h.2.mlp.c_proj": "disk"},
    "mixtral": {"": "disk", "model.embed_tokens": "cpu"},
    "gpt_neox": {"": "disk", "gpt_neox.layers.0": "cpu"},
}


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary files go, empty at first."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def left(folder: Path) -> list[str]:
    gc.collect()
    return [path.name for path in folder.iterdir() if path.name.startswith("mechamap")]


def scanned(loaded: LoadedModel, out: Path) -> Run:
    config = dataclasses.replace(default_config(), categories=(ANIMALS,), texts=(TEXT,), window=16)
    return scan(scan_request(loaded.id, config, out), loaded=loaded)


@pytest.mark.parametrize("model_type", MAPS)
def test_a_model_partly_on_disk_is_proved_and_scanned_like_one_in_memory(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model_type: str
) -> None:
    monkeypatch.setitem(batches.BATCH_TOKENS, "cpu", 20)  # several batches that take turns in every layer
    folder = tiny_models(model_type)
    here = load_model(str(folder), device="cpu")
    away = load_model(str(folder), device_map=MAPS[model_type])
    assert "meta" in {its.device.type for its in away.model.parameters()}
    assert (away.device, away.dtype, away.parameters) == (here.device, here.dtype, here.parameters)
    for its, same in zip(prove(away), prove(here), strict=True):
        assert its == same
    run, expected = scanned(away, tmp_path / "away"), scanned(here, tmp_path / "here")
    assert len(run.record.tokens.windows) > 1
    for name in expected.record.figures:
        if not name.startswith("cause"):
            np.testing.assert_array_equal(run.figure(name), expected.figure(name), err_msg=name)
    assert "meta" in {its.device.type for its in away.model.parameters()}


def test_what_neurons_cause_is_estimated_through_weights_on_disk(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    columns = []
    for name, where in (("away", {"device_map": MAPS["llama"]}), ("here", {"device": "cpu"})):
        loaded = load_model(str(tiny_models("llama")), **where)
        run = estimate_causes(scanned(loaded, tmp_path / name), loaded, lambda event: None, None)
        columns.append(run.column("cause", "animal"))
    assert np.isfinite(columns[0]).all()
    np.testing.assert_allclose(*columns, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("word", ["auto", "balanced", "sequential"])
def test_accelerate_places_a_model_by_itself(tiny_models: Callable[..., Path], word: str) -> None:
    loaded = load_model(str(tiny_models("llama")), device_map=word, dtype="bfloat16")
    assert loaded.dtype == torch.bfloat16
    assert len(prove(loaded)) == 3


def test_weights_that_are_written_anew_are_gone_with_the_model(
    tiny_models: Callable[..., Path], tmp_path: Path, temporary: Path
) -> None:
    folder = tmp_path / "model"
    model = AutoModelForCausalLM.from_pretrained(tiny_models("llama"))
    model.config.save_pretrained(folder)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")  # only safetensors can be read where they are
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).write_bytes((tiny_models("llama") / name).read_bytes())
    loaded = load_model(str(folder), device_map=MAPS["llama"])
    written = [path for name in left(temporary) for path in (temporary / name).iterdir()]
    assert any("layers.1.mlp.down_proj" in path.name for path in written)
    assert len(prove(loaded)) == 3
    del loaded
    assert not left(temporary)


def test_a_model_that_does_not_load_leaves_nothing_behind(
    tiny_models: Callable[..., Path], tmp_path: Path, temporary: Path
) -> None:
    folder = str(tiny_models("llama"))
    for wrong, said in (
        ({"": "cpu", "model.layer.1": "disk"}, "model.layer.1"),
        ({"model.layers": "cpu"}, r"assigns no device to model.embed_tokens.weight"),
        ({"": "disk"}, "whole model on disk"),
        ({"": f"cuda:{torch.cuda.device_count()}"}, "no device cuda"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            load_model(folder, device_map=wrong)
        assert caught.value.hint
    with pytest.raises(UsageError, match="cannot be spread that way"):
        load_model(folder, device_map=MAPS["llama"], quantize="nf4")
    assert not left(temporary)


def test_a_path_that_is_not_in_the_model_is_answered_with_those_that_are_near(
    tiny_models: Callable[..., Path],
) -> None:
    with pytest.raises(UsageError) as caught:
        load_model(str(tiny_models("llama")), device_map={"": "cpu", "model.layers.1.mlp.downproj": "disk"})
    assert "model.layers.1.mlp.down_proj" in caught.value.hint


def test_a_map_and_a_device_exclude_each_other(tiny_models: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="exclude each other"):
        load_model(str(tiny_models("llama")), device_map="auto", device="cpu")
    with pytest.raises(UsageError, match="everywhere"):
        load_model(str(tiny_models("llama")), device_map="everywhere")


def test_without_accelerate_the_error_names_the_extra(
    tiny_models: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtra, match="accelerate") as caught:
        load_model(str(tiny_models("llama")), device_map="auto")
    assert "mechamap[device-map]" in caught.value.hint
