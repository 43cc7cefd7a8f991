"""Reading GGUF files through transformers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from mechamap.errors import MissingExtra, WeightsError

__all__ = ["check_file", "reading", "unpacking"]


_PACKAGES = ("gguf", "accelerate")


def check_file(path: Path) -> None:
    """Check that ``path`` is a GGUF file and that what reads it is installed.

    Raises:
        WeightsError: it is not a GGUF file, or cannot be read.
        MissingExtra: the ``gguf`` extra is not installed.
    """
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror or error}.") from None
    if start != b"GGUF":
        raise WeightsError(f"{path} is not a GGUF file: it does not begin with GGUF.", "Download it again.")
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtra(
            f"Reading {path.name} needs {' and '.join(missing)}, not installed here.",
            "Install the extra: pip install 'mechamap[gguf]'",
        )


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
