from __future__ import annotations

import dataclasses
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.by_name import load_model, scan_request
from support.packed_models import PACKED, WIDE, change_config, save_packed
from support.tiny_models import save_tiny_model

from mechamap.checks.causes.attribution import estimate_causes
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import MissingExtra, UnsupportedModel, UsageError, WeightsError
from mechamap.models.loaded import LoadedModel
from mechamap.models.neurons.weights import readable_weight
from mechamap.models.proof import prove
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

TEXT = "The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train."
ANIMALS = Category("animal", ("cat", "dog", "horse"))


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., LoadedModel]:
    """``packed("nf4")`` is the model of a checkpoint packed like that."""
    kept: dict[tuple[str, ...], LoadedModel] = {}

    def loaded(*how: str) -> LoadedModel:
        if how not in kept:
            kept[how] = load_model(str(save_packed(tmp_path_factory.mktemp(how[0]) / "model", *how)), device="cpu")
        return kept[how]

    return loaded


def scanned(loaded: LoadedModel, out: Path) -> Run:
    config = dataclasses.replace(default_config(), categories=(ANIMALS,), texts=(TEXT,), device="cpu")
    return scan(scan_request(loaded.id, config, out), loaded=loaded)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("how", PACKED)
def test_a_packed_checkpoint_is_loaded_proved_and_scanned(
    packed: Callable[..., LoadedModel], tmp_path: Path, how: str, dtype: str
) -> None:
    loaded = packed(how, dtype)
    assert loaded.packing == PACKED[how]
    assert str(loaded.dtype) == f"torch.{dtype}"
    assert (
        loaded.parameters == 2 * len(loaded.tokenizer) * 64 + 3 * (2 * 64**2 + 2 * 32 * 64 + 3 * 64 * 128 + 2 * 64) + 64
    )
    proof = prove(loaded)
    assert [its.width for its in proof] == [128] * 3
    assert all(its.rebuild_error <= its.tolerance <= 0.15 and its.zero_error == 0 for its in proof)
    run = scanned(loaded, tmp_path / "run")
    assert len(run.complete_layers) == 3
    seen: list[torch.Tensor] = []
    hook = loaded.layers[1].module.register_forward_pre_hook(lambda _, args: seen.append(args[0][0].float()))
    with torch.inference_mode():
        loaded.model(input_ids=torch.tensor([run.record.tokens.ids]))
    hook.remove()
    scored = np.ones(len(run.record.tokens.ids), bool)
    scored[list(run.record.tokens.excluded)] = False
    highest = seen[0][torch.from_numpy(scored)].amax(0).numpy()
    np.testing.assert_allclose(run.column("max")[128:256], highest, rtol=1e-5)


def test_a_wrong_place_is_far_beyond_what_packing_explains(packed: Callable[..., LoadedModel]) -> None:
    """The tolerance of packed layers must not let another layer's weights pass."""
    for how in ("int8", "nf4", "ao-int8-dynamic"):
        loaded = packed(how, "float32")
        seen: list[tuple[torch.Tensor, torch.Tensor]] = []
        hook = loaded.layers[0].module.register_forward_hook(lambda _, args, out, at=seen: at.append((args[0], out)))
        with torch.inference_mode():
            loaded.model(input_ids=torch.arange(8)[None])
            hook.remove()
            (activations, output), other = seen[0], readable_weight(loaded.layers[1].module)
            off = (activations @ other.float().T - output).abs().max() / output.abs().max()
        assert off > 0.5


@pytest.mark.parametrize("how", ["int8", "nf4"])
def test_what_neurons_cause_follows_through_packed_weights(
    packed: Callable[..., LoadedModel], tmp_path: Path, how: str
) -> None:
    """The gradient of a packed layer is that of its unpacked weights, so the estimates are nearly the same."""
    loaded = packed(how, "float32")
    whole = load_model(str(Path(loaded.id).with_name("model-whole")), device="cpu")
    for path, module in loaded.model.named_modules():
        if isinstance(module, torch.nn.Linear):
            whole.model.get_submodule(path).weight.copy_(readable_weight(module))
    columns = []
    for name, model in (("packed", loaded), ("whole", whole)):
        run = estimate_causes(scanned(model, tmp_path / name), model, lambda event: None, None)
        columns.append(run.column("cause", "animal"))
    assert np.isfinite(columns[0]).all()
    assert np.corrcoef(*columns)[0, 1] > 0.95


@pytest.mark.parametrize(("quantize", "packing"), [("int8", "int8 (bitsandbytes)"), ("nf4", "nf4 (bitsandbytes)")])
def test_weights_are_packed_while_they_are_read(tiny_models: Callable[..., Path], quantize: str, packing: str) -> None:
    folder = tiny_models("llama", **WIDE)
    loaded = load_model(str(folder), device="cpu", quantize=quantize)
    whole = load_model(str(folder), device="cpu")
    assert (loaded.packing, whole.packing) == (packing, "")
    assert loaded.parameters == whole.parameters
    assert len(prove(loaded)) == 3
    weight, same = readable_weight(loaded.layers[0].module), readable_weight(whole.layers[0].module)
    assert 0 < (weight - same).abs().max() < 0.15 * same.abs().max()


