"""How well a model knows the words of the categories: which are predicted where, and their log probabilities."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from support.by_name import load_model, scan_request

from mechamap.capture.batches import window_batches
from mechamap.capture.rerun import text_of_run
from mechamap.checks.causes.target_words import WordTargets, log_probabilities, logits_at, tokens_at, word_targets
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import UnsupportedModel
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

CATEGORIES = (
    Category("animal", ("cat", "dog", "horse", "orange")),
    Category("food", ("apple", "orange")),
    Category("place", ("Paris", "New York")),
    Category("nothing", ("xylophone",)),
)
TEXTS = ("Cat and dog sat on the mat and ate an apple.", "An orange horse went to New York, not to Paris, by train.")


@pytest.fixture(scope="module")
def loaded(tiny_models: Callable[..., Path]) -> LoadedModel:
    return load_model(str(tiny_models("gpt2")), device="cpu")


def run_of(loaded: LoadedModel, folder: Path, **changes: Any) -> Run:
    config = replace(default_config(), categories=CATEGORIES, texts=TEXTS, **changes)
    return scan(scan_request(loaded.id, config, folder), loaded=loaded)


# --- where words are predicted ------------------------------------------------------------------------------


def spelled(run: Run, targets: WordTargets, loaded: LoadedModel) -> list[tuple[str, tuple[str, ...]]]:
    """Each target's token and categories."""
    ids = run.record.tokens.ids
    return [
        (loaded.tokenizer.decode([ids[position]]), tuple(np.array(run.categories)[its].tolist()))
        for position, its in zip(targets.positions.tolist(), targets.members, strict=True)
    ]


def test_every_word_is_predicted_at_its_first_token(loaded: LoadedModel, tmp_path: Path) -> None:
    run = run_of(loaded, tmp_path / "run")
    targets = word_targets(run)
    found = spelled(run, targets, loaded)
    assert [categories for _, categories in found] == [
        *(("animal",), ("animal",), ("food",)),
        *(("animal", "food"), ("animal",), ("place",), ("place",)),
    ]
    words = ("Cat", "dog", "apple", "orange", "horse", "New York", "Paris")
    assert all(word.startswith(token.strip() or "-") for word, (token, _) in zip(words, found, strict=True))
    assert targets.occurrences.tolist() == [4, 2, 2, 0]
    assert targets.positions.tolist() == sorted(targets.positions.tolist())


def test_a_word_with_nothing_before_it_is_not_predicted(loaded: LoadedModel, tmp_path: Path) -> None:
    run = run_of(loaded, tmp_path / "run", add_bos=False, exclude_first_position=False)
    targets = word_targets(run)
    assert sum(first == 0 for _, _, first, _ in run.record.occurrences) == 1  # the Cat
    assert 0 not in targets.positions
    assert targets.occurrences.tolist() == [3, 2, 2, 0]


def test_means_and_errors_are_those_of_each_category() -> None:
    members = np.array([[True, False, False], [True, True, False], [True, False, False], [False, False, False]])
    targets = WordTargets(np.array([3, 5, 8, 9]), members)
    values = np.random.default_rng(0).normal(size=(6, 4))
    means, errors = targets.means(values)
    np.testing.assert_allclose(means[:, 0], values[:, :3].mean(axis=1))
    np.testing.assert_allclose(errors[:, 0], stats.sem(values[:, :3], axis=1))
    np.testing.assert_allclose(means[:, 1], values[:, 1])
    assert np.isnan(errors[:, 1:]).all()
    assert np.isnan(means[:, 2]).all()
    same, no_error = targets.means(np.full(4, -1.5))
    assert (same[0], no_error[0]) == (-1.5, 0)


# --- what is known there ------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_log_probabilities_are_those_of_the_softmax(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    logits = (20 * torch.randn(1, 9, 50)).to(dtype)
    ids = torch.randint(50, (9,))
    found = log_probabilities(logits, ids)
    assert found.dtype == torch.float32
    expected = torch.log_softmax(logits[0].double(), dim=-1)[torch.arange(9), ids]
    torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("model_type", ["gpt2", "llama", "gptj", "gemma2", "bloom", "falcon", "opt", "mpt", "cohere"])
def test_logits_at_some_positions_are_those_of_a_plain_forward(
    tiny_models: Callable[..., Path], model_type: str
) -> None:
    loaded = load_model(str(tiny_models(model_type)), device="cpu")
    model: Any = loaded.model
    ids = torch.tensor([loaded.tokenizer.encode("The dog ate an apple in Paris.")] * 2)
    ids[1] = ids[1].flip(0)
    length = ids.shape[1]
    rows = torch.tensor([2, 0, length + 3, length - 1])
    with torch.inference_mode():
        plain = model(input_ids=ids).logits.reshape(2 * length, -1)
        with logits_at(loaded, rows):
            some = model(input_ids=ids).logits
        again = model(input_ids=ids).logits.reshape(2 * length, -1)
    assert some.shape == (1, 4, plain.shape[1])
    torch.testing.assert_close(some[0], plain[rows], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(again, plain)
    words = torch.tensor([5, 9, 200, 3])
    expected = torch.log_softmax(plain[rows], dim=-1)[torch.arange(4), words]
    torch.testing.assert_close(log_probabilities(some, words), expected, rtol=1e-4, atol=1e-4)


def test_a_model_without_an_output_embedding_is_refused(loaded: LoadedModel) -> None:
    model: Any = deepcopy(loaded.model)
    model.lm_head = None
    with (
        pytest.raises(UnsupportedModel, match="no output embedding"),
        logits_at(replace(loaded, model=model), torch.tensor([0])),
    ):
        pass


def test_tokens_are_found_by_their_position_in_the_text(loaded: LoadedModel, tmp_path: Path) -> None:
    run = run_of(loaded, tmp_path / "run")
    text = text_of_run(run)
    (batch,) = window_batches(text, text.scored, 4096, loaded.device)
    assert (batch.positions < 0).any()  # there is padding
    positions = np.array([1, len(text.ids) - 1, 7, len(text.ids) // 2])
    assert tokens_at(batch, positions).tolist() == text.ids[positions].tolist()
