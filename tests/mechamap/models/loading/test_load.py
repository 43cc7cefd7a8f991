from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.by_name import load_model
from support.smollm2 import D_MLP, N_LAYERS, N_NEURONS
from support.tiny_models import CONTEXT, save_tiny_model
from transformers import AutoModelForCausalLM

from mechamap.errors import (
    MechaMapError,
    ModelError,
    ModelNotFound,
    OutOfMemory,
    UnsupportedModel,
    UsageError,
    WeightsError,
)
from mechamap.models.loading.devices import pick_device
from mechamap.models.proof import prove


@pytest.fixture
def folder(tiny_models: Callable[..., Path], tmp_path: Path) -> Path:
    """A tiny GPT-2 of one's own, to damage."""
    return Path(shutil.copytree(tiny_models("gpt2"), tmp_path / "model"))


def change_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def refused(folder: Path, kind: type[MechaMapError], **options: object) -> MechaMapError:
    """The error of loading ``folder``; it must say where and what to do."""
    with pytest.raises(kind) as caught:
        load_model(str(folder), device="cpu", **options)
    assert type(caught.value) is kind
    assert str(folder) in caught.value.message
    assert caught.value.hint
    return caught.value


@pytest.mark.smollm2
def test_the_real_model_loads_with_all_its_neurons(smollm2_path: Path) -> None:
    loaded = load_model(str(smollm2_path), device="cpu")
    assert [layer.layer for layer in loaded.layers] == list(range(N_LAYERS))
    assert {layer.width for layer in loaded.layers} == {D_MLP}
    assert sum(layer.width for layer in loaded.layers) == N_NEURONS
    assert (loaded.architecture, loaded.context, loaded.vocabulary) == ("llama", 8192, 49152)
    assert loaded.parameters == 134_515_008
    assert loaded.label == "SmolLM2-135M-Instruct"
    assert loaded.revision is None
    ids = torch.tensor([loaded.tokenizer.encode("The capital of France is")])
    with torch.inference_mode():
        likeliest = loaded.model(input_ids=ids).logits[0, -1].argmax()
    assert loaded.tokenizer.decode(likeliest).strip() == "Paris"


def test_a_loaded_model_is_ready_to_scan(folder: Path) -> None:
    said: list[str] = []
    loaded = load_model(str(folder), device="cpu", stage=said.append)
    assert not loaded.model.training
    assert not any(parameter.requires_grad for parameter in loaded.model.parameters())
    assert loaded.tokenizer("a b", return_offsets_mapping=True)["offset_mapping"]
    assert (loaded.context, loaded.device, loaded.architecture) == (CONTEXT, torch.device("cpu"), "gpt2")
    assert loaded.vocabulary == len(loaded.tokenizer)
    assert said == ["loading torch", "reading the tokenizer", "reading weights"]


def test_the_number_format_is_the_checkpoints_unless_asked_for(tmp_path: Path, folder: Path) -> None:
    half = tmp_path / "half"
    AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16).save_pretrained(half)
    shutil.copy(folder / "tokenizer.json", half)
    shutil.copy(folder / "tokenizer_config.json", half)
    assert load_model(str(half), device="cpu").dtype == torch.bfloat16
    assert load_model(str(half), device="cpu", dtype="float32").dtype == torch.float32
    assert load_model(str(folder), device="cpu").dtype == torch.float32
    assert load_model(str(folder), device="cpu", dtype="float16").dtype == torch.float16


def test_weights_in_shards_and_in_bin_files_load_too(tmp_path: Path, folder: Path) -> None:
    model = AutoModelForCausalLM.from_pretrained(folder)
    expected = load_model(str(folder), device="cpu").model.get_input_embeddings().weight
    sharded = Path(shutil.copytree(folder, tmp_path / "sharded"))
    (sharded / "model.safetensors").unlink()
    model.save_pretrained(sharded, max_shard_size="40KB")
    assert len(list(sharded.glob("*.safetensors"))) > 1
    old = Path(shutil.copytree(folder, tmp_path / "old"))
    (old / "model.safetensors").unlink()
    torch.save(model.state_dict(), old / "pytorch_model.bin")
    old_shards = Path(shutil.copytree(old, tmp_path / "old-shards"))
    (old_shards / "pytorch_model.bin").unlink()
    save_in_shards(model.state_dict(), old_shards)
    for other in (sharded, old, old_shards):
        assert torch.equal(load_model(str(other), device="cpu").model.get_input_embeddings().weight, expected)
    for shards, suffix in ((sharded, "safetensors"), (old_shards, "bin")):
        gone = sorted(shards.glob(f"*-of-*.{suffix}"))[-1]
        gone.unlink()
        assert f"{gone} is missing" in refused(shards, WeightsError).message


