"""Many planted models, steered: every writer is found, no reader is, and null neurons are hardly ever.

``make planted`` runs it (minutes).
"""

from __future__ import annotations

import pytest
from scipy.stats import binom
from support.planted_models import ARCHITECTURES
from support.planted_steering import assert_planted_writers_write, null_ladders

SEEDS = range(2000, 2020)

pytestmark = [pytest.mark.planted, pytest.mark.timeout(3600)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_planted_writer_raises_its_category_and_its_controls_do_not(architecture, seed) -> None:
    assert_planted_writers_write(architecture, seed)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_neurons_that_nothing_was_planted_into_are_found_in_one_of_twenty_at_most(architecture) -> None:
    ladders = [ladder for seed in range(2000, 2005) for ladder in null_ladders(architecture, seed, 60)]
    found = sum(ladder.outcome in ("writes", "lowers") for ladder in ladders)
    assert found <= binom.ppf(0.999, len(ladders), 0.05), f"{found} of {len(ladders)}"
