"""What a GGUF file holds, read from its header in milliseconds, and whether that is the weights of a whole model.

The reader of the ``gguf`` package makes an object of every word in the vocabulary, which takes seconds; here lists are
stepped over. Layout: magic, version, counts of tensors and of keys; the keys with their values; the tensors' names,
shapes, formats and offsets (https://github.com/ggml-org/ggml/blob/master/docs/gguf.md).
"""

from __future__ import annotations

import mmap
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path

from mechamap.errors import UnsupportedModel, WeightsError
from mechamap.wording.amounts import layer_ranges

__all__ = ["GgufHeader", "check_header", "read_header"]


Value = int | float | bool | str

_STRING, _ARRAY = 8, 9
_FORMATS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_LONGEST = 4096  # bytes of a text that is kept; a chat template may be longer

_BLOCK = re.compile(r"(?:^|\.)blk\.(\d+)\.")
_WHOLE_MODEL = "Give the .gguf file of the whole model."
_OTHER_FILES = {
    "adapter": "a LoRA adapter, which changes the weights of another model, and no model itself",
    "mmproj": "the vision or audio part of a model, without the language model",
    "clip": "the vision or audio part of a model, without the language model",
    "imatrix": "statistics for quantizing a model (an importance matrix), without its weights",
    "controlvector": "a control vector, which is added to the activations of a model, and no model itself",
}
"""What files hold that are no models, by their ``general.type`` or ``general.architecture``."""


_OTHER_TENSORS = (
    (re.compile(r"\.lora_[ab]$"), "adapter"),
    (re.compile(r"\.(in_sum2|counts)$"), "imatrix"),
    (re.compile(r"^(v|a|mm)\."), "mmproj"),
    (re.compile(r"^direction\.\d+$"), "controlvector"),
)
"""The same by what all of their tensors are called, for files whose header does not say."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """A GGUF file's keys and tensors.

    Attributes:
        values: its keys with their values, without lists and long texts.
        tensors: how many weights each of its tensors has, by name.
    """

    values: Mapping[str, Value]
    tensors: Mapping[str, int]

    @property
    def parameters(self) -> int:
        """How many weights there are in the file."""
        return sum(self.tensors.values())

    def text(self, key: str) -> str:
        """A key's value; empty where it is missing or no text."""
        value = self.values.get(key)
        return value if isinstance(value, str) else ""

    def number(self, key: str) -> int:
        """A key's value; 0 where it is missing, or no whole number."""
        value = self.values.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else 0

    def size(self, key: str) -> int:
        """A size of the model, as in ``block_count``; 0 where the file does not say, or says one for each block."""
        return self.number(f"{self.text('general.architecture')}.{key}")


def read_header(path: Path) -> GgufHeader | None:
    """The header of a GGUF file, None where it cannot be read."""
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _header(data)
    except (OSError, ValueError, KeyError, RecursionError, OverflowError, struct.error):
        return None


def check_header(path: Path) -> None:
    """Check that a GGUF file holds the weights of a whole model: transformers fills gaps with random numbers.

    A header that cannot be read is left to the reader of the weights.

    Raises:
        UnsupportedModel: it holds something else than a model.
        WeightsError: it holds no weights, or fewer than its own sizes need.
    """
    header = read_header(path)
    if header is None:
        return
    kind, architecture = header.text("general.type"), header.text("general.architecture")
    by_tensors = next(
        (
            other
            for names, other in _OTHER_TENSORS
            if header.tensors and all(names.search(name) for name in header.tensors)
        ),
        "",
    )
    if other := _OTHER_FILES.get(kind) or _OTHER_FILES.get(architecture) or _OTHER_FILES.get(by_tensors):
        raise UnsupportedModel(f"{path} holds {other}.", _WHOLE_MODEL)
    if kind not in ("", "model") and not header.tensors:
        raise UnsupportedModel(f"{path} is of the type {kind} by its header, and holds no weights.", _WHOLE_MODEL)
    _check_split(path, header)
    if not header.tensors:
        raise WeightsError(
            f"{path} holds no weights: its header lists no tensor, as in a file with a vocabulary alone.", _WHOLE_MODEL
        )
    _check_blocks(path, header)


