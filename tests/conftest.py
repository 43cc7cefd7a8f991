"""What all tests may use: a real model, and tiny random ones of any architecture."""

from __future__ import annotations

from pathlib import Path

import pytest
from smollm2 import CannotFetch, smollm2_folder


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The folder of SmolLM2-135M-Instruct in float32: 30 layers of 1,536 gated neurons."""
    try:
        return smollm2_folder()
    except CannotFetch as error:
        pytest.skip(f"THE REAL MODEL IS NOT HERE, so nothing is tested on it: {error}")
