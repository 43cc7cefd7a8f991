from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.by_name import load_model

from mechamap.models.loaded import LoadedModel


@pytest.fixture(scope="module")
def load(tiny_models: Callable[..., Path]) -> Callable[..., LoadedModel]:
    """``load("gpt2")`` is a tiny GPT-2 in memory, read once; whoever changes one makes a copy first."""

    @cache
    def loaded(model_type: str, dtype: str = "float32", **changes: Any) -> LoadedModel:
        return load_model(str(tiny_models(model_type, **changes)), device="cpu", dtype=dtype)

    return loaded
