"""A text's windows in batches, as a model takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.text import TokenizedText, Window

__all__ = ["BATCH_TOKENS", "Batch", "window_batches"]

# Tokens of one forward, padding included. On a CPU larger batches are no faster; on a GPU they are.
BATCH_TOKENS = {"cpu": 4096, "cuda": 16384, "mps": 4096}


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows padded to one length on the right, where causal attention never looks back from."""

    ids: Tensor  # [windows, length]
    mask: Tensor  # [windows, length], 0 at padding
    positions: NDArray[np.int64]  # [windows, length] in the numbering of the text, -1 at padding
    take: Tensor  # [wanted positions of the batch] into windows * length


def window_batches(tokenized: TokenizedText, wanted: NDArray[np.bool_], size: int, device: torch.device) -> list[Batch]:
    """Consecutive windows in batches of at most ``size`` tokens, at least one window each.

    Args:
        wanted: ``[positions]``, which of them each batch's ``take`` picks.
    """
    return [_batch(windows, tokenized, wanted, device) for windows in _grouped(tokenized.windows, size)]


def _grouped(windows: Sequence[Window], size: int) -> Iterator[list[Window]]:
    """Consecutive windows whose padded size stays within ``size`` tokens, at least one at a time."""
    group: list[Window] = []
    longest = 0
    for window in windows:
        longest = max(longest, window.length)
        if group and longest * (len(group) + 1) > size:
            yield group
            group, longest = [], window.length
        group.append(window)
    if group:
        yield group


def _batch(
    windows: Sequence[Window], tokenized: TokenizedText, wanted: NDArray[np.bool_], device: torch.device
) -> Batch:
    shape = len(windows), max(window.length for window in windows)
    positions = np.full(shape, -1, np.int64)
    for row, window in enumerate(windows):
        positions[row, : window.length] = np.arange(window.start, window.start + window.length)
    there = positions >= 0
    return Batch(
        ids=torch.from_numpy(np.where(there, tokenized.ids[positions], 0).astype(np.int64)).to(device),
        mask=torch.from_numpy(there.astype(np.int64)).to(device),
        positions=positions,
        take=torch.from_numpy(np.flatnonzero(there & wanted[positions])).to(device),
    )
