"""What a model predicts behind a prompt, for many rows at once that are steered in different ways."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mechamap.capture.batches import batch_tokens
from mechamap.checks.causes.target_words import logits_at
from mechamap.errors import Cancelled
from mechamap.models.loaded import LoadedModel
from mechamap.steering.hooks import NeuronChange, Reach, Reading, steered
from mechamap.steering.prompt import Prompt

__all__ = ["POSITIONS", "Changes", "Predicted", "Wanted", "predictions", "stop_if_cancelled"]


POSITIONS = 64  # over the last so many of the steered positions of a prompt what is predicted is averaged
_LOGIT_BYTES = {"cuda": 2**31}  # of one batch
_FEW_BYTES = 2**28

Changes = Sequence[NeuronChange]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is wanted of each row's prediction.

    Attributes:
        words: ``[words]`` tokens whose log probabilities are compared with those of the untouched model.
        top: how many of the most probable tokens.
        mean_kl: whether the divergence is averaged over positions too.
    """

    words: Tensor
    top: int = 5
    mean_kl: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Predicted:
    """What rows predict; not finite where the model broke. Means are over the last :data:`POSITIONS` steered positions.

    Attributes:
        shifts: ``[rows, words]`` float64, mean change of log probability from the untouched model, in nats.
        overall: ``[rows]``, the same of all tokens of the vocabulary.
        top_p: ``[rows, top]`` float64, probabilities of the most probable tokens behind the prompt, the largest first.
        top_ids: ``[rows, top]``, these tokens.
        kl: ``[rows]`` float64, Kullback-Leibler divergence of the next token's distribution behind the prompt from the
            untouched one, KL(untouched || steered), in nats.
        kl_mean: ``[rows]``, its mean; NaN where not wanted.
    """

    shifts: Tensor
    overall: Tensor
    top_p: Tensor
    top_ids: Tensor
    kl: Tensor
    kl_mean: Tensor

    @classmethod
    def joined(cls, batches: Sequence[Predicted]) -> Predicted:
        """Rows of several batches, one after another."""
        names = ("shifts", "overall", "top_p", "top_ids", "kl", "kl_mean")
        return cls(*(torch.cat([getattr(batch, name) for batch in batches]) for name in names))


def predictions(
    loaded: LoadedModel,
    prompt: Prompt,
    rows: Sequence[Changes],
    reach: Reach,
    wanted: Wanted,
    *,
    cancel: threading.Event | None = None,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Predicted:
    """Read the prompt once for each row, as many rows in a forward as one takes, one untouched beside them.

    In half precision a row's result depends on the shape of its batch; so each batch has an untouched row of its own,
    with which its others are compared.

    Args:
        rows: the changes of each row.
        on_batch: called with how many rows are done, of how many.

    Raises:
        Cancelled: ``cancel`` was set.
    """
    positions = _positions(prompt, reach)
    device = loaded.device.type
    row_bytes = 4 * loaded.vocabulary * len(positions)
    room = min(batch_tokens(device) // prompt.length, _LOGIT_BYTES.get(device, _FEW_BYTES) // row_bytes) - 1
    batches: list[Predicted] = []
    for first in range(0, max(len(rows), 1), max(room, 1)):
        stop_if_cancelled(cancel)
        on_batch(first, len(rows))
        chunk: list[Changes] = [(), *rows[first : first + max(room, 1)]]
        batches.append(_compared(_logits(loaded, prompt, chunk, reach, positions), wanted))
    return Predicted.joined(batches)


def _positions(prompt: Prompt, reach: Reach) -> Tensor:
    """The last of the steered positions of a prompt, ``[positions]``."""
    end = prompt.length if reach.end is None else reach.end
    return torch.arange(max(reach.first, end - POSITIONS), end)


def _logits(loaded: LoadedModel, prompt: Prompt, rows: Sequence[Changes], reach: Reach, positions: Tensor) -> Tensor:
    """``[rows, positions, vocabulary]`` float32."""
    count = len(rows)
    take = (positions + prompt.length * torch.arange(count)[:, None]).ravel().to(loaded.device)
    ids = prompt.ids.expand(count, -1)  # [rows, length]
    reading = Reading(0, prompt.length)
    with torch.inference_mode(), steered(loaded, rows, reach, reading), logits_at(loaded, take):
        logits: Tensor = loaded.model(input_ids=ids, attention_mask=torch.ones_like(ids), use_cache=False).logits
    return logits.reshape(count, len(positions), -1).float()


def _compared(logits: Tensor, wanted: Wanted) -> Predicted:
    """What rows predict beside the first of them, which is untouched.

    Args:
        logits: ``[1 + rows, positions, vocabulary]``.
    """
    with torch.inference_mode():
        total = torch.logsumexp(logits, dim=-1)  # [1 + rows, positions]
        words = logits[..., wanted.words.to(logits.device)] - total[..., None]  # [1 + rows, positions, words]
        overall = logits.mean(dim=-1) - total  # [1 + rows, positions]
        last = logits[:, -1] - total[:, -1:]  # [1 + rows, vocabulary]
        kl = _divergence(last[0], last[1:])  # [rows]
        p, ids = last[1:].exp().topk(min(wanted.top, last.shape[1]))
        mean = torch.full_like(kl, torch.nan)
        if wanted.mean_kl:
            untouched = logits[0] - total[0, :, None]  # [positions, vocabulary]
            for number in range(len(kl)):  # one by one: a row's log probabilities are as large as its logits
                row = logits[1 + number] - total[1 + number, :, None]
                mean[number] = _divergence(untouched, row).mean()
        figures = ((words[1:] - words[0]).mean(dim=1), (overall[1:] - overall[0]).mean(dim=1), p)
        shifts, changed, p = (figure.double().cpu() for figure in figures)
    return Predicted(shifts, changed, p, ids.cpu(), kl.cpu(), mean.cpu())


def _divergence(untouched: Tensor, changed: Tensor) -> Tensor:
    """KL(untouched || changed) over the last dimension of log probabilities, float64."""
    p = untouched.exp()
    # A token that the model rules out has probability 0 in both: its term is 0, not 0 * (inf - inf).
    terms = torch.where(p > 0, p * (untouched - changed), 0)
    return terms.sum(dim=-1, dtype=torch.float64).clamp(min=0)


def stop_if_cancelled(cancel: threading.Event | None) -> None:
    """Raise :class:`mechamap.errors.Cancelled` if that was asked for."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("Steering was cancelled; nothing was changed.")
