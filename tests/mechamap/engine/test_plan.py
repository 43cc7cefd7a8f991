"""The engine's ``plan``: what a scan would take, answered without doing it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.corpus_text import documents, write_corpus

from mechamap.config.schema import default_config
from mechamap.engine.calls import Request
from mechamap.engine.kept import Kept
from mechamap.engine.methods import METHODS
from mechamap.errors import Cancelled, ModelNotFound, UsageError
from mechamap.protocol.messages import plain
from mechamap.protocol.rpc import RpcFault


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def ask(kept: Kept | None = None, **params: Any) -> dict[str, Any]:
    call = Request(1, "plan", params, lambda method, told: None, kept or Kept())
    answer: dict[str, Any] = plain(METHODS.queued["plan"](call))
    return answer


def test_a_plan_follows_model_settings_and_config_file(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    folder = str(tiny_models("llama"))
    whole = ask(model=folder, config={"device": "cpu"})
    assert (whole["neurons_scanned"], whole["fits"], whole["architecture"]) == (240, True, "llama")
    assert ask(model=folder, config={"device": "cpu", "layers": "0-1"})["neurons_scanned"] == 160
    file = tmp_path / "few.yaml"
    file.write_text("limit_neurons: 7\ndevice: cpu\n")
    assert ask(model=folder, config_file=str(file))["neurons_scanned"] == 21
    assert ask(model=folder, config_file=str(file), config=None)["text"]["counted"]


def test_a_config_with_a_corpus_is_planned_over_it_and_cancelled_while_it_is_looked_at(tmp_path: Path) -> None:
    corpus = write_corpus(tmp_path / "texts.jsonl", documents())
    file = tmp_path / "corpus.yaml"
    file.write_text(f"corpus: [{corpus}]\ndevice: cpu\n")
    answer = ask(model="demo", config_file=str(file))
    assert (answer["corpus"]["documents"], answer["corpus"]["shards"]) == (24, 1)
    assert answer["memory"][0]["statistics"] > 0 and answer["seconds"]["statistics"] > 0
    call = Request(1, "plan", {"model": "demo", "config_file": str(file)}, lambda method, told: None, Kept())
    call.cancel.set()
    with pytest.raises(Cancelled):
        METHODS.queued["plan"](call)


def test_planning_loads_no_model_and_makes_no_run(tiny_models: Callable[..., Path], home: Path) -> None:
    kept = Kept()
    ask(kept, model=str(tiny_models("gpt2")), config={"device": "cpu"})
    assert kept.model._loaded is None
    assert not home.exists()


def test_a_process_that_has_its_libraries_is_not_planned_to_load_them_again() -> None:
    from support.by_name import plan_scan

    fresh = plan_scan("demo", default_config()).seconds
    assert fresh is not None
    assert ask(model="demo")["seconds"]["load"] < fresh.load


def test_what_cannot_be_planned_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RpcFault, match="needs model"):
        ask()
    with pytest.raises(RpcFault, match="config is an object"):
        ask(model="demo", config=["layers"])
    with pytest.raises(UsageError, match="Layer 9"):
        ask(model="demo", config={"layers": "9"})
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelNotFound, match="not in the local cache"):
        ask(model="some/model", fetch=False)


def test_a_cancelled_plan_stops() -> None:
    call = Request(1, "plan", {"model": "demo"}, lambda method, told: None)
    call.cancel.set()
    with pytest.raises(Cancelled):
        METHODS.queued["plan"](call)
