"""A scan that does not fit is told so, with changes that really make it fit."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.by_name import plan_scan, shortfall
from support.huge_configs import LLAMA_70B, config_only

from mechamap.config.schema import default_config, with_overrides
from mechamap.plan import places
from mechamap.plan.memory_need import PROCESS
from mechamap.plan.scan_plan import ScanPlan

GB = 1_000_000_000


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int | None], None]]:
    """Sets how many bytes are free on this machine, beside what this process has."""

    def has(amount: int | None) -> None:
        monkeypatch.setattr(places, "free_memory", lambda: amount)
        monkeypatch.setattr(places, "_own_memory", lambda: 0)

    yield has


@pytest.fixture
def llama(tmp_path: Path) -> str:
    """The folder of a config of some 3.2 billion parameters in float32: 13 GB."""
    small = {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 48, "vocab_size": 32000}
    heads = {"num_attention_heads": 32, "num_key_value_heads": 8, "torch_dtype": "float32"}
    return str(config_only(tmp_path, {**LLAMA_70B, **small, **heads}))


def plan_of(folder: str, **changes: Any) -> ScanPlan:
    return plan_scan(folder, with_overrides(default_config(), **{"device": "cpu", **changes}))


def test_a_scan_fits_up_to_the_last_byte(llama: str, free: Callable[[int | None], None]) -> None:
    free(500 * GB)
    needed = plan_of(llama).memory[0].needed
    free(needed)
    assert plan_of(llama).fits and not plan_of(llama).would_fit
    free(needed - 1)
    assert plan_of(llama).lacking == ("cpu",)
    free(None)  # nobody knows, so nobody says that it does not
    assert plan_of(llama).fits


@pytest.mark.parametrize("memory", [2.2, 4, 6, 9, 13])
def test_whatever_is_offered_makes_it_fit(llama: str, free: Callable[[int | None], None], memory: float) -> None:
    free(round(memory * GB))
    plan = plan_of(llama)
    assert not plan.fits and plan.would_fit
    for option in plan.would_fit:
        if option.changes:
            found = plan_of(llama, **{"device": "auto"} | option.changes)
            assert found.fits and found.memory[0].needed == option.needed, option


def test_the_most_layers_that_fit_are_offered(llama: str, free: Callable[[int | None], None]) -> None:
    free(4 * GB)
    layers = next(option for option in plan_of(llama).would_fit if option.flags.startswith("--layers"))
    last = int(layers.changes["layers"].partition("-")[2])
    assert 1 < last < 47
    assert not plan_of(llama, layers=f"0-{last + 1}").fits


def test_what_changes_the_scan_least_stands_first_and_what_does_not_help_is_not_offered(
    llama: str, free: Callable[[int | None], None]
) -> None:
    free(9 * GB)
    kinds = [option.flags.split()[0] for option in plan_of(llama).would_fit]
    assert kinds == ["--dtype", "--device-map", "--quantize", "--layers"]
    assert "--dtype" not in [option.flags.split()[0] for option in plan_of(llama, dtype="float16", window=8).would_fit]
    free(1 * GB)  # not even a block of it
    assert [option.flags for option in plan_of(llama).would_fit if "device" not in option.flags] == []


def test_fewer_layers_are_offered_in_a_smaller_format_where_that_alone_does_not_fit(
    llama: str, free: Callable[[int | None], None]
) -> None:
    free(round(1.45 * GB))
    flags = [option.flags for option in plan_of(llama).would_fit]
    assert "--dtype bfloat16" not in flags
    assert any(flag.startswith("--dtype bfloat16 --layers 0") for flag in flags)


def test_a_shorter_text_is_offered_where_the_text_is_what_takes_the_memory(
    free: Callable[[int | None], None],
) -> None:
    text = " ".join(["The dog ate an apple in Paris on Monday."] * 20_000)
    free(PROCESS + GB)
    plan = plan_of("demo", texts=[text])
    assert not plan.fits
    (words,) = (option.words for option in plan.would_fit if not option.flags)
    tokens = int(words.removeprefix("a text of at most ").removesuffix(" tokens").replace(",", ""))
    share = tokens / plan.scan.text.positions
    assert 0.05 < share < 1
    assert plan_of("demo", texts=[text[: int(len(text) * share * 0.98)]]).fits
    assert not plan_of("demo", texts=[text[: int(len(text) * min(share * 1.2, 1))]]).fits


def test_a_spread_model_needs_its_activations_and_a_block(llama: str, free: Callable[[int | None], None]) -> None:
    free(3 * GB)
    whole, spread = plan_of(llama), plan_of(llama, device="auto", device_map="auto")
    assert spread.fits and not whole.fits
    assert spread.memory[0].weights == max(spread.scan.weights.blocks)


def test_a_run_that_the_disk_has_no_room_for_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    import shutil
    from types import SimpleNamespace

    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
    plan = plan_of("demo")
    assert plan.lacking == ("disk",) and not plan.would_fit


# --- before a scan begins ------------------------------------------------------------------------------------------


def test_what_will_not_fit_is_known_without_reading_the_text(llama: str, free: Callable[[int | None], None]) -> None:
    config = with_overrides(default_config(), device="cpu")
    free(500 * GB)
    assert shortfall(llama, config) is None
    free(9 * GB)
    found, plan = shortfall(llama, config), plan_of(llama)
    assert found is not None and found.free == 9 * GB
    assert found.needed == plan.memory[0].needed
    assert [option.flags for option in found.would_fit] == [option.flags for option in plan.would_fit]
    assert shortfall(llama, replace(config, dtype="bfloat16")) is None


def test_what_is_wrong_with_a_model_is_left_to_the_scan(
    free: Callable[[int | None], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    free(1)
    assert shortfall("no/such-model", default_config()) is None
    (tmp_path / "config.json").write_text("{")
    assert shortfall(str(tmp_path), default_config()) is None


def test_layers_that_are_not_wanted_are_not_counted_unless_a_check_needs_them(
    llama: str, free: Callable[[int | None], None]
) -> None:
    config = with_overrides(default_config(), device="cpu", layers="0-3")
    free(4 * GB)
    assert shortfall(llama, config) is None
    assert shortfall(llama, config, whole=True) is not None


def test_the_plan_as_json_holds_what_the_plan_says(llama: str, free: Callable[[int | None], None]) -> None:
    from mechamap.plan.message import plan_message
    from mechamap.protocol.messages import plain

    free(9 * GB)
    plan = plan_of(llama, layers="0-40")
    told = json.loads(json.dumps(plain(plan_message(plan)), allow_nan=False))
    assert told["parameters"] == plan.scan.shape.parameters
    assert told["layers"] == 48 and told["layers_scanned"] == list(range(41))
    assert told["neurons_scanned"] == 41 * 8192 and told["neurons"] == 48 * 8192
    assert told["memory"][0]["needed"] == plan.memory[0].needed and not told["memory"][0]["fits"]
    assert told["weights"]["loaded"] < told["weights"]["whole"]
    assert told["run"]["total"] == plan.run.total
    assert plan.seconds is not None and told["seconds"]["total"] == pytest.approx(plan.seconds.total)
    assert not told["fits"] and told["would_fit"][0]["flags"] == "--dtype bfloat16"
