"""Reading a checkpoint whole: the model with every weight from the file, and its tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.errors import ModelError, WeightsError
from mechamap.models import gguf
from mechamap.models.kinds import Kind, auto_class, is_left_out, kind_of

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["read_model", "read_tokenizer"]


def read_model(path: Path, dtype: torch.dtype | None, trust_remote_code: bool) -> tuple[nn.Module, Kind]:
    """The language model in a folder or GGUF file, on the CPU, and which kind it is.

    Args:
        path: a model folder or a ``.gguf`` file.
        dtype: the format to hold the weights in; None for the checkpoint's own.
        trust_remote_code: whether Python code in the folder may be run.

    Raises:
        UnsupportedModel: it is no language model.
        WeightsError: the file lacks weights, or has them in another shape than the config says.
    """
    from transformers import AutoConfig

    place = _place(path)
    config = AutoConfig.from_pretrained(**place, trust_remote_code=trust_remote_code)
    kind = kind_of(config, str(path))
    options = {"config": config, "dtype": dtype or "auto", "trust_remote_code": trust_remote_code}
    if "gguf_file" in place:
        options |= gguf.unpacking()
    model, info = auto_class(kind, config).from_pretrained(
        **place,
        **options,
        ignore_mismatched_sizes=True,  # refused below, by name; transformers would only say that there are some
        output_loading_info=True,
    )
    _refuse_gaps(path, info, kind)
    return model, kind


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


def _refuse_gaps(path: Path, info: Any, kind: Kind) -> None:
    """Refuse a model with weights that are not from the file: transformers fills such gaps with random numbers."""
    misshapen = [
        f"{name} {tuple(in_file)} instead of {tuple(in_model)}"
        for name, in_file, in_model in info.get("mismatched_keys", ())
    ]
    for problem, names in (
        ("lacks", sorted(name for name in info.get("missing_keys", ()) if not is_left_out(kind, name))),
        ("does not fit its config.json:", sorted(misshapen)),
    ):
        if names:
            more = f" and {len(names) - 4} more" if len(names) > 4 else ""
            raise WeightsError(
                f"The checkpoint in {path} {problem} {', '.join(names[:4])}{more}.",
                "A scan of made-up weights would mean nothing: get the whole checkpoint, or the config it belongs to.",
            )
