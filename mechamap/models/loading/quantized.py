"""Checkpoints whose weights are packed into few bits, and packing weights while they are read."""

from __future__ import annotations

import importlib.util
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import MissingExtra, UnsupportedModel, UsageError, WeightsError

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = [
    "UNPACKED",
    "check_packing",
    "number_of_weights",
    "packing_method",
    "packing_of",
    "reading_packed",
    "with_readable_weights",
]


# The methods that can be read, and the packages that each needs besides transformers.
_PACKAGES = {
    "bitsandbytes": ("bitsandbytes", "accelerate"),
    "torchao": ("torchao", "accelerate"),
    "fp8": ("accelerate",),
    "mxfp8": ("accelerate",),
    "mxfp4": ("accelerate",),
}
# Their weights are unpacked while they are read: their kernels run on some cards only, and keep experts in places of
# their own.
UNPACKED = ("fp8", "mxfp8", "mxfp4")


def packing_method(config: dict[str, Any]) -> str:
    """How the weights are packed by a model's config.json, empty where they are not."""
    packing = config.get("quantization_config")
    if not isinstance(packing, dict):
        return ""
    if packing.get("load_in_8bit") or packing.get("load_in_4bit"):
        return "bitsandbytes"
    return str(packing.get("quant_method") or "")


def check_packing(path: Path, config: dict[str, Any], quantize: str | None) -> None:
    """Check that packed weights can be read here, or weights be packed. Needs no torch.

    Args:
        path: the model's folder, for messages.
        config: its config.json.
        quantize: ``int8`` or ``nf4`` to pack weights that are not packed yet; None to leave them as they are.

    Raises:
        UsageError: they are packed already.
        UnsupportedModel: MechaMap cannot read them.
        MissingExtra: a package that reads them is not installed.
    """
    method = packing_method(config)
    if method and quantize is not None:
        raise UsageError(
            f"The weights in {path} are packed already (by {method}), so they cannot be packed as {quantize}.",
            "Leave quantize out.",
        )
    if method and method not in _PACKAGES:
        raise UnsupportedModel(
            f"The weights in {path} are packed by {method}, which MechaMap cannot read.",
            f"Give the model's original weights, a GGUF file, or weights packed by {', '.join(_PACKAGES)}.",
        )
    packed_by = method if quantize is None else "bitsandbytes"
    needed = _PACKAGES[packed_by] if packed_by else ()
    missing = [name for name in needed if not _is_installed(name)]
    if missing:
        packed = f"are packed by {method}" if method else f"are to be packed as {quantize}"
        raise MissingExtra(
            f"The weights in {path} {packed}, which needs {' and '.join(missing)}, not installed here.",
            "Install the extra: pip install 'mechamap[quantized]'",
        )


def reading_packed(config: Any, target: torch.device, quantize: str | None) -> dict[str, Any]:
    """The arguments that make transformers read packed weights, or pack them while reading; none where neither applies.

    Args:
        config: the model's config, as transformers has it.
        target: the device to put them on. Packed weights are put there at once, since some cannot be moved.
        quantize: see :func:`check_packing`.
    """
    import transformers

    method = packing_method({"quantization_config": getattr(config, "quantization_config", None)})
    options: dict[str, Any] = {}
    if method in ("fp8", "mxfp8"):
        options["quantization_config"] = transformers.FineGrainedFP8Config(dequantize=True)
    elif method == "mxfp4":
        options["quantization_config"] = transformers.Mxfp4Config(dequantize=True)
    elif quantize == "int8":
        options["quantization_config"] = transformers.BitsAndBytesConfig(load_in_8bit=True)
    elif quantize == "nf4":
        options["quantization_config"] = transformers.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
    return options | {"device_map": {"": target}} if options or method else {}


def with_readable_weights(path: Path, model: nn.Module) -> None:
    """Keep bitsandbytes from packing its weights anew for the CPU in the first forward.

    That layout rounds more, needs sizes that are multiples of 32, and has no gradients.

    Raises:
        WeightsError: the config says that weights are packed, but those in the file are not.
    """
    for name, module in model.named_modules():
        weight: Any = getattr(module, "weight", None)
        needs = {"Linear8bitLt": "SCB", "Linear4bit": "quant_state"}.get(type(module).__name__)
        if needs is not None and getattr(weight, needs, None) is None:
            raise WeightsError(
                f"The config in {path} says that bitsandbytes packed the weights, but {name} in the file is not.",
                "Remove quantization_config from config.json if it belongs to another, packed model.",
            )
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def packing_of(model: nn.Module) -> str:
    """The format and method that most of a model's weights are packed with; empty where they are not packed."""
    counts: Counter[str] = Counter()
    for module in model.modules():
        weight: Any = getattr(module, "weight", None)
        match kind := type(weight).__name__:
            case "Int8Params":
                counts["int8 (bitsandbytes)"] += 1
            case "Params4bit":
                counts[f"{weight.quant_state.quant_type} (bitsandbytes)"] += 1
            case "Parameter" | "Tensor" | "NoneType":
                pass
            case _ if hasattr(weight, "dequantize"):
                counts[f"{kind} (torchao)"] += 1
    return counts.most_common(1)[0][0] if counts else ""


def number_of_weights(model: nn.Module) -> int:
    """The number of a model's weights, with tied ones counted once and packed ones each."""
    tied: Any = getattr(model, "all_tied_weights_keys", None) or {}
    different = {
        id(weights): weights for name, weights in model.named_parameters(remove_duplicate=False) if name not in tied
    }
    return sum(_number(weights) for weights in different.values())


def _number(weights: Any) -> int:
    packed: Any = getattr(weights, "quant_state", None)  # two to a byte
    number: int = weights.numel() if packed is None else packed.shape.numel()
    return number


def _is_installed(package: str) -> bool:
    try:
        return importlib.util.find_spec(package) is not None
    except ValueError:  # it is None in sys.modules
        return False
