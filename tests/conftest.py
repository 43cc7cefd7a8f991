"""What all tests may use: real models, and tiny random ones of any architecture."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from support.minilm import minilm_folder
from support.smollm2 import smollm2_folder
from support.tiny_models import save_tiny_model
from support.wheels import CannotFetch

# In continuous integration the same commit always gets the same examples; at a desk new ones are looked for.
hypothesis.settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    hypothesis.settings.load_profile("ci")


@pytest.fixture(scope="session")
def smollm2_path() -> Path:
    """The folder of SmolLM2-135M-Instruct in float32: 30 layers of 1,536 gated neurons."""
    try:
        return smollm2_folder()
    except CannotFetch as error:
        pytest.skip(f"THE REAL MODEL IS NOT HERE, so nothing is tested on it: {error}")


@pytest.fixture(scope="session")
def minilm_path() -> Path:
    """The folder of all-MiniLM-L6-v2, an encoder: 6 layers of 1,536 neurons."""
    try:
        return minilm_folder()
    except CannotFetch as error:
        pytest.skip(f"THE REAL ENCODER IS NOT HERE, so nothing is tested on it: {error}")


@pytest.fixture(scope="session")
def tiny_models(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """``tiny_models("gpt2")`` is the folder of a tiny random GPT-2; each type and change is built once."""

    @cache
    def folder(model_type: str, **changes: Any) -> Path:
        return save_tiny_model(tmp_path_factory.mktemp(model_type), model_type, **changes)

    return folder
