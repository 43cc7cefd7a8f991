"""Text that a model goes on with, for several rows at once that are steered in different ways.

All rows begin with the same prompt, so that none is padded. Keys and values are kept from token to token where the
model hands them over; else all that was written so far is read again for each token.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mechamap.checks.causes.target_words import logits_at
from mechamap.models.loaded import LoadedModel
from mechamap.steering.hooks import Reach, Reading, steered
from mechamap.steering.next_token import Changes, stop_if_cancelled
from mechamap.steering.prompt import Prompt

__all__ = ["Sampling", "generated"]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How tokens are chosen.

    Attributes:
        tokens: how many, at most.
        temperature: 0: always the most probable one.
        seed: of the draws, which are the same for all rows: what differs between them is what steering did.
    """

    tokens: int
    temperature: float = 0.0
    seed: int = 0


def generated(
    loaded: LoadedModel,
    prompt: Prompt,
    rows: Sequence[Changes],
    reach: Reach,
    sampling: Sampling,
    *,
    cancel: threading.Event | None = None,
    on_token: Callable[[int, int], None] = lambda done, total: None,
) -> list[list[int]]:
    """The tokens that each row goes on with, up to the one that ends a text.

    A row whose logits are not finite ends there.

    Args:
        rows: the changes of each row.
        reach: which positions are steered; where it has no end, those that are written too.
        on_token: called with how many tokens are done, of how many.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    if not rows or sampling.tokens < 1:
        return [[] for _ in rows]
    noise = torch.Generator().manual_seed(sampling.seed)
    ends = _ends(loaded)
    running = [True] * len(rows)
    written: list[list[int]] = [[] for _ in rows]
    reading = Reading()
    whole = prompt.ids.expand(len(rows), -1)  # [rows, length]
    cache: Any = None
    with torch.inference_mode(), steered(loaded, rows, reach, reading):
        for step in range(sampling.tokens):
            stop_if_cancelled(cancel)
            on_token(step, sampling.tokens)
            logits, cache = _next_logits(loaded, whole, cache, reading)  # [rows, vocabulary]
            finite = torch.isfinite(logits).any(dim=1) & ~torch.isnan(logits).any(dim=1)  # [rows]
            chosen = _chosen(logits.nan_to_num(), sampling.temperature, noise)  # [rows]
            for row, (token, is_finite) in enumerate(zip(chosen.tolist(), finite.tolist(), strict=True)):
                running[row] = running[row] and is_finite and token not in ends
                if running[row]:
                    written[row].append(token)
            if not any(running):
                break
            whole = torch.cat([whole, chosen[:, None].to(whole.device)], dim=1)  # [rows, length + step + 1]
    return written


def _next_logits(loaded: LoadedModel, whole: Tensor, cache: Any, reading: Reading) -> tuple[Tensor, Any]:
    """The logits of the next token, ``[rows, vocabulary]`` float32 on the CPU, and the keys and values so far."""
    rows, length = whole.shape
    first = length - 1 if cache is not None else 0
    reading.first, reading.length = first, length - first
    ids = whole[:, first:]
    last = torch.arange(1, rows + 1, device=loaded.device) * (length - first) - 1  # [rows]
    kept = {} if cache is None else {"past_key_values": cache}
    with logits_at(loaded, last):
        answer = loaded.model(input_ids=ids, attention_mask=torch.ones_like(whole), use_cache=True, **kept)
    logits: Tensor = answer.logits
    return logits.reshape(rows, -1).float().cpu(), getattr(answer, "past_key_values", None)


def _chosen(logits: Tensor, temperature: float, noise: torch.Generator) -> Tensor:
    """The next token of each row, ``[rows]``.

    A sample of softmax(logits / temperature) is the largest of logits / temperature + Gumbel noise (Gumbel, 1954).
    """
    if temperature <= 0:
        return logits.argmax(dim=1)
    uniform = torch.rand(logits.shape[1], generator=noise, dtype=torch.float64).clamp(1e-300, 1 - 1e-16)  # [vocabulary]
    return (logits.double() / temperature - (-uniform.log()).log()).argmax(dim=1)


def _ends(loaded: LoadedModel) -> frozenset[int]:
    """The tokens that end a text."""
    model: Any = loaded.model
    config = getattr(model, "generation_config", None) or model.config
    named = getattr(config, "eos_token_id", None)
    ends = named if isinstance(named, (list, tuple)) else [named, loaded.tokenizer.eos_token_id]
    return frozenset(token for token in ends if isinstance(token, int))
