"""Adapters: beside a model's weights, alone, and merged into them."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save
from support.adapters import save_lora, save_prompt
from support.by_name import load_model, plan_scan, scan_request

from mechamap.catalog.source import resolve
from mechamap.cli.main import main
from mechamap.config.schema import default_config, load_config, with_overrides
from mechamap.errors import MissingExtra, ModelError, ModelNotFound, UnsupportedModel, UsageError, WeightsError
from mechamap.models.proof import prove
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.scan.sweep_jobs import load_sweep, sweep_jobs

TEXT = "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train."
CONFIG = with_overrides(default_config(), device="cpu", texts=[TEXT], second_text="never")


@pytest.fixture(scope="module")
def folders(tiny_models: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A model, an adapter of it, both merged by PEFT, and both in one folder."""
    there = tmp_path_factory.mktemp("adapters")
    base = Path(shutil.copytree(tiny_models("llama"), there / "base"))
    lora = save_lora(base, there / "lora", merged=there / "merged")
    beside = Path(shutil.copytree(base, there / "beside"))
    shutil.copytree(lora, beside, dirs_exist_ok=True)
    return {"base": base, "lora": lora, "merged": there / "merged", "beside": beside}


def weights(folder: Path, adapter: Path | None = None) -> dict[str, torch.Tensor]:
    loaded = load_model(folder, device="cpu", adapter=None if adapter is None else str(adapter))
    assert all(proof.finite for proof in prove(loaded))
    return dict(loaded.model.state_dict())


def alike(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.allclose(one[name], other[name], atol=1e-6) for name in one)


@pytest.mark.kind("adapter_beside_the_model")
def test_an_adapter_beside_the_weights_is_left_alone_and_the_run_says_so(
    folders: dict[str, Path], tmp_path: Path
) -> None:
    import peft  # installed here, so transformers alone would apply it

    assert peft.__version__
    assert alike(weights(folders["beside"]), weights(folders["base"]))
    scan(scan_request(folders["beside"], CONFIG, tmp_path / "run"))
    record = Run.open(tmp_path / "run").record
    said = f"An adapter (LORA) of {folders['base']} lies beside the weights and was not applied"
    assert said in record.problems[0]
    assert record.model.adapter == ""
    assert not load_model(folders["base"], device="cpu").notes


@pytest.mark.kind("adapter_beside_the_model")
def test_an_adapter_beside_the_weights_is_merged_when_asked_for(folders: dict[str, Path]) -> None:
    assert alike(weights(folders["beside"], folders["beside"]), weights(folders["merged"]))
    loaded = load_model(folders["beside"], device="cpu", adapter=str(folders["beside"]))
    assert (loaded.notes, loaded.label) == ((), "beside+adapter")


@pytest.mark.kind("adapter_alone")
def test_a_folder_with_an_adapter_alone_names_its_base_model(folders: dict[str, Path]) -> None:
    with pytest.raises(ModelNotFound) as caught:
        resolve(str(folders["lora"]))
    assert f"holds an adapter (LORA) of {folders['base']} and no whole model" in caught.value.message
    assert f"its base model, {folders['base']}, with --adapter {folders['lora']}" in str(caught.value.hint)


@pytest.mark.kind("adapter_alone")
def test_a_repository_with_an_adapter_alone_says_so() -> None:
    from mechamap.models.loading.hub import _no_config_hint

    assert "It is an adapter" in str(_no_config_hint(["adapter_config.json", "adapter_model.safetensors"]))


@pytest.mark.kind("adapter_with_a_config")
def test_an_adapter_with_a_config_is_no_model_either(folders: dict[str, Path], tmp_path: Path) -> None:
    folder = Path(shutil.copytree(folders["lora"], tmp_path / "lora"))
    shutil.copy(folders["base"] / "config.json", folder)
    with pytest.raises(WeightsError, match="no weights of a whole model") as caught:
        load_model(folder, device="cpu")
    assert str(folders["base"]) in str(caught.value.hint)


