"""Reading GGUF files through transformers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from mechamap.catalog.weight_files import other_content
from mechamap.errors import MissingExtra, WeightsError
from mechamap.models.loading.gguf_header import check_header
from mechamap.system.leftovers import OwnFolder

__all__ = ["check_file", "place", "reading", "unpacking"]


_BEFORE_GGUF = (b"tjgg", b"lmgg", b"fmgg", b"algg")
_PACKAGES = ("gguf", "accelerate")


def check_file(path: Path) -> None:
    """Check that ``path`` is a GGUF file of a whole model and that what reads it is installed.

    Raises:
        WeightsError: it is not a GGUF file, cannot be read, or holds no weights or too few.
        UnsupportedModel: it holds something else than a model.
        MissingExtra: the ``gguf`` extra is not installed.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
        other = other_content(path, "a GGUF file", ("a model in GGUF",))
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from None
    if other is not None:
        raise WeightsError(*other)
    if start.startswith(_BEFORE_GGUF):
        raise WeightsError(
            f"{path} is not a GGUF file: it is in the GGML format of before, which is read no more.",
            "Get the model as GGUF, or in the format of transformers.",
        )
    if not start.startswith(b"GGUF"):
        raise WeightsError(f"{path} is not a GGUF file: it does not begin with GGUF.", "Download it again.")
    if start[4:7] == b"\0\0\0" and start[7:] != b"\0":  # the version, the other way round
        raise WeightsError(f"{path} is a GGUF file for big-endian machines.", "Get the one for little-endian machines.")
    check_header(path)
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Reading {path.name} needs {' and '.join(missing)}, not installed here.",
            "Install the extra: pip install 'mechamap[gguf]'",
        )


def place(path: Path) -> dict[str, str]:
    """The arguments that tell transformers where to find a model: in a folder, or in a GGUF file."""
    if path.suffix.lower() == ".gguf" and path.is_file():
        return {"pretrained_model_name_or_path": str(_alone(path.absolute())), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}


_FOLDERS: dict[Path, OwnFolder] = {}  # removed when the process ends


def _alone(path: Path) -> Path:
    """A folder in which nothing but the GGUF file is: transformers prefers a tokenizer that lies beside the file."""
    if path not in _FOLDERS:
        folder = OwnFolder("gguf")
        try:
            (folder.path / path.name).symlink_to(path)
        except OSError:  # Windows allows links to some users only
            folder.remove()
            return path.parent
        _FOLDERS[path] = folder
    return _FOLDERS[path].path


def unpacking() -> dict[str, Any]:
    """The arguments that make transformers unpack a GGUF file's weights, instead of keeping them packed."""
    try:
        from transformers import GgufConfig
    except ImportError:  # before transformers could keep them packed, it always unpacked them
        return {}
    return {"quantization_config": GgufConfig(dequantize=True)}


@contextmanager
def reading() -> Iterator[None]:
    """Make transformers read GGUF files quietly, and each only once.

    Its reader draws a progress bar that no setting turns off, and parses the whole vocabulary in Python for the config,
    again for the weights and again for the tokenizer; it also rebuilds a table of names for every module.
    Caching both halves the time. The replacements are in place inside the block only.
    """
    import gguf
    from transformers import modeling_gguf_pytorch_utils as reader

    replacements: list[tuple[Any, str, Any]] = [
        (gguf, "GGUFReader", cache(gguf.GGUFReader)),
        (gguf, "get_tensor_name_map", cache(gguf.get_tensor_name_map)),
    ]
    if hasattr(reader, "tqdm"):
        replacements.append((reader, "tqdm", partial(reader.tqdm, disable=True)))
    before = [getattr(module, name) for module, name, _ in replacements]
    for module, name, value in replacements:
        setattr(module, name, value)
    try:
        yield
    finally:
        for (module, name, _), value in zip(replacements, before, strict=True):
            setattr(module, name, value)
