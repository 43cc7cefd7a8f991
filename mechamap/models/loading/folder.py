"""What a model folder must hold, checked before anything heavy is imported: a config, weights, a tokenizer."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

from mechamap.errors import ModelError, ModelNotFound, UnsupportedModel, WeightsError

__all__ = ["check_model_type", "check_tokenizer_files", "check_weight_files", "read_config", "weight_files"]


_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "*.model", "*.tiktoken")
_ONE_FILE = ("model.safetensors", "pytorch_model.bin")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_COPY_AGAIN = "Copy or download the file again."


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json.

    Raises:
        ModelNotFound: there is none.
        ModelError: it is not JSON, with line and column.
        UnsupportedModel: it does not say which type of model it describes.
    """
    path = folder / "config.json"
    try:
        config = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise ModelNotFound(f"{path} does not exist.", "A model folder holds a config.json.") from None
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise ModelError(f"{where}: the config is not JSON: {error.msg}.", _COPY_AGAIN) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", _COPY_AGAIN) from None
    if not isinstance(config, dict) or not config.get("model_type"):
        raise UnsupportedModel(
            f"{path} names no model_type, so it does not describe a transformers model.",
            "Give the folder that save_pretrained wrote, or a hub id.",
        )
    return config


def check_model_type(folder: Path, config: dict[str, Any]) -> None:
    """Check that transformers knows this type of model, without importing it, which takes seconds.

    Raises:
        UnsupportedModel: it does not, and the model comes without code of its own.
    """
    package = importlib.util.find_spec("transformers")
    if package is None or package.origin is None or config.get("auto_map"):
        return
    listed = f'"{config["model_type"]}"'
    sources = list((Path(package.origin).parent / "models" / "auto").glob("*.py"))
    if sources and not any(listed in source.read_text(encoding="utf-8") for source in sources):
        raise UnsupportedModel(
            f"{folder / 'config.json'} says model_type {listed}, which the installed transformers does not know.",
            "It may need a newer version: pip install -U transformers",
        )


def check_weight_files(folder: Path) -> None:
    """Check that the weights are there, every shard of them, and none of them cut short.

    Raises:
        WeightsError: naming the file that is missing or damaged.
    """
    files = weight_files(folder)
    for path in files:
        if not path.is_file():
            raise WeightsError(
                f"{path} is missing: the index beside it lists it.", "Download the missing shard as well."
            )
        _check_file(path)


def check_tokenizer_files(folder: Path) -> None:
    """Check that there is a tokenizer: transformers would silently make up an empty one.

    Raises:
        ModelError: there is none, or only a pointer to it.
    """
    _refuse_pointer(folder / "tokenizer.json", "the tokenizer", ModelError)
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZER_FILES):
        raise ModelError(
            f"{folder} has no tokenizer: neither {', '.join(_TOKENIZER_FILES[:-1])} nor {_TOKENIZER_FILES[-1]}.",
            "Save the tokenizer into the folder as well (tokenizer.save_pretrained).",
        )


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers would read, safetensors before .bin, one file before shards.

    Raises:
        WeightsError: there are none, or the index that lists them cannot be read.
    """
    for single, index in zip(_ONE_FILE, _INDEXES, strict=True):
        if (folder / single).is_file():
            return [folder / single]
        if (folder / index).is_file():
            try:
                shards = json.loads((folder / index).read_bytes())["weight_map"].values()
            except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
                raise WeightsError(
                    f"{folder / index} cannot be read as an index of weights: {error}.", _COPY_AGAIN
                ) from None
            return [folder / shard for shard in sorted(set(shards))]
    gguf = sorted(folder.glob("*.gguf"))
    hint = f"To use the GGUF file in it, give {gguf[0]}." if gguf else "Download the weights as well."
    raise WeightsError(f"{folder} has no weights: none of {', '.join((*_ONE_FILE, *_INDEXES))}.", hint)


def _refuse_pointer(path: Path, what: str, kind: type[ModelError]) -> None:
    """Refuse a file that git put there in place of a large one."""
    try:
        with path.open("rb") as file:
            start = file.read(24)
    except OSError:  # reported where it is read
        return
    if start.startswith(b"version https://git-lfs"):
        raise kind(f"{path} is only a Git LFS pointer, not {what}.", "Run `git lfs pull` in its folder.")


def _check_file(path: Path) -> None:
    _refuse_pointer(path, "the weights", WeightsError)
    if path.suffix == ".safetensors":
        _check_safetensors(path)


def _check_safetensors(path: Path) -> None:
    """Check that a safetensors file is as long as its own header says. Layout: u64 length, JSON, tensors."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= size - 8:
            raise WeightsError(f"{path} is damaged: it does not begin with a safetensors header.", _COPY_AGAIN)
        try:
            header = json.loads(file.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            raise WeightsError(f"{path} is damaged: its safetensors header is unreadable.", _COPY_AGAIN) from None
    expected = 8 + length + max(ends, default=0)
    if size < expected:
        raise WeightsError(
            f"{path} is cut short: it has {size:,} bytes, but its header says {expected:,}.", _COPY_AGAIN
        )
