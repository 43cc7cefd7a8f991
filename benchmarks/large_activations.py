"""The bundled GPT-2 with a residual stream as large as that of models many times its size, and the same function.

In GPT-2 a few dimensions of the residual stream are large at every position, and norms divide by little else. Here the
position embeddings get such a dimension, and each norm's gain and bias are changed so that what it gives stays about
the same: exactly, if its input had the same size at every position.
"""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from mechamap.config.schema import default_config

__all__ = ["save_with_large_activations"]


def save_with_large_activations(demo: Path, folder: Path, size: float = 30.0) -> tuple[float, float]:
    """Save a copy of the bundled model with one dimension of its residual stream raised by ``size`` everywhere.

    Returns:
        The loss on the default text before and after, in nats a token.
    """
    model: Any = AutoModelForCausalLM.from_pretrained(demo).eval()
    tokenizer: Any = AutoTokenizer.from_pretrained(demo)
    before, inputs = _read(model, tokenizer)
    last = inputs["transformer.ln_f"].mean(dim=0)  # [d_model]
    dimension = int(last.abs().argmax())  # the one that is largest anyway
    added = torch.zeros_like(last)
    added[dimension] = size * float(last[dimension].sign())
    model.transformer.wpe.weight.data += added
    for path, values in inputs.items():
        _adapt(model.get_submodule(path), values, added)
    after, _ = _read(model, tokenizer)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    shutil.copy(demo / "generation_config.json", folder)
    return before, after


def _adapt(norm: nn.LayerNorm, values: Tensor, added: Tensor) -> None:
    """Have a norm give about the same for ``values + added`` as it did for ``values``, ``[tokens, d_model]``."""
    inverse = (1 / values.std(dim=-1, correction=0)).mean()
    large = (1 / (values + added).std(dim=-1, correction=0)).mean()
    norm.weight.data *= inverse / large
    norm.bias.data -= norm.weight.data * (added - added.mean()) * large


@torch.no_grad()
def _read(model: Any, tokenizer: Any) -> tuple[float, dict[str, Tensor]]:
    """The mean loss over the default text, and what each norm was given behind the first position."""
    inputs: dict[str, list[Tensor]] = {}
    losses: list[Tensor] = []
    with ExitStack() as hooks:
        for path, module in model.named_modules():
            if isinstance(module, nn.LayerNorm):

                def before(_module: nn.Module, args: tuple[Any, ...], path: str = path) -> None:
                    inputs.setdefault(path, []).append(args[0][0, 1:])

                hooks.callback(module.register_forward_pre_hook(before).remove)
        for text in default_config().texts:
            ids = torch.tensor([[tokenizer.bos_token_id, *tokenizer(text)["input_ids"]][: model.config.n_positions]])
            logits = model(ids).logits[0, :-1]
            losses.append(nn.functional.cross_entropy(logits, ids[0, 1:], reduction="none"))
    return float(torch.cat(losses).mean()), {path: torch.cat(parts) for path, parts in inputs.items()}
