from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.by_name import load_configured, load_model, scan_request
from support.tiny_encoders import save_tiny

from mechamap.catalog.source import resolve
from mechamap.config.schema import default_config
from mechamap.engine.kept_model import ModelCache
from mechamap.errors import UsageError
from mechamap.models.loaded import LoadedModel
from mechamap.models.proof import prove
from mechamap.scan.scan import scan

# Each loops over its blocks in its own way; hybrids, kinds of attention by layer, experts in some, the language model
# of a model of more than text.
ALONE = (
    "llama", "gpt2", "gpt_neo", "gpt_neox", "opt", "mpt", "falcon", "phi3", "gemma2", "gemma3_text", "qwen2_moe",
    "qwen3_moe", "mixtral", "olmoe", "deepseek_v3", "gpt_oss", "granitemoehybrid", "jamba", "nemotron_h",
    "recurrent_gemma", "qwen3_5",
)  # fmt: skip
# Blocks that share weights, run again and again, or are counted on by those below.
WHOLE = ("zamba", "zamba2", "hrm_text", "xlstm")
ENCODERS = {"bert": "AutoModelForMaskedLM", "modernbert": "AutoModelForMaskedLM"}
OTHERS_WHOLE = {"albert": "AutoModelForMaskedLM", "t5": "AutoModelForSeq2SeqLM"}


@pytest.fixture(scope="module")
def saved(tiny_models: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The folder of a tiny model of a type, causal or not."""

    @cache
    def folder(model_type: str) -> str:
        auto = (ENCODERS | OTHERS_WHOLE).get(model_type)
        if auto is None:
            return str(tiny_models(model_type))
        return str(save_tiny(tmp_path_factory.mktemp(model_type), model_type, auto))

    return folder


def activations(loaded: LoadedModel, below: int) -> dict[tuple[int, int], list[torch.Tensor]]:
    """What each part of the lower layers is given for a few tokens."""
    seen: dict[tuple[int, int], list[torch.Tensor]] = {}

    def watching(key: tuple[int, int]) -> Any:
        return lambda given: seen.setdefault(key, []).append(given.values.clone())

    with ExitStack() as hooks, torch.inference_mode():
        for layer in loaded.layers:
            if layer.layer < below:
                for number, part in enumerate(layer.parts):
                    hooks.callback(part.watch(watching((layer.layer, number))).remove)
        loaded.model(input_ids=torch.arange(1, 9)[None])
    return seen


@pytest.mark.parametrize("model_type", [*ALONE, *ENCODERS])
def test_lower_blocks_alone_have_the_weights_and_activations_of_the_whole_model(
    saved: Callable[[str], str], model_type: str
) -> None:
    folder = saved(model_type)
    whole, lower = load_model(folder, device="cpu"), load_model(folder, device="cpu", layers_wanted=2)
    assert [layer.path for layer in lower.layers] == [layer.path for layer in whole.layers if layer.layer < 2]
    assert (lower.n_layers, lower.parameters) == (whole.n_layers, whole.parameters)
    assert type(lower.model) is type(whole.model)
    weights, all_weights = lower.model.state_dict(), whole.model.state_dict()
    kept = [name for name in weights if "pooler" not in name]  # BERT's is in no checkpoint, and no neuron needs it
    assert all(torch.equal(weights[name], all_weights[name]) for name in kept)
    missing = {int(re.search(r"\.(\d+)\.", name)[1]) for name in set(all_weights) - set(weights)}
    assert missing == set(range(2, max(missing) + 1))
    seen, expected = activations(lower, 2), activations(whole, 2)
    assert seen.keys() == expected.keys() != set()
    for key, its in seen.items():
        assert all(torch.equal(one, other) for one, other in zip(its, expected[key], strict=True))
    assert {its.layer for its in prove(lower)} == {layer.layer for layer in lower.layers}


@pytest.mark.parametrize("model_type", [*WHOLE, *OTHERS_WHOLE])
def test_what_cannot_be_had_without_its_upper_blocks_is_loaded_whole(
    saved: Callable[[str], str], model_type: str
) -> None:
    folder = saved(model_type)
    whole, lower = load_model(folder, device="cpu"), load_model(folder, device="cpu", layers_wanted=1)
    assert lower.model.state_dict().keys() == whole.model.state_dict().keys()
    assert [layer.layer for layer in lower.layers] == [layer.layer for layer in whole.layers]
    assert lower.n_layers == whole.n_layers == whole.layers[-1].layer + 1


def test_all_layers_wanted_is_the_whole_model(tiny_models: Callable[..., Path]) -> None:
    loaded = load_model(str(tiny_models("llama")), device="cpu", layers_wanted=3)
    assert (len(loaded.layers), loaded.n_layers) == (3, 3)


def test_a_layer_the_model_does_not_have_is_said_before_weights_are_read(tiny_models: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="Layer 7 does not exist: the model has 3 layers"):
        load_model(str(tiny_models("llama")), device="cpu", layers_wanted=8)


def test_a_scan_of_lower_layers_gives_the_same_figures_without_the_upper_ones(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    folder = str(tiny_models("llama"))
    config = dataclasses.replace(default_config(), layers="0-1", device="cpu", texts=default_config().texts[:2])
    runs = [
        scan(scan_request(folder, config, tmp_path / name), loaded=load_configured(folder, config, whole=whole))
        for name, whole in (("whole", True), ("lower", False))
    ]
    assert [len(run.layers) for run in runs] == [2, 2]
    assert [run.record.model.layers for run in runs] == [3, 3]
    for name in ("auroc", "mean", "max", "write", "top_positions"):
        np.testing.assert_array_equal(runs[0].figure(name), runs[1].figure(name), err_msg=name)


def test_the_engine_keeps_lower_layers_for_requests_that_need_no_more(tiny_models: Callable[..., Path]) -> None:
    folder, kept = str(tiny_models("llama")), ModelCache()
    said: list[str] = []

    def get(layers: str, whole: bool) -> LoadedModel:
        config = dataclasses.replace(default_config(), layers=layers, device="cpu")
        return kept.get(resolve(folder), config, lambda stage, text: said.append(text), whole=whole)

    lower = get("0-1", False)
    assert len(lower.layers) == 2
    assert get("0", False) is lower
    whole = get("0", True)  # what a neuron causes needs the model's output
    assert len(whole.layers) == 3
    said.clear()
    assert get("0-1", False) is get("all", False) is whole
    assert not said
