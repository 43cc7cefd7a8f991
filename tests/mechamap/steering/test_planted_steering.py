"""Planted neurons: what writes is found by steering it, and what only reads is not taken for it."""

from __future__ import annotations

import pytest
from support.planted_models import ARCHITECTURES
from support.planted_steering import assert_planted_writers_write


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_planted_writers_are_told_from_readers(architecture) -> None:
    assert_planted_writers_write(architecture, 7)
