"""Tiny models whose weights are packed into few bits, saved the way people have them."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from support.tiny_models import save, save_tiny_model

WIDE = {"hidden_size": 64, "intermediate_size": 128, "head_dim": 16}  # blocks of 64 weights share a scale

PACKED = {
    "int8": "int8 (bitsandbytes)",
    "nf4": "nf4 (bitsandbytes)",
    "nf4-double": "nf4 (bitsandbytes)",
    "ao-int8": "Int8Tensor (torchao)",
    "ao-int8-dynamic": "Int8Tensor (torchao)",
    "ao-int4": "IntxUnpackedToInt8Tensor (torchao)",
}
"""How a checkpoint can be packed here, and what :class:`mechamap.models.loaded.LoadedModel` calls it."""

# What people get the packages' advice about, and a test's output must not have.
for _name in ("torchao", "bitsandbytes", "torch.utils._pytree"):
    logging.getLogger(_name).setLevel(logging.CRITICAL)


def save_packed(folder: Path, how: str, dtype: str = "float32", model_type: str = "llama") -> Path:
    """A random model of ``model_type``, packed and saved in ``folder``."""
    import torch
    from transformers import AutoModelForCausalLM

    whole = save_tiny_model(folder.with_name(f"{folder.name}-whole"), model_type, **WIDE)
    model = AutoModelForCausalLM.from_pretrained(whole, dtype=getattr(torch, dtype), quantization_config=_settings(how))
    return save(model, folder)


def _settings(how: str) -> Any:
    import torch
    from torchao.quantization import Int8DynamicActivationInt8WeightConfig, Int8WeightOnlyConfig, IntxWeightOnlyConfig
    from transformers import BitsAndBytesConfig, TorchAoConfig

    match how:
        case "int8":
            return BitsAndBytesConfig(load_in_8bit=True)
        case "nf4":
            return BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4")
        case "nf4-double":
            return BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type="nf4",
                bnb_4bit_use_double_quant=True,
                bnb_4bit_compute_dtype=torch.bfloat16,
            )
        case "ao-int8":
            return TorchAoConfig(Int8WeightOnlyConfig())
        case "ao-int8-dynamic":
            return TorchAoConfig(Int8DynamicActivationInt8WeightConfig())
        case "ao-int4":
            return TorchAoConfig(IntxWeightOnlyConfig(torch.int4))
    raise ValueError(how)


def change_config(folder: Path, **changes: object) -> None:
    """Set keys of a saved model's config.json; None takes one out."""
    path = folder / "config.json"
    config = {**json.loads(path.read_text()), **changes}
    path.write_text(json.dumps({key: value for key, value in config.items() if value is not None}))
