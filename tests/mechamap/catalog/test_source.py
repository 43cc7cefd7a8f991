from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.hub_cache import model_folder, put_in_cache

from mechamap.catalog.short_names import SHORT_NAMES
from mechamap.catalog.source import resolve, short_label
from mechamap.errors import ModelNotFound, UsageError


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("gpt2-small", "openai-community/gpt2"),
        ("GPT2-XL", "openai-community/gpt2-xl"),
        ("pythia-70m", "EleutherAI/pythia-70m"),
        ("smollm2-135m", "HuggingFaceTB/SmolLM2-135M"),
        ("openai-community/gpt2", "openai-community/gpt2"),
        ("some-model", "some-model"),
        ("  org/Name.v1_2-x ", "org/Name.v1_2-x"),
    ],
)
def test_a_name_that_is_not_a_path_is_a_hub_id(cache: Path, typed: str, meant: str) -> None:
    source = resolve(typed)
    assert (source.kind, source.id, source.path, source.name) == ("hub", meant, None, typed)


def test_only_a_model_of_the_hub_has_revisions(cache: Path, tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    for name in ("demo", str(folder)):
        resolve(name).check_revision(None)
        with pytest.raises(UsageError, match="is not on the hub, so it has no revision 'v2'"):
            resolve(name).check_revision("v2")
    resolve("org/name").check_revision("v2")


def test_every_short_name_is_lower_case_and_stands_for_a_full_id() -> None:
    for name, model_id in SHORT_NAMES.items():
        assert name == name.lower()
        assert model_id.count("/") == 1


def test_a_folder_with_a_config_is_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = model_folder(tmp_path / "my-model")
    monkeypatch.chdir(tmp_path)
    for name in (str(folder), "my-model", "./my-model", "my-model/"):
        source = resolve(name)
        assert (source.kind, source.path, source.label) == ("folder", folder, "my-model")
        assert source.id == str(folder)


def test_a_gguf_file_is_a_model(tmp_path: Path) -> None:
    file = tmp_path / "tiny.Q4_1.gguf"
    file.write_bytes(b"GGUF")
    source = resolve(str(file))
    assert (source.kind, source.path, source.label) == ("gguf", file, "tiny.Q4_1")


def test_the_name_demo_is_the_bundled_model_whatever_folder_is_called_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model_folder(tmp_path / "demo")
    monkeypatch.chdir(tmp_path)
    try:
        assert resolve("demo").kind == "demo"
    except ModelNotFound as error:
        assert "bundled" in error.message
    assert resolve("./demo").kind == "folder"


def test_a_folder_that_only_shares_a_short_name_does_not_hide_the_model(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gpt2").mkdir()
    monkeypatch.chdir(tmp_path)
    assert resolve("gpt2").id == "openai-community/gpt2"


@pytest.mark.parametrize("name", ["./nope", "/no/such/place", "~/nope", "a/b/c", "nope.gguf", "..", "nope/"])
def test_what_looks_like_a_path_is_never_looked_up_on_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModelNotFound) as caught:
        resolve(name)
    assert caught.value.hint


@pytest.mark.parametrize("name", ["", "   ", "a b", "-x", "org/", "org//name", "müller/x", "a" * 97, "a..b"])
def test_what_no_hub_id_can_look_like_is_refused(name: str) -> None:
    with pytest.raises(ModelNotFound):
        resolve(name)


def test_a_mistyped_path_names_its_nearest_neighbour(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "models" / "smollm-135m")
    with pytest.raises(ModelNotFound, match="Did you mean") as caught:
        resolve(str(folder.with_name("smollm-153m")))
    assert str(folder) in caught.value.hint
    with pytest.raises(ModelNotFound) as caught:
        resolve(str(tmp_path / "model" / "smollm-135m"))
    assert str(tmp_path / "models") in caught.value.hint


def test_a_folder_without_config_says_what_it_is_instead(tmp_path: Path) -> None:
    plain, run, parent, gguf = (tmp_path / name for name in ("plain", "run", "parent", "gguf"))
    for folder in (plain, run, gguf):
        folder.mkdir()
    (run / "run.json").write_text("{}")
    (gguf / "x.gguf").write_bytes(b"GGUF")
    model_folder(parent / "inner")
    for folder, kind in (
        (plain, "holds config.json"),
        (run, "It is a run"),
        (parent, str(parent / "inner")),
        (gguf, "x.gguf"),
    ):
        with pytest.raises(ModelNotFound, match=r"no config\.json") as caught:
            resolve(str(folder))
        assert kind in str(caught.value.hint)


def test_a_file_inside_a_model_folder_points_to_the_folder(tmp_path: Path) -> None:
    folder = model_folder(tmp_path / "model")
    with pytest.raises(ModelNotFound) as caught:
        resolve(str(folder / "config.json"))
    assert str(folder) in caught.value.hint


@pytest.mark.parametrize(
    ("model_id", "label"),
    [
        ("openai-community/gpt2", "gpt2"),
        ("gpt2", "gpt2"),
        ("/home/me/models/My-Model/", "My-Model"),
        ("/home/me/SmolLM2.Q4_1.gguf", "SmolLM2.Q4_1"),
        ("/c/hub/models--EleutherAI--pythia-70m/snapshots/a39f36b1", "pythia-70m"),
    ],
)
def test_the_label_is_the_name_people_use(model_id: str, label: str) -> None:
    assert short_label(model_id) == label


def test_a_cache_from_before_owners_were_added_is_still_used(cache: Path) -> None:
    put_in_cache(cache, "gpt2", age=1)
    assert resolve("gpt2").id == "gpt2"
    put_in_cache(cache, "openai-community/gpt2", age=1)
    assert resolve("gpt2").id == "openai-community/gpt2"


def test_the_catalog_needs_neither_torch_nor_transformers() -> None:
    program = (
        "import sys; from mechamap.catalog.hub_cache import cached_models; from mechamap.catalog.source import resolve;"
        "cached_models(); resolve('gpt2');"
        "print([name for name in ('torch', 'transformers', 'huggingface_hub') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", ["a" * 300, "folder/" + "a" * 300, "/" + "é" * 200])
def test_a_name_no_file_system_takes_is_refused(name):
    with pytest.raises(ModelNotFound, match="too long"):
        resolve(name)
