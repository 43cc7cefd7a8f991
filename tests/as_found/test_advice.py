"""Errors of the libraries, each with the advice that fits it."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support.by_name import load_model
from support.fake_hub import hub_serving

from mechamap.errors import MechaMapError, MissingExtra, ModelError, OutOfMemory
from mechamap.models.loading.trouble import translated


def told(error: Exception) -> MechaMapError:
    """What an exception of a library becomes."""
    with pytest.raises(MechaMapError) as caught, translated("the-model"):
        raise error
    return caught.value


@pytest.mark.kind("code_for_another_transformers")
@pytest.mark.parametrize(
    "error",
    [
        ImportError("cannot import name 'SlidingWindowCache' from 'transformers.cache_utils' (/lib/cache_utils.py)"),
        AttributeError("module 'transformers.utils' has no attribute 'is_torch_fx_available'"),
        ModuleNotFoundError("No module named 'transformers.models.gone'"),
    ],
)
def test_a_name_that_transformers_lacks_is_no_package_to_install(error: Exception) -> None:
    said = told(error)
    assert type(said) is ModelError
    if isinstance(error, ImportError):
        assert "written for another version of transformers" in str(said.hint)
    assert "pip install" not in str(said.hint)


@pytest.mark.kind("code_for_another_transformers")
def test_an_error_in_the_code_of_a_model_is_told_from_files_that_are_incomplete(tmp_path: Path) -> None:
    code = compile("{}['rope_type']", "/cache/modules/transformers_modules/org/model/modeling.py", "eval")
    with pytest.raises(ModelError) as caught, translated("the-model"):
        eval(code)
    assert "written for another version of transformers" in str(caught.value.hint)
    with pytest.raises(ModelError) as caught, translated("the-model"):
        raise KeyError("rope_type")
    assert "Check that its files are complete" in str(caught.value.hint)


@pytest.mark.kind("package_of_another_name")
@pytest.mark.parametrize(
    ("error", "package"),
    [
        (ModuleNotFoundError("No module named 'flash_attn.bert_padding'"), "flash-attn"),
        (ModuleNotFoundError("No module named 'PIL'"), "pillow"),
        (ModuleNotFoundError("No module named 'einops'"), "einops"),
        (ValueError("Couldn't instantiate the backend tokenizer from one of: (1) ... You need to have sentencepiece or "
                    "tiktoken installed to convert a slow tokenizer to a fast one."), "sentencepiece"),
        (ImportError("XTokenizer requires the SentencePiece library but it was not found in your environment."),
         "SentencePiece"),
    ],
)  # fmt: skip
def test_a_package_is_named_as_pip_knows_it(error: Exception, package: str) -> None:
    said = told(error)
    assert isinstance(said, MissingExtra)
    assert said.hint == f"Install it: pip install {package}"


@pytest.mark.kind("package_that_cannot_be_loaded")
@pytest.mark.parametrize("text", ["libcudart.so.12: cannot open shared object file", "x.so: undefined symbol: _ZN3c10"])
def test_a_package_that_cannot_be_loaded_is_not_called_missing(text: str) -> None:
    said = told(ImportError(text))
    assert type(said) is ModelError
    assert "again" in str(said.hint)


@pytest.mark.kind("machine_that_cannot")
@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (RuntimeError("\"addmm_impl_cpu_\" not implemented for 'Half'"), "--dtype float32"),
        (RuntimeError("CUDA error: no kernel image is available for execution on the device"), "--device cpu"),
        (
            NotImplementedError("The operator 'aten::x' is not currently implemented for the MPS device."),
            "--device cpu",
        ),
        (OSError(errno.ENOSPC, "No space left on device"), "Free some space"),
        (OSError(errno.EMFILE, "Too many open files"), "ulimit -n"),
        (PermissionError(errno.EACCES, "Permission denied", "model.safetensors"), "rights"),
        (OSError("We couldn't connect to 'https://huggingface.co' to load the files"), "with a network"),
    ],
)
def test_what_the_machine_cannot_do_is_not_laid_to_the_files(error: Exception, hint: str) -> None:
    said = told(error)
    assert hint in str(said.hint)
    assert "complete" not in str(said.hint)


@pytest.mark.kind("machine_that_cannot")
def test_what_does_not_fit_is_still_told_as_that() -> None:
    assert isinstance(told(RuntimeError("CUDA out of memory. Tried to allocate 2 GiB")), OutOfMemory)


@pytest.mark.kind("expired_token")
def test_a_token_that_the_hub_refuses_is_not_a_model_that_is_not_there(
    tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = Path(shutil.copytree(tiny_models("llama"), tmp_path / "remote"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_TOKEN", "expired")
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    with hub_serving({"org/tiny": remote}, expired="expired") as (address, _):
        monkeypatch.setenv("HF_ENDPOINT", address)
        with pytest.raises(ModelError, match="the hub refuses the token that is set here") as caught:
            load_model("org/tiny", device="cpu")
        assert "unset HF_TOKEN" in str(caught.value.hint)
        monkeypatch.setenv("HF_TOKEN", "another")
        load_model("org/tiny", device="cpu")
        monkeypatch.setenv("HF_TOKEN", "expired")
        assert load_model("org/tiny", device="cpu").label == "tiny", "the cache has it"
