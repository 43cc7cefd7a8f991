"""How many bytes a model's weights take once loaded, whole or without the blocks above the last scanned layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mechamap.models.loading.quantized import UNPACKED, packing_method
from mechamap.plan.shape import ModelShape
from mechamap.plan.source import ModelFiles, listed_bytes, stored_dtype

__all__ = ["ITEM_BYTES", "WeightBytes", "weight_bytes"]


ITEM_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}
BITS = {"int8": 8.1, "nf4": 4.6}  # of a weight, its share of the scales counted in


@dataclass(frozen=True, slots=True)
class WeightBytes:
    """What the weights take.

    Attributes:
        dtype: the number format that they are computed with.
        outside: bytes outside of the blocks that have neurons.
        blocks: bytes of each block that has neurons, in the model's order.
        packed: the method that packs them, empty where it is one number a weight.
        why: where the number format comes from, in words.
        stored: bytes of the files, None where they are not known.
        cast: whether they are copied into another number format when they are read.
    """

    dtype: str
    outside: int
    blocks: tuple[int, ...]
    packed: str
    why: str
    stored: int | None
    cast: bool

    @property
    def total(self) -> int:
        return self.outside + sum(self.blocks)

    def up_to(self, count: int) -> int:
        """Bytes with only the first ``count`` of the blocks."""
        return self.outside + sum(self.blocks[:count])

    @property
    def item(self) -> int:
        """Bytes of an activation."""
        return ITEM_BYTES.get(self.dtype, 4)


def weight_bytes(shape: ModelShape, files: ModelFiles, dtype: str, quantize: str | None = None) -> WeightBytes:
    """The weights of a model as a scan would hold them.

    Args:
        dtype: ``auto`` for the checkpoint's own, or the one that the scan asks for.
        quantize: ``int8`` or ``nf4`` where they are packed while they are read.
    """
    stored = files.bytes if files.weights else listed_bytes(files.path)
    own_dtype, why = _own_dtype(shape, files)
    in_memory = own_dtype if dtype == "auto" else dtype
    packing = packing_method({"quantization_config": dict(shape.quantization)})
    if packing and packing not in UNPACKED:
        return _packed(shape, in_memory, packing, stored)
    item = ITEM_BYTES.get(in_memory, 4)
    # What transformers keeps in float32 all the same is spread over all weights: it is little.
    each = item + shape.kept_float32.get(in_memory, 0) * (4 - item) / max(shape.parameters, 1)
    bits = BITS.get(quantize or "", 8 * each)
    in_file = stored_dtype(files.weights)
    return WeightBytes(
        dtype=in_memory,
        outside=round(shape.outside * each),
        blocks=tuple(
            round((layer.parameters - layer.packable) * each + layer.packable * bits / 8) for layer in shape.blocks
        ),
        packed=quantize or "",
        why=_reason(packing, why if dtype == "auto" else "as requested"),
        stored=stored,
        cast=files.source.kind == "gguf" or bool(packing or quantize) or in_file != in_memory,
    )


def _reason(packing: str | None, why: str) -> str:
    """Where the number format comes from, in words."""
    return f"unpacked from {packing}" if packing else why


def _own_dtype(shape: ModelShape, files: ModelFiles) -> tuple[str, str]:
    """The format that ``auto`` means, as transformers decides it, and where it comes from, in words."""
    if shape.dtype is not None:
        return shape.dtype, "as its config says"
    if files.source.kind == "gguf":
        return "float32", "what a GGUF file is unpacked to"
    if (dtype := stored_dtype(files.weights)) is not None:
        return dtype, "as its weights are kept"
    return "float32", "its config names none"


def _packed(shape: ModelShape, dtype: str, packing: str, stored: int | None) -> WeightBytes:
    """Weights that stay packed: as large as their files, else by the bits of a weight."""
    if stored is None:
        bits = _bits(shape.quantization)
        blocks = tuple(round(layer.parameters * bits / 8) for layer in shape.blocks)
        outside = shape.outside * ITEM_BYTES.get(dtype, 4)  # embeddings and norms are left as they are
    else:
        share = stored / max(shape.parameters, 1)
        blocks = tuple(round(layer.parameters * share) for layer in shape.blocks)
        outside = stored - sum(blocks)
    why = f"{packing}, {'as large as its files' if stored is not None else 'by its bits'}"
    return WeightBytes(dtype, outside, blocks, packing, why, stored, cast=False)


def _bits(quantization: Mapping[str, Any]) -> float:
    """Bits per weight, by a config's packing."""
    if quantization.get("load_in_8bit"):
        return BITS["int8"]
    if quantization.get("load_in_4bit"):
        return BITS["nf4"]
    return BITS["nf4"] if "4" in str(quantization.get("quant_type", "")) else BITS["int8"]
