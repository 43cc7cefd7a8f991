"""Many planted models, scanned and confirmed: all that was planted is found, and nothing else more often than p says.

``make planted`` runs it (minutes). The models of a seed are made once for all tests: the planted one, the same under
shuffled labels, and a bare one with nothing planted.
"""

from __future__ import annotations

from itertools import product

import pytest
from support.planted_findings import (
    KINDS,
    Checked,
    Kind,
    assert_found,
    assert_nothing_else_found,
    assert_p_is_uniform,
    checked,
)
from support.planted_models import ARCHITECTURES

SEEDS = range(1000, 1040)

pytestmark = [pytest.mark.planted, pytest.mark.timeout(3600)]


def models(kind: Kind) -> list[Checked]:
    return [checked(*its, kind) for its in product(ARCHITECTURES, SEEDS)]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_planted_neuron_is_confirmed(architecture, seed):
    assert_found(checked(architecture, seed, "planted"))


@pytest.mark.parametrize("figure", ["p", "write_p"])
@pytest.mark.parametrize("kind", KINDS)
def test_anything_else_is_found_no_more_often_than_p_says(kind, figure):
    assert_nothing_else_found(models(kind), figure)


@pytest.mark.parametrize("figure", ["p", "write_p"])
@pytest.mark.parametrize("kind", ("shuffled", "bare"))
def test_where_nothing_is_to_be_found_p_is_uniform(kind, figure):
    assert_p_is_uniform(models(kind), figure)