def test_fp8_weights_are_unpacked(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "model", "llama", **WIDE)
    weights = load_file(folder / "model.safetensors")
    in_file = dict(weights)
    for name in [name for name in weights if name.endswith("proj.weight")]:
        scale = weights[name].abs().max() / 448  # the largest number of e4m3
        in_file[name] = (weights[name] / scale).to(torch.float8_e4m3fn)
        in_file[f"{name}_scale_inv"] = scale.reshape(1, 1)
    save_file(in_file, folder / "model.safetensors", metadata={"format": "pt"})
    packing = {"quant_method": "fp8", "weight_block_size": [128, 128], "activation_scheme": "dynamic"}
    change_config(folder, quantization_config=packing)
    loaded = load_model(str(folder), device="cpu")
    assert len(prove(loaded)) == 3
    down = "model.layers.1.mlp.down_proj.weight"
    expected = in_file[down].float() * in_file[f"{down}_scale_inv"]
    torch.testing.assert_close(readable_weight(loaded.layers[1].module), expected)


def test_mxfp4_experts_are_unpacked(tmp_path: Path) -> None:
    """As GPT-OSS is published: two weights to a byte, the first in its lower half, 32 to a power of two."""
    folder = save_tiny_model(tmp_path / "model", "gpt_oss", **WIDE)
    in_file = load_file(folder / "model.safetensors")
    values = torch.tensor([0, 0.5, 1, 1.5, 2, 3, 4, 6])
    values = torch.cat([values, -values])
    generator = torch.Generator().manual_seed(0)
    expected: dict[str, torch.Tensor] = {}
    for name in [name for name in in_file if name.endswith(("experts.down_proj", "experts.gate_up_proj"))]:
        experts, inputs, outputs = in_file.pop(name).shape
        codes = torch.randint(16, (experts, outputs, inputs // 32, 32), generator=generator)
        scales = torch.randint(122, 125, (experts, outputs, inputs // 32), generator=generator)
        in_file[f"{name}_blocks"] = (codes[..., ::2] + 16 * codes[..., 1::2]).to(torch.uint8)
        in_file[f"{name}_scales"] = scales.to(torch.uint8)
        unpacked = values[codes] * 2.0 ** (scales[..., None] - 127)
        expected[name] = unpacked.reshape(experts, outputs, inputs).transpose(1, 2)
    save_file(in_file, folder / "model.safetensors", metadata={"format": "pt"})
    change_config(folder, quantization_config={"quant_method": "mxfp4"})
    loaded = load_model(str(folder), device="cpu")
    assert len(prove(loaded)) == 3
    for layer in loaded.layers:
        for expert in range(layer.experts):
            down = expected[f"{layer.path}.down_proj"][expert]  # [d_expert, d_model]
            torch.testing.assert_close(layer.parts[-1].weight(expert).float(), down)


# --- what cannot be read ------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["gptq", "awq", "something-new"])
def test_a_method_that_is_not_read_here_is_named_before_torch_is_needed(
    tiny_models: Callable[..., Path], tmp_path: Path, method: str
) -> None:
    folder = Path(shutil.copytree(tiny_models("llama"), tmp_path / "model"))
    change_config(folder, quantization_config={"quant_method": method, "bits": 4})
    with pytest.raises(UnsupportedModel, match=f"packed by {method}") as caught:
        load_model(str(folder), stage=lambda text: pytest.fail(f"said {text}"))
    assert "original weights" in caught.value.hint


@pytest.mark.parametrize(
    ("packing", "package"),
    [
        ({"quant_method": "bitsandbytes", "load_in_8bit": True}, "bitsandbytes"),
        ({"load_in_4bit": True}, "accelerate"),
        ({"quant_method": "torchao"}, "torchao"),
        ({"quant_method": "fp8"}, "accelerate"),
    ],
)
def test_without_the_extra_the_error_names_it(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packing: dict, package: str
) -> None:
    folder = Path(shutil.copytree(tiny_models("llama"), tmp_path / "model"))
    change_config(folder, quantization_config=packing)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingExtra, match=package) as caught:
        load_model(str(folder), device="cpu")
    assert "pip install 'mechamap[quantized]'" in caught.value.hint


def test_packing_while_reading_needs_the_extra_too(
    tiny_models: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "bitsandbytes", None)
    with pytest.raises(MissingExtra, match="packed as nf4"):
        load_model(str(tiny_models("llama")), device="cpu", quantize="nf4")


def test_weights_are_packed_once(packed: Callable[..., LoadedModel]) -> None:
    with pytest.raises(UsageError, match="packed already"):
        load_model(packed("nf4", "float32").id, device="cpu", quantize="int8")


@pytest.mark.parametrize("kind", [{"load_in_8bit": True}, {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}])
def test_a_config_that_says_packed_of_weights_that_are_not(
    tiny_models: Callable[..., Path], tmp_path: Path, kind: dict
) -> None:
    folder = Path(shutil.copytree(tiny_models("llama", **WIDE), tmp_path / "model"))
    change_config(folder, quantization_config={"quant_method": "bitsandbytes", **kind})
    with pytest.raises(WeightsError, match=r"q_proj in the file is not") as caught:
        load_model(str(folder), device="cpu")
    assert "quantization_config" in caught.value.hint