@pytest.mark.kind("adapter_to_merge")
def test_a_merged_adapter_is_scanned_confirmed_and_compared(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--device", "cpu", "--no-second-text", "--text", str(tmp_path / "text.txt")]
    (tmp_path / "text.txt").write_text(TEXT)
    for name, more in (("base", []), ("merged", []), ("tuned", ["--adapter", str(folders["lora"])])):
        model = folders["base" if name == "tuned" else name]
        assert main(["scan", str(model), *flags, *more, "--out", str(tmp_path / name)]) == 0
    assert f"with the adapter {folders['lora']}, merged into the weights" in capsys.readouterr().err
    base, merged, tuned = (Run.open(tmp_path / name) for name in ("base", "merged", "tuned"))
    assert np.allclose(tuned.column("max"), merged.column("max"), atol=1e-5)
    assert not np.allclose(tuned.column("max"), base.column("max"), atol=1e-2)
    assert tuned.record.model.label == "base+lora"
    assert tuned.record.model.adapter == tuned.config.adapter == str(folders["lora"])

    assert main(["compare", str(base.path), str(tuned.path)]) == 0
    assert "adapter  none  lora" in capsys.readouterr().out
    for run in (merged, tuned):
        assert main(["lens", str(run.path), "--neuron", "L0.N0", "--json"]) == 0
    one, other = (json.loads(line)[0]["promoted"] for line in capsys.readouterr().out.splitlines())
    assert [token for token, _ in one] == [token for token, _ in other]
    moved = Path(shutil.move(folders["lora"], tmp_path / "moved"))
    try:
        assert main(["lens", str(tuned.path), "--neuron", "L0.N0"]) != 0
        assert main(["lens", str(tuned.path), "--neuron", "L0.N0", "--adapter", str(moved)]) == 0
        assert main(["lens", str(base.path), "--neuron", "L0.N0", "--adapter", str(moved)]) != 0
    finally:
        shutil.move(moved, folders["lora"])


@pytest.mark.kind("adapter_to_merge")
def test_an_adapter_in_a_config_lies_relative_to_the_file(folders: dict[str, Path]) -> None:
    file = folders["base"].parent / "config.yaml"
    file.write_text("adapter: lora\n")
    assert load_config(file).adapter == str(folders["lora"])
    file.write_text("models: [base, {model: base, adapter: lora}]\n")
    assert [job.label for job in sweep_jobs(load_sweep(file))] == ["base", "base-lora"]


@pytest.mark.kind("adapter_to_merge")
def test_all_blocks_are_read_for_an_adapter(folders: dict[str, Path], tmp_path: Path) -> None:
    config = with_overrides(CONFIG, adapter=str(folders["lora"]), layers="0")
    assert plan_scan(folders["base"], config).scan.loaded == plan_scan(folders["base"], CONFIG).scan.loaded
    scan(scan_request(folders["base"], config, tmp_path / "lowest"))
    assert Run.open(tmp_path / "lowest").neurons == 80


@pytest.mark.kind("adapter_of_another_model")
def test_an_adapter_of_another_model_is_refused(
    folders: dict[str, Path], tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    others = (tiny_models("gpt2"), tiny_models("llama", hidden_size=64), tiny_models("llama", num_hidden_layers=2))
    for other in others:
        with pytest.raises(UnsupportedModel) as caught:
            load_model(other, device="cpu", adapter=str(folders["lora"]))
        assert f"(it was trained on {folders['base']})" in caught.value.message


@pytest.mark.kind("adapter_that_changes_no_weights")
def test_an_adapter_that_changes_no_weights_is_refused(folders: dict[str, Path], tmp_path: Path) -> None:
    save_prompt(folders["base"], tmp_path)
    with pytest.raises(UnsupportedModel, match="PROMPT_TUNING"):
        load_model(folders["base"], device="cpu", adapter=str(tmp_path))


@pytest.mark.kind("adapter_that_is_broken")
def test_an_adapter_that_is_broken_is_blamed_itself(folders: dict[str, Path], tmp_path: Path) -> None:
    def broken(name: str, content: bytes) -> str:
        folder = Path(shutil.copytree(folders["lora"], tmp_path / name))
        (folder / "adapter_model.safetensors").write_bytes(content)
        return str(folder)

    weights = load_file(folders["lora"] / "adapter_model.safetensors")
    whole = save({name: torch.full_like(weight, float("nan")) for name, weight in weights.items()})
    for name, content, words in (
        ("nan", whole, "holds NaN or infinity"),
        ("pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "Git LFS pointer"),
        ("short", whole[:400], "cannot be read"),
    ):
        adapter = broken(name, content)
        with pytest.raises(WeightsError, match=words) as caught:
            load_model(folders["base"], device="cpu", adapter=adapter)
        assert adapter in caught.value.message


@pytest.mark.kind("adapter_that_is_broken")
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("[" * 100_000, "does not fit this model"),
        ("[]", "does not fit this model"),
        ({"peft_type": "X" * 10_000}, "does not fit this model"),
        ({"r": 10**9}, "names the rank 1000000000, and none of its weights is as large"),
        ({"rank_pattern": {"down_proj": 10**9}}, "names the rank 1000000000"),
        ({"megatron_config": {"a": 1}, "megatron_core": "antigravity"}, "a module is imported that its config names"),
    ],
    ids=str,
)
def test_an_adapter_whose_config_is_hostile_is_refused(
    folders: dict[str, Path], tmp_path: Path, changed: dict[str, object] | str, words: str
) -> None:
    folder = Path(shutil.copytree(folders["lora"], tmp_path / "hostile"))
    config = folder / "adapter_config.json"
    if isinstance(changed, dict):
        changed = json.dumps(json.loads(config.read_text(encoding="utf-8")) | changed)
    config.write_text(changed, encoding="utf-8")
    with pytest.raises(UnsupportedModel, match=words) as caught:
        load_model(folders["base"], device="cpu", adapter=str(folder))
    assert len(str(caught.value)) < 1_000
    assert "antigravity" not in sys.modules


@pytest.mark.kind("adapter_without_peft")
def test_what_an_adapter_lacks_is_said_before_anything_is_loaded(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lora = str(folders["lora"])
    refused: list[tuple[type[ModelError] | type[UsageError], str, dict[str, object]]] = [
        (ModelNotFound, "holds no adapter", {"adapter": str(tmp_path)}),
        (UsageError, "packed", {"adapter": lora, "quantize": "int8"}),
        (UsageError, "spread", {"adapter": lora, "device_map": "auto"}),
    ]
    for kind, words, settings in refused:
        with pytest.raises(kind, match=words):
            load_model(folders["base"], **settings)
    shutil.copy(folders["lora"] / "adapter_config.json", tmp_path)
    with pytest.raises(WeightsError, match=r"neither adapter_model\.safetensors nor"):
        load_model(folders["base"], adapter=str(tmp_path))
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingExtra, match="needs peft") as caught:
        load_model(folders["base"], adapter=lora)
    assert "mechamap[adapter]" in str(caught.value.hint)
    assert "needs peft" in plan_scan(folders["base"], with_overrides(CONFIG, adapter=lora)).notes[0]
