"""Published neurons in their own models: they are found again. Needs the hub: ``make literature``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.literature.__main__ import GPT2_SMALL, PYTHIA_70M, PYTHIA_160M
from benchmarks.literature.compound_words import compound_results
from benchmarks.literature.languages import language_results
from benchmarks.literature.published_neurons import published_neurons
from benchmarks.literature.universal import agreements, weight_figures
from mechamap.errors import ModelNotFound


@pytest.fixture(autouse=True)
def hub() -> None:
    from mechamap.catalog.source import resolve
    from mechamap.models.loading.load import load_model
    from mechamap.models.loading.load_settings import LoadSettings

    try:
        load_model(resolve(PYTHIA_70M), LoadSettings(device="cpu"))
    except ModelNotFound as error:
        pytest.skip(f"THE PUBLISHED MODELS ARE NOT HERE, so nothing is compared: {error}")


def test_the_weights_of_gpt2_small_are_the_published_ones_to_all_digits() -> None:
    from transformers import AutoModelForCausalLM

    published = published_neurons("universal")
    model = AutoModelForCausalLM.from_pretrained(GPT2_SMALL[0])
    for each in agreements(published, weight_figures(model, published)):
        assert each.largest_difference < 2e-3, each


def test_compound_words_are_read_by_the_published_neurons(tmp_path: Path) -> None:
    results = list(compound_results(PYTHIA_160M, published_neurons("compound_words"), tmp_path / "run"))
    assert np.median([result.separation.auroc for result in results]) > 0.95


def test_languages_are_told_by_the_published_neurons(tmp_path: Path) -> None:
    results = list(language_results(PYTHIA_70M, published_neurons("languages"), tmp_path / "run"))
    assert np.median([result.separation.auroc for result in results]) > 0.95
