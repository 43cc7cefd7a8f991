"""The bundled model is small, loads from its folder alone, writes readable text and knows the categories."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections import Counter
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from support.repository import ROOT

from mechamap.catalog.source import demo_folder

SCRIPTS = ROOT / "scripts"


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module


check = script("check_demo")


@pytest.fixture
def generate(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return importlib.import_module("demo_corpus.generate")


@pytest.fixture(scope="module")
def demo() -> tuple[Any, Any]:
    model, tokenizer = check.load(demo_folder())
    return model, tokenizer


def test_the_folder_fits_in_eight_megabytes() -> None:
    assert sum(file.stat().st_size for file in demo_folder().iterdir() if file.is_file()) <= 8_000_000


def test_it_is_a_gpt2_of_one_to_three_million_parameters_in_float32(demo: tuple[Any, Any]) -> None:
    model, _ = demo
    assert model.config.model_type == "gpt2"
    assert model.dtype == torch.float32
    assert 1_000_000 <= model.num_parameters() <= 3_000_000


def test_its_tokens_point_into_the_text_and_join_back_to_it(demo: tuple[Any, Any]) -> None:
    _, tokenizer = demo
    text = "A turquoise gondola — 7,421 miles from Zürich!"
    encoded = tokenizer(text, return_offsets_mapping=True)
    assert tokenizer.is_fast
    assert tokenizer.decode(encoded["input_ids"]) == text
    assert encoded["offset_mapping"][0][0] == 0
    assert encoded["offset_mapping"][-1][1] == len(text)


def test_it_has_a_beginning_token_and_does_not_put_it_in_front_by_itself(demo: tuple[Any, Any]) -> None:
    model, tokenizer = demo
    assert tokenizer.bos_token == tokenizer.eos_token == "<|endoftext|>"
    assert tokenizer.bos_token_id == model.config.bos_token_id
    assert tokenizer.bos_token_id not in tokenizer("The dog")["input_ids"]


# A sum ends with its answer; the other prompts have to go on for a while.
@pytest.mark.parametrize("prompt", [prompt for prompt in check.PROMPTS if "plus" not in prompt])
def test_greedy_text_is_made_of_words_and_does_not_loop(demo: tuple[Any, Any], prompt: str) -> None:
    words = re.findall(r"[A-Za-z']+|\d+", check.greedy(*demo, prompt))
    assert len(words) >= len(prompt.split()) + 5
    runs = Counter(zip(words, words[1:], words[2:], words[3:], strict=False))
    assert max(runs.values()) <= 2
    spelled = [word for word in words if not re.search(r"[aeiouyAEIOUY\d]", word) and word not in {"Mr", "Mrs"}]
    assert spelled == []


def test_it_knows_facts_it_was_taught(demo: tuple[Any, Any]) -> None:
    assert "Paris" in check.greedy(*demo, "The capital of France is", 4)
    assert "Japanese" in check.greedy(*demo, "In Japan, most people speak", 4)


def test_each_category_has_a_neuron_that_knows_words_which_did_not_choose_it(demo: tuple[Any, Any]) -> None:
    found = check.confirm(*demo, check.category_words(), check.FRESH_CARRIERS, check.FRESH_SEED)
    held_out = {name: float(np.mean([split.held_out_auroc for split in splits])) for name, splits in found.items()}
    assert len(held_out) == 8
    assert {name: value for name, value in held_out.items() if value < check.GOAL} == {}


def test_words_that_mean_nothing_together_have_no_such_neuron(demo: tuple[Any, Any]) -> None:
    words = [word for words in check.category_words().values() for word in words]
    np.random.default_rng(0).shuffle(words)
    found = check.confirm(*demo, {str(i): words[i::8] for i in range(8)})
    for splits in found.values():
        assert np.mean([split.held_out_auroc for split in splits]) < 0.75


def test_auroc_counts_pairs_won() -> None:
    values = np.array([[0.1, 4.0], [0.2, 3.0], [0.3, 2.0], [0.4, 1.0]], dtype=np.float32)
    labels = np.array([[False, True, False, True]])
    np.testing.assert_allclose(check.auroc(values, labels), [[0.75, 0.25]])


def test_auroc_of_a_dead_neuron_is_a_half_whatever_the_order_of_the_samples() -> None:
    labels = np.array([[True, False, False], [False, False, True]])
    np.testing.assert_array_equal(check.auroc(np.zeros((3, 1), dtype=np.float32), labels), [[0.5], [0.5]])


def test_the_training_text_is_the_same_for_the_same_seed(generate: ModuleType) -> None:
    assert list(generate.documents(50, 3)) == list(generate.documents(50, 3))
    assert list(generate.documents(50, 3)) != list(generate.documents(50, 4))


def test_the_training_text_knows_every_word_of_the_default_categories(generate: ModuleType) -> None:
    known = generate.CATEGORY_WORDS
    missing = {name: set(words) - set(known[name]) for name, words in check.category_words().items()}
    assert {name: words for name, words in missing.items() if words} == {}
    assert min(len(known[name]) for name in missing) >= 40


def test_no_carrier_of_the_check_is_a_sentence_of_the_training_text(generate: ModuleType) -> None:
    taught = {line.split("{")[0] for line in generate.t.CARRIERS}
    carriers = (*check.CARRIERS, *check.FRESH_CARRIERS)
    assert not [carrier for carrier in carriers if carrier.split("{")[0] in taught]
