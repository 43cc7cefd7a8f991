"""A model against its twin, whose neurons are permuted and rescaled: every neuron's match is the neuron it was."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.by_name import load_model, scan_request
from support.permuted_models import save_twin

from mechamap.compare.closest.matching import closest_neurons
from mechamap.compare.closest.settings import MatchSettings
from mechamap.compare.closest.unit_rows import ArrayRows
from mechamap.compare.words.activations import ModelWords, aligned, kept_words
from mechamap.compare.words.word_pass import read_words
from mechamap.config.schema import config_from_dict, default_config
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

CONFIG = {
    "texts": list(default_config().texts[:2]),
    "categories": {"animal": ["dog", "horse"], "date": ["Tuesday", "March"]},
    "window": 60,
}


def scanned(folder: Path, out: Path) -> Run:
    return scan(scan_request(str(folder), config_from_dict(CONFIG, "test"), out))


def expected(twin: ModelWords, order: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The row of the model's that each of the twin's rows is."""
    width = order.shape[1]
    return (order + np.arange(len(order))[:, None] * width).ravel()


def alive(words: ModelWords) -> np.ndarray[Any, Any]:
    return np.ptp(words.block(slice(None)), axis=1) > 0


@pytest.mark.parametrize(("model_type", "scaled"), [("llama", True), ("opt", True), ("gpt2", False)])
def test_every_neuron_of_a_permuted_and_rescaled_model_is_matched_with_itself(
    tiny_models: Callable[..., Path], tmp_path: Path, model_type: str, scaled: bool
) -> None:
    folder = tiny_models(model_type)
    order = save_twin(folder, tmp_path / "twin")
    model, twin = scanned(folder, tmp_path / "a"), scanned(tmp_path / "twin", tmp_path / "b")
    a, b = aligned(kept_words(twin), kept_words(model))
    assert a.shape[1] > 150
    matches = closest_neurons(a, b)
    there, image = alive(a), expected(a, order)
    assert there.mean() > 0.5
    np.testing.assert_array_equal(matches.best[there], image[there])
    np.testing.assert_allclose(np.abs(matches.correlation[there]), 1, atol=1e-5)
    assert matches.mutual[there].all()
    assert (matches.best[~there] == -1).all() and np.isnan(matches.correlation[~there]).all()
    assert (matches.excess[there] > 0).all()
    turned = (matches.correlation < 0).mean()
    assert 0.3 < turned < 0.7 if model_type == "llama" else turned == 0
    sizes = np.ptp(a.block(slice(None)), axis=1)[there] / np.ptp(b.block(image[there]), axis=1)
    assert (np.ptp(sizes) > 1) == scaled


def test_activations_of_other_sizes_and_signs_are_matched_in_a_model_whose_own_cannot_be_rescaled(
    tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    folder = tiny_models("gpt2")
    loaded = load_model(str(folder))
    words = read_words(scanned(folder, tmp_path / "a"), loaded)
    rng = np.random.default_rng(0)
    order = rng.permutation(len(words.values))
    sizes = rng.choice([-1, 1], len(order)) * np.exp(rng.normal(0, 2, len(order)))
    twin = ArrayRows((words.values[order] * sizes[:, None]).astype(np.float32))
    matches = closest_neurons(twin, words)
    np.testing.assert_array_equal(matches.best, order)
    np.testing.assert_array_equal(matches.best_b, np.argsort(order))
    np.testing.assert_array_equal(np.sign(matches.correlation), np.sign(sizes))


def test_by_signed_correlation_a_neuron_that_was_turned_is_not_its_own_match() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(40, 60)).astype(np.float32)
    signs = np.where(np.arange(40) % 2, 1, -1)
    a, b = ArrayRows((values * signs[:, None]).astype(np.float32)), ArrayRows(values)
    signed = closest_neurons(a, b, MatchSettings(signed=True))
    np.testing.assert_array_equal(signed.best == np.arange(40), signs > 0)
    assert (signed.correlation > 0).all()
    np.testing.assert_array_equal(closest_neurons(a, b).best, np.arange(40))
