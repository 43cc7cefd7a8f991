from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.hub_cache import put_in_cache

from mechamap.catalog.hub_cache import cached_models, hub_cache


def test_cached_models_are_listed_newest_first(cache: Path) -> None:
    put_in_cache(cache, "org/old", age=100)
    put_in_cache(cache, "org/new", age=1, architecture="LlamaForCausalLM")
    put_in_cache(cache, "gpt2", age=50)
    assert cached_models() == ["org/new", "gpt2", "org/old"]


def test_cached_models_leave_out_what_cannot_be_scanned(cache: Path) -> None:
    put_in_cache(cache, "org/bert", age=1, architecture="BertForMaskedLM")
    put_in_cache(cache, "org/config-only", age=1, weights=False)
    broken = put_in_cache(cache, "org/broken", age=1)
    (broken / "config.json").write_text("{")
    (cache / "datasets--org--texts").mkdir()
    dangling = put_in_cache(cache, "org/dangling", age=1, weights=False)
    (dangling / "model.safetensors").symlink_to(cache / "gone")
    assert cached_models() == []


def test_no_cache_is_an_empty_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nowhere"))
    assert cached_models() == []


def test_the_cache_is_where_the_hub_library_puts_it(tmp_path: Path) -> None:
    for variable in ("HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME", None):
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("HF_", "HUGGINGFACE_", "XDG_CACHE"))
        }
        if variable:
            environment[variable] = str(tmp_path / variable)
        program = (
            "from huggingface_hub.constants import HF_HUB_CACHE; from mechamap.catalog.hub_cache import hub_cache;"
            "print(HF_HUB_CACHE); print(hub_cache())"
        )
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        theirs, ours = done.stdout.split()
        assert ours == theirs


def test_the_hub_cache_follows_home_when_nothing_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable, raising=False)
    assert hub_cache() == Path.home() / ".cache" / "huggingface" / "hub"