def save_in_shards(weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Two ``.bin`` files and the index that says which weight is in which, as older models have them."""
    names = sorted(weights)
    files = {name: f"pytorch_model-0000{1 + (2 * at >= len(names))}-of-00002.bin" for at, name in enumerate(names)}
    for file in sorted(set(files.values())):
        torch.save({name: weights[name].clone() for name in names if files[name] == file}, folder / file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))


@pytest.mark.parametrize(("option", "value"), [("dtype", "int4"), ("device", "tpu"), ("device", "cuda:x")])
def test_a_number_format_or_device_that_no_machine_has_is_refused(folder: Path, option: str, value: str) -> None:
    with pytest.raises(UsageError, match=value) as caught:
        load_model(str(folder), **{option: value})
    assert "auto" in caught.value.message


def test_a_revision_of_something_that_is_not_on_the_hub_is_refused(folder: Path) -> None:
    with pytest.raises(UsageError, match="v2"):
        load_model(str(folder), revision="v2")


def test_a_device_that_is_not_here_is_refused_with_those_that_are() -> None:
    missing = f"cuda:{torch.cuda.device_count()}"
    with pytest.raises(UsageError, match=missing) as caught:
        pick_device(missing)
    assert "cpu" in caught.value.hint


def test_auto_never_picks_mps() -> None:
    assert pick_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_a_folder_without_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    assert "no weights" in refused(folder, WeightsError).message
    (folder / "some.gguf").write_bytes(b"GGUF")
    assert "some.gguf" in refused(folder, WeightsError).hint


def test_weights_cut_short(folder: Path) -> None:
    weights = folder / "model.safetensors"
    whole = weights.read_bytes()
    for length in (0, 5, 100, len(whole) // 2, len(whole) - 1):
        weights.write_bytes(whole[:length])
        assert "model.safetensors" in refused(folder, WeightsError).message


def test_weights_that_are_something_else(folder: Path) -> None:
    weights = folder / "model.safetensors"
    for content in (b"<html>404</html>" * 50, (20).to_bytes(8, "little") + b"{not json at all....", b"\0" * 100):
        weights.write_bytes(content)
        assert "model.safetensors" in refused(folder, WeightsError).message
    weights.write_bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:1234\nsize 1000\n")
    assert "git lfs pull" in refused(folder, WeightsError).hint


def test_a_bin_file_that_is_damaged(folder: Path) -> None:
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x03\x04 not really")
    refused(folder, WeightsError)


def test_weights_that_are_missing_are_never_made_up(folder: Path) -> None:
    change_config(folder, n_layer=4)
    error = refused(folder, WeightsError)
    assert "transformer.h.3." in error.message
    assert "more" in error.message


def test_weights_of_another_shape_than_the_config_says(folder: Path) -> None:
    change_config(folder, n_inner=96)
    assert "transformer.h.0.mlp.c_fc" in refused(folder, WeightsError).message


def test_a_config_that_is_not_json_says_where(folder: Path) -> None:
    (folder / "config.json").write_text('{"model_type": "gpt2",\n  nope}')
    assert "config.json:2:3" in refused(folder, ModelError).message


@pytest.mark.parametrize("content", ["{}", "[]", '"gpt2"', '{"model_type": ""}'])
def test_a_config_that_names_no_model_type(folder: Path, content: str) -> None:
    (folder / "config.json").write_text(content)
    refused(folder, UnsupportedModel)


def test_a_model_type_that_nobody_knows(folder: Path) -> None:
    change_config(folder, model_type="hal9000")
    assert "hal9000" in refused(folder, UnsupportedModel).message


@pytest.mark.parametrize(
    ("model_type", "architecture", "said"),
    [
        ("vit", "ViTForImageClassification", "vit model"),
        ("clip", "CLIPModel", "clip model"),
    ],
)
def test_a_model_that_is_no_language_model(folder: Path, model_type: str, architecture: str, said: str) -> None:
    (folder / "config.json").write_text(json.dumps({"model_type": model_type, "architectures": [architecture]}))
    error = refused(folder, UnsupportedModel)
    assert said in error.message
    assert architecture in error.message


def test_a_model_that_brings_its_own_code_needs_leave_to_run_it(folder: Path) -> None:
    change_config(
        folder,
        model_type="homemade",
        auto_map={"AutoConfig": "code.HomemadeConfig", "AutoModelForCausalLM": "code.Homemade"},
    )
    (folder / "code.py").write_text("raise SystemExit('this must never run')\n")
    assert "--trust-remote-code" in str(refused(folder, ModelError).hint)


def test_a_model_that_brings_its_own_code_runs_it_when_allowed(folder: Path) -> None:
    change_config(
        folder,
        model_type="homemade",
        auto_map={"AutoConfig": "code.HomemadeConfig", "AutoModelForCausalLM": "code.Homemade"},
    )
    (folder / "code.py").write_text(
        "from transformers import GPT2Config, GPT2LMHeadModel\n\n\n"
        "class HomemadeConfig(GPT2Config):\n    model_type = 'homemade'\n\n\n"
        "class Homemade(GPT2LMHeadModel):\n    config_class = HomemadeConfig\n"
    )
    loaded = load_model(str(folder), device="cpu", trust_remote_code=True)
    assert [layer.path for layer in loaded.layers][:1] == ["transformer.h.0.mlp.c_proj"]


def test_a_folder_without_a_tokenizer(folder: Path) -> None:
    for path in folder.glob("token*"):
        path.unlink()
    assert "tokenizer" in refused(folder, ModelError).message


def test_a_tokenizer_that_is_damaged(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{")
    refused(folder, ModelError)


def test_a_tokenizer_without_offsets(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path / "slow", "gpt2")
    (folder / "tokenizer.json").unlink()
    (folder / "vocab.json").write_text(json.dumps({"<unk>": 0, "a": 1, "b": 2}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "CTRLTokenizer"}))
    assert "characters" in refused(folder, ModelError).message


def test_a_model_that_does_not_fit_into_memory(smollm2_path: Path) -> None:
    program = f"""
import resource, sys, torch
from mechamap.catalog.source import resolve
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
from mechamap.models.loading.trouble import quiet_transformers
from mechamap.errors import OutOfMemory
with quiet_transformers():
    from transformers import AutoModelForCausalLM, LlamaForCausalLM
used = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmSize:")) * 1024
resource.setrlimit(resource.RLIMIT_AS, (used + 150_000_000,) * 2)
try:
    load_model(resolve({str(smollm2_path)!r}), LoadSettings(device="cpu"))
except OutOfMemory as error:
    print("refused:", error.hint)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("refused: Try --dtype")
    assert done.stderr == ""
    assert OutOfMemory.title


def test_loading_prints_nothing_of_its_own(folder: Path) -> None:
    program = f"""
from mechamap.catalog.source import resolve
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
load_model(resolve({str(folder)!r}), LoadSettings(device="cpu"))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")
    change_config(folder, n_layer=4)  # transformers reports the gaps it fills
    program = f"""
from mechamap.catalog.source import resolve
from mechamap.errors import MechaMapError
from mechamap.models.loading.load import load_model
from mechamap.models.loading.load_settings import LoadSettings
try:
    load_model(resolve({str(folder)!r}), LoadSettings(device="cpu"))
except MechaMapError as error:
    print(type(error).__name__)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("WeightsError\n", "")


def test_what_can_be_seen_without_trying_is_refused_without_torch(folder: Path, tmp_path: Path) -> None:
    unknown = Path(shutil.copytree(folder, tmp_path / "unknown"))
    change_config(unknown, model_type="hal9000")
    (folder / "model.safetensors").write_bytes(b"")
    program = f"""
import sys
from mechamap.catalog.source import resolve
from mechamap.errors import MechaMapError
from mechamap.models.loading.load import load_model
for name in ({str(folder)!r}, {str(unknown)!r}, "./no/such/folder", "x.gguf"):
    try:
        load_model(resolve(name))
    except MechaMapError as error:
        print(type(error).__name__)
print("torch" in sys.modules, "transformers" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [
        "WeightsError",
        "UnsupportedModel",
        "ModelNotFound",
        "ModelNotFound",
        "False",
        "False",
    ]


def test_a_name_that_means_nothing(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFound):
        load_model(str(tmp_path / "nothing"))


# --- where the neurons are, said by the user ---

OWN_MLP = """
from torch import nn
from transformers import GPT2Config, GPT2LMHeadModel


class HomemadeConfig(GPT2Config):
    model_type = "homemade"


class Thoughts(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.rise = nn.Linear(config.n_embd, config.n_inner)
        self.fall = nn.Linear(config.n_inner, config.n_embd)
        self.decoy = nn.Linear(config.n_inner, config.n_embd)

    def forward(self, hidden):
        return self.fall(self.rise(hidden).relu())


class Homemade(GPT2LMHeadModel):
    config_class = HomemadeConfig

    def __init__(self, config):
        super().__init__(config)
        for block in self.transformer.h:
            block.mlp = Thoughts(config)
        self.post_init()
"""


@pytest.fixture
def homemade(folder: Path) -> Path:
    """A model nobody has seen, in whose blocks two linear layers could lead from the neurons."""
    change_config(
        folder,
        model_type="homemade",
        auto_map={"AutoConfig": "code.HomemadeConfig", "AutoModelForCausalLM": "code.Homemade"},
    )
    (folder / "code.py").write_text(OWN_MLP)
    weights = load_file(folder / "model.safetensors")
    for name in [name for name in weights if ".mlp." in name]:
        values = weights.pop(name)
        names = {"c_fc": ["rise"], "c_proj": ["fall", "decoy"]}[name.split(".")[-2]]
        for its in names:
            weights[name.replace(name.split(".")[-2], its)] = (
                (values.T if values.ndim == 2 else values).contiguous().clone()
            )
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def test_a_model_nobody_has_seen_is_scanned_once_it_is_told_where_its_neurons_are(homemade: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"mlp\.fall, mlp\.decoy") as caught:
        load_model(str(homemade), device="cpu", trust_remote_code=True)
    assert "neurons" in str(caught.value.hint)
    paths = "transformer.h.{layer}.mlp.fall"
    for given in (paths, [paths]):
        loaded = load_model(str(homemade), device="cpu", trust_remote_code=True, neurons=given)
        assert [layer.path for layer in loaded.layers] == [f"transformer.h.{number}.mlp.fall" for number in range(3)]
        assert len(prove(loaded)) == 3
        assert loaded.own_code[:2] == ("HomemadeConfig (code.py)", "Homemade (code.py)")


def test_a_model_of_the_library_runs_no_code_of_its_own(folder: Path) -> None:
    assert load_model(str(folder), device="cpu", trust_remote_code=True).own_code == ()


def test_a_wrong_place_of_neurons_is_found_out(homemade: Path) -> None:
    decoy = load_model(str(homemade), device="cpu", trust_remote_code=True, neurons="transformer.h.{layer}.mlp.decoy")
    with pytest.raises(UnsupportedModel, match="decoy"):
        prove(decoy)


def test_a_place_that_is_not_there_is_answered_with_those_that_are_near(folder: Path) -> None:
    with pytest.raises(UnsupportedModel, match=r"transformer\.h\.0\.mlp\.cproj, but found nothing there") as caught:
        load_model(str(folder), device="cpu", neurons="transformer.h.{layer}.mlp.cproj")
    assert "mlp.c_proj" in caught.value.hint
    with pytest.raises(UnsupportedModel, match=r"no blocks at model\.layers") as caught:
        load_model(str(folder), device="cpu", neurons="model.layers.{layer}.mlp.down_proj")
    assert caught.value.hint


def test_what_is_said_of_the_neurons_overrides_what_is_known(tiny_models: Callable[..., Path]) -> None:
    """Shared experts without the routed ones, where the table has both."""
    folder = str(tiny_models("qwen2_moe"))
    places = [f"model.layers.{{layer}}.mlp.{its}down_proj" for its in ("", "shared_expert.")]
    known, loaded = (load_model(folder, device="cpu", neurons=its) for its in (None, places))
    assert [layer.experts > 0 for layer in known.layers] == [False, True, True]
    assert [layer.path for layer in loaded.layers] == [
        "model.layers.0.mlp.down_proj",
        "model.layers.1.mlp.shared_expert.down_proj",
        "model.layers.2.mlp.shared_expert.down_proj",
    ]
    assert [layer.experts for layer in loaded.layers] == [0, 0, 0]
    assert len(prove(loaded)) == 3