def _check_blocks(path: Path, header: GgufHeader) -> None:
    """Refuse a file with fewer weights than the sizes in its header need.

    Raises:
        WeightsError: it has.
    """
    blocks = header.size("block_count")
    if header.text("general.architecture") == "deci":  # some of its blocks have no weights at all
        return
    there = {int(block.group(1)) for name in header.tensors if (block := _BLOCK.search(name))}
    own = blocks - header.size("nextn_predict_layers")  # those behind predict further tokens, and may be left out
    if missing := [block for block in range(own) if block not in there]:
        raise WeightsError(
            f"{path} lacks the weights of blocks {layer_ranges(missing)}: its header says that there are {blocks}.",
            f"It may be a part of a model. {_WHOLE_MODEL}",
        )
    # Of each block's MLP at least what reads and what writes; experts have more. RWKV calls its MLPs otherwise.
    least = 2 * own * header.size("embedding_length") * header.size("feed_forward_length")
    in_mlps = sum(weights for name, weights in header.tensors.items() if ".ffn_" in name or ".channel_mix_" in name)
    if in_mlps < least:
        raise WeightsError(
            f"{path} holds {in_mlps:,} weights of MLPs: by the sizes in its header, there are {least:,} or more.",
            f"It may be a part of a model. {_WHOLE_MODEL}",
        )


def _check_split(path: Path, header: GgufHeader) -> None:
    """Refuse a part of a model that is split over several files: each is read for itself.

    Raises:
        WeightsError: it is one.
    """
    parts, number = header.number("split.count"), header.number("split.no") + 1
    all_tensors = header.number("split.tensors.count")
    if parts > 1 or all_tensors > len(header.tensors) > 0:
        of = f"file {number} of {parts} of a split model" if parts > 1 else "a part of a split model"
        tensors = f", with {len(header.tensors):,} of its {all_tensors:,} tensors" if all_tensors else ""
        raise WeightsError(
            f"{path} is {of}{tensors}.",
            "Merge the files into one with llama-gguf-split first, and give that one.",
        )


def _header(data: mmap.mmap) -> GgufHeader | None:
    magic, version, tensors, keys = struct.unpack_from("<4sIQQ", data, 0)
    if magic != b"GGUF" or version < 2:
        return None
    offset = 24
    values: dict[str, Value] = {}
    for _ in range(keys):
        key, offset = _text(data, offset)
        (kind,) = struct.unpack_from("<I", data, offset)
        offset += 4
        if kind == _STRING:
            value, offset = _text(data, offset)
            values[key] = value
        elif kind == _ARRAY:
            offset = _behind_array(data, offset)
        else:
            (values[key],) = struct.unpack_from(f"<{_FORMATS[kind]}", data, offset)
            offset += struct.calcsize(f"<{_FORMATS[kind]}")
    sizes: dict[str, int] = {}
    for _ in range(tensors):
        name, offset = _text(data, offset)
        (dimensions,) = struct.unpack_from("<I", data, offset)
        sizes[name] = prod(struct.unpack_from(f"<{dimensions}Q", data, offset + 4))
        offset += 4 + 8 * dimensions + 12
    return GgufHeader(values, sizes) if offset <= len(data) else None


def _behind_array(data: mmap.mmap, offset: int) -> int:
    kind, count = map(int, struct.unpack_from("<IQ", data, offset))
    offset += 12
    if kind not in (_STRING, _ARRAY):
        return offset + count * struct.calcsize(f"<{_FORMATS[kind]}")
    for _ in range(count):
        if kind == _ARRAY:
            offset = _behind_array(data, offset)
        else:
            (length,) = struct.unpack_from("<Q", data, offset)
            offset += 8 + int(length)
    return offset


def _text(data: mmap.mmap, offset: int) -> tuple[str, int]:
    """A text, its first part where it is long, and the offset behind it."""
    (length,) = struct.unpack_from("<Q", data, offset)
    offset += 8
    return bytes(data[offset : offset + min(length, _LONGEST)]).decode("utf-8", "replace"), offset + int(length)
