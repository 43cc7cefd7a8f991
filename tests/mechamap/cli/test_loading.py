"""The flags that say how a model is loaded, through ``mechamap doctor``, which loads one and proves it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from support.packed_models import WIDE

from mechamap.catalog.source import resolve
from mechamap.cli.loading import add_loading_flags, load, loading_changes, model_kept
from mechamap.cli.main import main
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Parser
from mechamap.models.loading.load_settings import LoadSettings


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder of the test's own."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))


PATH = "model.layers.{layer}.mlp.down_proj"


def changes(*words: str) -> dict[str, object]:
    parser = Parser(prog="mechamap test")
    add_loading_flags(parser)
    return loading_changes(parser.parse_args(words))


def test_only_what_is_given_changes_a_config() -> None:
    assert changes() == {}
    assert changes("--dtype", "bfloat16", "--revision", "v1", "--quantize", "nf4", "--trust-remote-code") == {
        "dtype": "bfloat16",
        "revision": "v1",
        "quantize": "nf4",
        "trust_remote_code": True,
    }
    assert changes("--neurons", PATH, "--neurons", "a.{layer}.b") == {"neurons": [PATH, "a.{layer}.b"]}


def test_a_device_takes_the_place_of_a_map_in_the_file_and_the_other_way_round() -> None:
    assert changes("--device", "cpu") == {"device": "cpu", "device_map": None}
    assert changes("--device-map", "auto") == {"device_map": "auto", "device": "auto"}
    assert changes("--device", "cpu", "--device-map", "auto") == {"device": "cpu", "device_map": "auto"}


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--neurons", "model.layers.3.mlp"], "Write {layer} in place of 3."),
        (["--device-map", "automatic"], 'Did you mean "auto"?'),
        (["--quantize", "int3"], "int8, nf4 or null"),
        (["--device", "cpu", "--device-map", "auto"], "given together with device cpu, expected one of the two"),
    ],
)
@pytest.mark.parametrize("command", ["doctor", "scan"])
def test_a_flag_that_makes_no_sense_is_wrong_usage(
    tiny_models: Callable[..., Path], capsys: pytest.CaptureFixture[str], command: str, flags: list[str], said: str
) -> None:
    assert main([command, str(tiny_models("llama")), *flags]) == 2
    captured = capsys.readouterr()
    assert "error: Invalid request" in captured.err
    assert said in captured.err


def test_a_model_is_spread_packed_and_told_where_its_neurons_are(
    tiny_models: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    model = str(tiny_models("llama", **WIDE))
    flags = ["--device-map", "auto", "--quantize", "nf4", "--neurons", PATH]
    assert main(["doctor", model, *flags]) == 0
    told = capsys.readouterr().out
    assert "149,824 parameters" in told
    assert "model.layers.2.mlp.down_proj" in told


def test_a_place_of_neurons_that_is_not_there(
    tiny_models: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor", str(tiny_models("llama")), "--neurons", "model.layers.{layer}.mlp.downproj"]) == 1
    said = capsys.readouterr().err
    assert "found nothing there" in said
    assert "mlp.down_proj" in said


def test_a_model_is_kept_from_one_command_to_the_next_until_another_is_loaded(
    tiny_models: Callable[..., Path],
) -> None:
    one, other = (resolve(str(tiny_models("gpt2", n_layer=layers))) for layers in (1, 2))
    settings, narration = LoadSettings(device="cpu"), Narration(io.StringIO())
    with model_kept():
        first = load(one, settings, narration)
        assert load(one, settings, narration) is first
        assert load(one, replace(settings, dtype="bfloat16"), narration) is not first
        load(other, settings, narration)
        assert load(one, settings, narration) is not first
    assert load(one, settings, narration) is not load(one, settings, narration)
