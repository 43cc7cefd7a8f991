"""Reading a checkpoint whole: the model with every weight from the file, and its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import ModelError, UnsupportedModel, WeightsError
from mechamap.models import gguf
from mechamap.models.architectures import DOWN_PROJECTIONS

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["read_model", "read_tokenizer"]


def read_model(path: Path, dtype: torch.dtype | None, trust_remote_code: bool) -> nn.Module:
    """The causal language model in a folder or GGUF file, on the CPU.

    Args:
        path: a model folder or a ``.gguf`` file.
        dtype: the format to hold the weights in; None for the checkpoint's own.
        trust_remote_code: whether Python code in the folder may be run.

    Raises:
        UnsupportedModel: it is no causal language model.
        WeightsError: the file lacks weights, or has them in another shape than the config says.
    """
    from transformers import AutoConfig, AutoModelForCausalLM

    place = _place(path)
    config = AutoConfig.from_pretrained(**place, trust_remote_code=trust_remote_code)
    _refuse_other_kinds(path, config)
    options = {"config": config, "dtype": dtype or "auto", "trust_remote_code": trust_remote_code}
    if "gguf_file" in place:
        options |= gguf.unpacking()
    model, info = AutoModelForCausalLM.from_pretrained(
        **place,
        **options,
        ignore_mismatched_sizes=True,  # refused below, by name; transformers would only say that there are some
        output_loading_info=True,
    )
    _refuse_gaps(path, info)
    loaded: nn.Module = model
    return loaded


def read_tokenizer(path: Path, trust_remote_code: bool) -> Any:
    """The tokenizer beside the model, one that gives the characters each token stands for.

    Raises:
        ModelError: it is a slow tokenizer, which cannot.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(**_place(path), trust_remote_code=trust_remote_code)
    if not tokenizer.is_fast:
        raise ModelError(
            f"The tokenizer of {path} ({type(tokenizer).__name__}) does not say which characters a token stands for, "
            "so words cannot be found in the text.",
            "Give a model with a fast tokenizer (one with a tokenizer.json).",
        )
    return tokenizer


def _place(path: Path) -> dict[str, str]:
    """How transformers is told where a model lies."""
    if path.suffix.lower() == ".gguf" and path.is_file():
        return {"pretrained_model_name_or_path": str(path.parent), "gguf_file": path.name}
    return {"pretrained_model_name_or_path": str(path)}


def _refuse_other_kinds(path: Path, config: Any) -> None:
    """Refuse what is not a causal language model: vision models, encoders, encoder-decoders.

    transformers loads some encoders as causal models too (BertLMHeadModel), without the mask that makes one.
    """
    from transformers import AutoModelForCausalLM

    built_as = ", ".join(getattr(config, "architectures", None) or []) or type(config).__name__
    what = f"{path} is a {config.model_type} model ({built_as})"
    hint = "MechaMap scans causal language models: GPT-2, Pythia, Llama, Qwen, Gemma, ..."
    if getattr(config, "is_encoder_decoder", False):
        raise UnsupportedModel(f"{what}, an encoder-decoder, not a causal language model.", hint)
    # Some decoders (GPT-NeoX) carry that flag too, unset, so it speaks only for types the table does not know.
    if getattr(config, "is_decoder", None) is False and config.model_type not in DOWN_PROJECTIONS:
        raise UnsupportedModel(f"{what}, an encoder, not a causal language model.", hint)
    has_own_code = "AutoModelForCausalLM" in (getattr(config, "auto_map", None) or {})
    if type(config) not in AutoModelForCausalLM._model_mapping and not has_own_code:
        raise UnsupportedModel(f"{what}, not a causal language model.", hint)


def _refuse_gaps(path: Path, info: Any) -> None:
    """Refuse a model with weights that are not from the file: transformers fills such gaps with random numbers."""
    misshapen = [
        f"{name} {tuple(in_file)} instead of {tuple(in_model)}"
        for name, in_file, in_model in info.get("mismatched_keys", ())
    ]
    for problem, names in (
        ("lacks", sorted(info.get("missing_keys", ()))),
        ("does not fit its config.json:", sorted(misshapen)),
    ):
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise WeightsError(
                f"The checkpoint in {path} {problem} {', '.join(names[:4])}{more}.",
                "A scan of made-up weights would mean nothing: get the whole checkpoint, or the config it belongs to.",
            )
