"""What a model folder must hold, checked before anything heavy is imported: a config, weights, a tokenizer."""

from __future__ import annotations

import importlib.util
import json
import struct
from pathlib import Path
from typing import Any

from mechamap.catalog.adapters import adapter_in
from mechamap.catalog.weight_files import WEIGHT_KINDS, other_content, unfinished_download, without_weights
from mechamap.errors import ModelError, ModelNotFound, UnsupportedModel, WeightsError
from mechamap.system.content import unicode_encoding
from mechamap.system.json_files import parsed_json, read_json

__all__ = ["check_model_type", "check_tokenizer_files", "check_weight_files", "read_config", "weight_files"]


_TOKENIZER_FILES = ("tokenizer.json", "vocab.json", "vocab.txt", "merges.txt", "*.model", "*.tiktoken")
_TOKENIZER_CONFIGS = ("tokenizer_config.json", "special_tokens_map.json", "added_tokens.json")
_ONE_FILE = ("model.safetensors", "pytorch_model.bin")
_INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
_LOOKED_AT = 4096  # bytes
_COPY_AGAIN = "Copy or download the file again."


def read_config(folder: Path) -> dict[str, Any]:
    """The folder's config.json.

    Raises:
        ModelNotFound: there is none.
        ModelError: it is not JSON, with line and column.
        UnsupportedModel: it does not say which type of model it describes.
    """
    path = folder / "config.json"
    _refuse_other(path, "the config", ModelError)
    try:
        _refuse_marked(path)
        config = _json(path, "the config")
    except FileNotFoundError:
        raise ModelNotFound(f"{path} does not exist.", "A model folder holds a config.json.") from None
    except OSError as error:
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
    if missing := [path for path in files if not path.is_file()]:
        raise WeightsError(*_missing(folder, missing, len(files)))
    for path in files:
        _check_file(path)


def check_tokenizer_files(folder: Path) -> None:
    """Check that there is a tokenizer: transformers would silently make up an empty one.

    Raises:
        ModelError: there is none, or something else is in its place.
    """
    if not any(any(folder.glob(pattern)) for pattern in _TOKENIZER_FILES):
        raise ModelError(
            f"{folder} has no tokenizer: neither {', '.join(_TOKENIZER_FILES[:-1])} nor {_TOKENIZER_FILES[-1]}.",
            "Save the tokenizer into the folder as well (tokenizer.save_pretrained).",
        )
    for pattern in (*_TOKENIZER_FILES, *_TOKENIZER_CONFIGS):
        for path in folder.glob(pattern):
            if pattern != "merges.txt":  # may be empty
                _refuse_other(path, "the tokenizer", ModelError)
            if path.suffix == ".json":
                _refuse_marked(path)
    for name in _TOKENIZER_CONFIGS:
        if (path := folder / name).is_file():
            _json(path, "the tokenizer's config")


def weight_files(folder: Path) -> list[Path]:
    """The files that transformers would read, safetensors before .bin, one file before shards.

    Raises:
        WeightsError: there are none, or the index that lists them cannot be read.
    """
    for single, index in zip(_ONE_FILE, _INDEXES, strict=True):
        if (folder / single).is_file():
            return [folder / single]
        if (folder / index).is_file():
            return _listed(folder / index)
    if (adapter := adapter_in(folder)) is not None:
        raise WeightsError(f"{folder} holds {adapter.named} and no weights of a whole model.", adapter.advice)
    raise WeightsError(*without_weights(folder, (*_ONE_FILE, *_INDEXES)))


def _listed(index: Path) -> list[Path]:
    """The shards that an index lists."""
    _refuse_other(index, "the index of the weights", WeightsError)
    try:
        shards = sorted(set(read_json(index)["weight_map"].values()))
        paths = [index.parent / shard for shard in shards]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsError(f"{index} cannot be read as an index of weights: {error}.", _COPY_AGAIN) from None
    if not paths:
        raise WeightsError(f"{index} lists no weights.", _COPY_AGAIN)
    return paths


def _missing(folder: Path, missing: list[Path], count: int) -> tuple[str, str]:
    """What is said of shards that are not there."""
    part = unfinished_download(folder)
    again = f"{part.name} is of a download that has not finished: finish it." if part is not None else ""
    if len(missing) == count > 1:
        return (
            f"{folder} has none of the {count} files that its index of weights lists.",
            again or "Download them as well.",
        )
    others = f", and so {'is' if len(missing) == 2 else 'are'} {len(missing) - 1} more" if len(missing) > 1 else ""
    shards = "shard" if len(missing) == 1 else "shards"
    return (
        f"{missing[0]} is missing{others}: the index beside it lists {'it' if not others else 'them'}.",
        again or f"Download the missing {shards} as well.",
    )


def _refuse_other(path: Path, what: str, kind: type[ModelError], allowed: tuple[str, ...] = ()) -> None:
    """Refuse a file that holds something else: a Git LFS pointer, a web page, a packed file."""
    try:
        other = other_content(path, what, allowed)
    except OSError:  # reported where it is read
        return
    if other is not None:
        raise kind(*other)


def _refuse_marked(path: Path) -> None:
    """Refuse JSON that transformers cannot read: it takes UTF-8 without a byte order mark."""
    with path.open("rb") as file:
        start = file.read(_LOOKED_AT)
    encoding = unicode_encoding(start)
    if encoding is not None or start.startswith(b"\xef\xbb\xbf"):
        name = encoding[0] if encoding is not None else "utf-8"
        convert = f"iconv -f {name} -t utf-8 FILE > NEW" if encoding is not None else "tail -c +4 FILE > NEW"
        raise ModelError(
            f"{path} is in {name.upper()}{' with a byte order mark' if encoding is None else ''}; transformers reads "
            "UTF-8 without one.",
            f"Convert it: {convert}",
        )


def _json(path: Path, what: str) -> Any:
    """The value of a JSON file.

    Raises:
        FileNotFoundError: there is none.
        ModelError: it cannot be read, or is not JSON, with line and column.
    """
    try:
        return read_json(path)
    except json.JSONDecodeError as error:
        where = f"{path}:{error.lineno}:{error.colno}"
        raise ModelError(f"{where}: {what} is not JSON: {error.msg}.", _COPY_AGAIN) from None
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read: {error}.", _COPY_AGAIN) from None


def _check_file(path: Path) -> None:
    _refuse_other(path, "the weights", WeightsError, WEIGHT_KINDS)
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
            header = parsed_json(file.read(length))
            ends = [int(entry["data_offsets"][1]) for name, entry in header.items() if name != "__metadata__"]
        except (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError):
            raise WeightsError(f"{path} is damaged: its safetensors header is unreadable.", _COPY_AGAIN) from None
    expected = 8 + length + max(ends, default=0)
    if size < expected:
        raise WeightsError(
            f"{path} is cut short: it has {size:,} bytes, but its header says {expected:,}.", _COPY_AGAIN
        )
