"""Tiny random models, and runs of them over a short text."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support.by_name import load_configured, scan_request
from support.scanned_models import CONFIG, Scanned

from mechamap.config.schema import config_from_dict
from mechamap.scan.scan import scan


@pytest.fixture(scope="session")
def scanned(tiny_models: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Scanned]:
    """``scanned("gpt2", window=40)``: a tiny model of that type, scanned with these settings; each is made once."""

    @cache
    def make(model_type: str, **changes: Any) -> Scanned:
        config = config_from_dict({**CONFIG, **changes}, "test")
        folder = tiny_models(model_type)
        run = scan(scan_request(folder, config, tmp_path_factory.mktemp("runs") / "run"))
        return Scanned(run, load_configured(folder, config))

    return make
