"""Weights and how a config asks for them to be run: parts of models, other files, attention that is not everywhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.by_name import find_files, load_model, plan_scan, scan_request, shortfall
from support.gguf_files import write_gguf, write_other

from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import ModelError

CONFIG = with_overrides(default_config(), device="cpu", texts=["The cat sat on the mat and ate an apple. "], layers="0")
EVERYTHING = ("token_embd", "output", "blk.")


def refused_everywhere(file: Path, words: str) -> None:
    """By what loads it, what plans it, and what the form asks."""
    for attempt in (load_model, lambda name: plan_scan(name, CONFIG), lambda name: find_files(name, CONFIG)):
        with pytest.raises(ModelError, match=words):
            attempt(file)
    assert shortfall(file, CONFIG) is None, "the scan itself reports it"


@pytest.mark.kind("gguf_without_weights")
def test_a_gguf_file_without_weights_is_refused_by_its_header(tmp_path: Path) -> None:
    refused_everywhere(write_gguf(tmp_path / "vocab-only.gguf", blocks=32, without=EVERYTHING), "lists no tensor")


@pytest.mark.kind("gguf_of_a_split_model")
@pytest.mark.parametrize("without", [(), EVERYTHING])
def test_a_file_of_a_split_model_is_refused(tmp_path: Path, without: tuple[str, ...]) -> None:
    keys = {"split.no": 0, "split.count": 2, "split.tensors.count": 99}
    file = write_gguf(tmp_path / "model-00001-of-00002.gguf", blocks=8, keys=keys, without=without)
    refused_everywhere(file, "file 1 of 2 of a split model")


@pytest.mark.kind("gguf_that_is_no_model")
@pytest.mark.parametrize(
    ("architecture", "kind", "words"),
    [
        ("llama", "adapter", "a LoRA adapter"),
        ("clip", "", "without the language model"),
        ("", "imatrix", "an importance matrix"),
        ("controlvector", "", "a control vector"),
    ],
)
def test_a_gguf_file_that_is_no_model_is_named(tmp_path: Path, architecture: str, kind: str, words: str) -> None:
    refused_everywhere(write_other(tmp_path / "other.gguf", architecture, kind, "a.weight"), words)


@pytest.mark.kind("gguf_with_missing_blocks")
def test_a_gguf_file_with_missing_blocks_is_refused(tmp_path: Path) -> None:
    refused_everywhere(write_gguf(tmp_path / "half.gguf", blocks=6), "lacks the weights of blocks 2-5")


def naming(folder: Path, **values: Any) -> Path:
    """A model folder whose config.json says more."""
    config = json.loads((folder / "config.json").read_text())
    for key, value in values.items():
        if isinstance(config.get(key), dict):
            config[key] |= value
        else:
            config[key] = value
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.kind("attention_in_config")
@pytest.mark.parametrize("key", ["_attn_implementation", "attn_implementation"])
@pytest.mark.parametrize("name", ["flash_attention_2", "flash_attention_3", "flex_attention", "kernels-community/fa"])
def test_attention_that_a_config_names_is_not_needed(tiny_model: Callable[..., Path], key: str, name: str) -> None:
    plain = load_model(tiny_model("llama"), device="cpu")
    loaded = load_model(naming(tiny_model("llama"), **{key: name}), device="cpu")
    assert loaded.attention == f"attention by sdpa, in place of {name} in its config"
    assert plain.attention == ""
    ids = torch.tensor([[1, 2, 3, 4]])
    assert torch.equal(loaded.model(input_ids=ids).logits, plain.model(input_ids=ids).logits)


@pytest.mark.kind("attention_in_config")
def test_a_model_without_sdpa_is_read_with_eager_attention_and_the_run_says_so(
    tiny_model: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from mechamap.cli.main import main
    from mechamap.runs.run import Run
    from mechamap.scan.scan import scan
    from mechamap_tui.dialogs.run_info import info_lines

    folder = naming(tiny_model("mpt"), _attn_implementation="flash_attention_2")
    assert plan_scan(folder, CONFIG).scan.shape.eager_attention
    scan(scan_request(folder, CONFIG, tmp_path / "run"))
    said = "attention by eager, in place of flash_attention_2 in its config"
    run = Run.open(tmp_path / "run")
    assert run.record.model.attention == said
    assert run.record.problems == ()
    assert ("text", f"  {said}") in list(info_lines(run))
    assert main(["runs", "show", str(run.path)]) == 0
    assert "by eager, in place of flash_attention_2" in capsys.readouterr().out


@pytest.mark.kind("attention_in_a_nested_config")
@pytest.mark.parametrize(
    "values",
    [
        {"text_config": {"_attn_implementation": "flash_attention_2"}},
        {"attn_implementation": {"text_config": "flash_attention_2"}},
        {"attn_implementation": "flash_attention_2"},
    ],
)
def test_attention_of_a_nested_config_is_not_needed(tiny_model: Callable[..., Path], values: dict[str, Any]) -> None:
    loaded = load_model(naming(tiny_model("gemma3"), **values), device="cpu")
    assert loaded.attention == "attention by sdpa, in place of flash_attention_2 in its config"


@pytest.mark.kind("eager_attention_in_config")
def test_eager_attention_stays(tiny_model: Callable[..., Path]) -> None:
    loaded = load_model(naming(tiny_model("llama"), attn_implementation="eager"), device="cpu")
    assert (loaded.model.config._attn_implementation, loaded.attention) == ("eager", "")


@pytest.fixture
def tiny_model(tiny_models: Callable[..., Path], tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a tiny model to change, each time another one."""
    import shutil

    def copy(model_type: str) -> Path:
        number = len(list(tmp_path.glob("model*")))
        return Path(shutil.copytree(tiny_models(model_type), tmp_path / f"model{number}"))

    return copy
