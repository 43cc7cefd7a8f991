"""Whole models against twins whose neurons are permuted and rescaled: every match is found (``make planted``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.by_name import load_model, scan_request
from support.permuted_models import save_twin
from support.tiny_models import save_tiny_model

from mechamap.catalog.source import demo_folder
from mechamap.compare.closest.matching import closest_neurons
from mechamap.compare.closest.settings import MatchSettings
from mechamap.compare.words.activations import ModelWords, aligned
from mechamap.compare.words.word_pass import read_words
from mechamap.config.schema import default_config, with_overrides
from mechamap.scan.scan import scan

pytestmark = [pytest.mark.planted, pytest.mark.timeout(3600)]

EVERY = 4  # of the text's words, one in so many


def words_of(folder: Path, out: Path) -> ModelWords:
    loaded = load_model(str(folder), dtype="float32", device="cpu")
    config = with_overrides(default_config(), keep_activations="never")
    return read_words(scan(scan_request(str(folder), config, out), loaded=loaded), loaded)


def assert_every_match_is_found(folder: Path, tmp_path: Path, seed: int = 1) -> float:
    """Of every neuron that varies at all; the answer is the share of those that were turned."""
    order = save_twin(folder, tmp_path / f"twin{seed}", seed)
    twin, model = words_of(tmp_path / f"twin{seed}", tmp_path / f"b{seed}"), words_of(folder, tmp_path / f"a{seed}")
    a, b = aligned(twin, model)
    a, b = (its.at(its.numbers[::EVERY]) for its in (a, b))
    assert a.shape[1] > 200
    matches = closest_neurons(a, b, MatchSettings(both=True))
    image: np.ndarray[Any, Any] = (order + np.arange(len(order))[:, None] * order.shape[1]).ravel()
    there = matches.best >= 0
    silent = np.ptp(a.block(slice(None)), axis=1) == 0
    assert not (~there & ~silent).any() and there.mean() > 0.5
    # Neurons of ReLU that fire at one and the same word only are the same neuron as far as these words can tell.
    once = (a.block(slice(None)) != 0).sum(axis=1) == 1
    there &= ~once
    wrong = np.flatnonzero(there & (matches.best != image))
    assert not len(wrong), [str(a.run.neuron_name(int(row))) for row in wrong[:10]]
    assert matches.mutual[there].all()
    assert (np.abs(matches.correlation[there]) > 0.9999).all()
    assert (matches.excess[there] > 0).all() and (matches.excess_b[image[there]] > 0).all()
    return float((matches.correlation[there] < 0).mean())


def test_of_the_real_model(smollm2_path: Path, tmp_path: Path) -> None:
    """46,080 gated neurons, half of them turned."""
    assert 0.45 < assert_every_match_is_found(smollm2_path, tmp_path) < 0.55


def test_of_the_bundled_model(tmp_path: Path) -> None:
    assert assert_every_match_is_found(demo_folder(), tmp_path) == 0


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("model_type", ["llama", "opt", "gpt2"])
def test_of_random_models(tmp_path: Path, model_type: str, seed: int) -> None:
    folder = save_tiny_model(tmp_path / "model", model_type, seed=seed)
    assert_every_match_is_found(folder, tmp_path, seed + 1)
