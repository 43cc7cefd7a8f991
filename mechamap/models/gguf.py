"""Reading GGUF files through transformers."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from mechamap.errors import MissingExtra, WeightsError

__all__ = ["check_file", "unpacking", "without_bar"]

_PACKAGES = ("gguf", "accelerate")


def check_file(path: Path) -> None:
    """See that ``path`` is a GGUF file and that what reads it is installed.

    Raises:
        WeightsError: it does not begin like one, or cannot be read.
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
    """What makes transformers unpack a GGUF file's weights, instead of keeping them packed in its own modules."""
    try:
        from transformers import GgufConfig
    except ImportError:  # before transformers could keep them packed, it always unpacked them
        return {}
    return {"quantization_config": GgufConfig(dequantize=True)}


@contextmanager
def without_bar() -> Iterator[None]:
    """No progress bar: transformers' GGUF reader draws its progress bar past every switch: hand it one that is off."""
    try:
        from transformers import modeling_gguf_pytorch_utils as reader
    except ImportError:  # a transformers without that reader has no bar either
        yield
        return
    drawn = getattr(reader, "tqdm", None)
    if drawn is None:
        yield
        return
    reader.tqdm = partial(drawn, disable=True)
    try:
        yield
    finally:
        reader.tqdm = drawn
