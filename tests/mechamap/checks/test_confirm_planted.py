"""A few planted models, scanned and confirmed; tests/planted does it for many."""

from __future__ import annotations

from itertools import product

import pytest
from support.planted_findings import KINDS, assert_found, assert_nothing_else_found, checked
from support.planted_models import ARCHITECTURES

SEEDS = (0, 1, 2)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_planted_neuron_is_confirmed(architecture, seed):
    assert_found(checked(architecture, seed, "planted"))


@pytest.mark.parametrize("figure", ["p", "write_p"])
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_else_is(kind, figure):
    assert_nothing_else_found([checked(*its, kind) for its in product(ARCHITECTURES, SEEDS)], figure)
