"""The model that the engine keeps: what is lent stays, unless memory ran out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mechamap.catalog.source import resolve
from mechamap.config.schema import config_from_dict
from mechamap.engine.kept_model import ModelCache
from mechamap.errors import OutOfMemory, RunError
from mechamap.events import Stage


def test_a_model_that_was_lent_is_kept_unless_memory_ran_out(tiny_models: Callable[..., Path]) -> None:
    cache, source = ModelCache(), resolve(str(tiny_models("gpt2")))
    config = config_from_dict({"device": "cpu"})
    stages: list[Stage] = []

    def hear(stage: Stage, detail: str) -> None:
        stages.append(stage)

    with cache.lent(source, config, hear) as first:
        pass
    assert stages[0] is Stage.RESOLVE and Stage.LOAD in stages
    stages.clear()
    with pytest.raises(RunError), cache.lent(source, config, hear) as second:
        raise RunError("something else went wrong")
    assert second is first and not stages
    with pytest.raises(OutOfMemory), cache.lent(source, config, hear):
        raise OutOfMemory("there is too little")
    with cache.lent(source, config, hear) as third:
        assert third is not first and stages[0] is Stage.RESOLVE
