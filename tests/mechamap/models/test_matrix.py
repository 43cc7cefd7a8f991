"""The table of architectures in the docs is up to date, and what examines them would notice what is wrong."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from support.architecture_checks import check_figures, check_nothing_is_left_out, check_proof
from support.architecture_matrix import causal_types, examine, scanned
from support.by_name import load_model
from support.tiny_models import save, tiny_model

from scripts.write_architecture_docs import FILE, row

SPREAD = (
    "gpt2",  # weights the other way round
    "llama",  # gated
    "opt",  # two linear layers right in the block
    "falcon",  # MLP and attention side by side
    "bert",  # the stream is normalized after each block
    "gemma2",  # the MLP's output is normalized
    "gemma3",  # a language model inside of a larger one
    "qwen2_moe",  # dense, shared and routed
    "gpt_oss",  # experts with biases, weights the other way round
    "jamba",  # Mamba and attention, dense and routed
    "nemotron_h",  # blocks without an MLP
    "recurrent_gemma",  # recurrent blocks
    "xlnet",  # the text's length comes first
    "mamba",  # no neurons
)


def table() -> dict[str, str]:
    """Each type's line."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {line.split(" | ")[0].removeprefix("| "): line for line in lines if re.match(r"\| \S+ \| \w+ \|", line)}


def test_the_table_has_every_type_that_is_registered_now():
    pinned = re.search(r"^transformers==(\S+)$", (FILE.parent.parent / "constraints.txt").read_text("utf-8"), re.M)[1]
    assert f"transformers {pinned} registers" in FILE.read_text("utf-8"), "run: make docs"
    if transformers.__version__ != pinned:
        pytest.skip(f"the table is about transformers {pinned}")
    assert [name for name in table() if name not in ("type", "---")] == list(causal_types()), "run: make docs"
    assert f"transformers {transformers.__version__} registers, {len(causal_types())} in all" in FILE.read_text("utf-8")


@pytest.mark.parametrize("model_type", SPREAD)
def test_a_type_is_as_the_table_says(model_type: str, tmp_path: Path):
    assert row(examine(model_type, tmp_path)) == table()[model_type]


def test_neurons_that_are_left_out_are_noticed(tmp_path: Path):
    loaded = load_model(str(save(tiny_model("qwen2_moe"), tmp_path / "model")), device="cpu")
    check_nothing_is_left_out(loaded)
    for kept, missed in ((slice(1, None), r"shared_expert\.down_proj"), (slice(-1), r"mlp\.experts")):
        without = tuple(replace(layer, parts=layer.parts[kept] or layer.parts) for layer in loaded.layers)
        with pytest.raises(AssertionError, match=f"{missed}.* left out"):
            check_nothing_is_left_out(replace(loaded, layers=without))


@pytest.mark.parametrize("model_type", ["llama", "mixtral"])
def test_figures_of_other_neurons_are_noticed(model_type: str, tmp_path: Path):
    reference = tiny_model(model_type).eval()
    loaded = load_model(str(save(reference, tmp_path / "model")), device="cpu")
    run = scanned(loaded, tmp_path / "run")
    check_proof(run, loaded)
    check_figures(run, loaded, reference)
    with torch.no_grad():
        reference.model.norm.weight.mul_(2)  # behind all neurons
        check_figures(run, loaded, reference)
        reference.model.layers[-1].post_attention_layernorm.weight.neg_()  # before those of the last layer
    with pytest.raises(AssertionError, match="off by"):
        check_figures(run, loaded, reference)
