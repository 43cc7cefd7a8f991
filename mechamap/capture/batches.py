"""A text's windows in batches, as a model takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mechamap.errors import UnsupportedModel
from mechamap.models.reading import Reading
from mechamap.text.tokenize import TokenizedText, Window

__all__ = ["BATCH_TOKENS", "Batch", "batch_tokens", "padded_length", "sorted_batches", "window_batches"]


# Tokens of one forward, padding included. On a CPU larger batches are no faster; on a GPU they are.
BATCH_TOKENS = {"cpu": 4096, "cuda": 16384, "mps": 4096}

# Keys and values of so many tokens take about as much memory in attention as running one of them takes in the MLP.
_READ_PER_RUN = 4

_DECODER = Reading()


def batch_tokens(device: str) -> int:
    """The most tokens of one forward on a type of device."""
    return BATCH_TOKENS.get(device, BATCH_TOKENS["cpu"])


@dataclass(frozen=True, slots=True)
class Batch:
    """Windows padded to one length on the right."""

    ids: Tensor  # [windows, length]
    mask: Tensor  # [windows, length], 0 at padding
    positions: NDArray[np.int64]  # [windows, length] in the numbering of the text, -1 at padding
    take: Tensor  # [wanted positions of the batch] into windows * length
    reading: Reading

    @property
    def inputs(self) -> dict[str, Any]:
        """What the model's forward is called with."""
        return self.reading.inputs(self.ids, self.mask)

    def take_for(self, side: str, rows: int) -> Tensor:
        """Where the wanted positions are among the rows of a module's activations, ``[wanted positions]``.

        Args:
            side: ``decoder`` for a layer of a decoder beside an encoder, which reads a start token first; else
                ``encoder`` or empty.
            rows: how many there are, window by window: as many as the windows have tokens, or more where the model
                pads them (to a multiple of its attention window) or goes on predicting behind them.

        Raises:
            UnsupportedModel: there are too few, or not as many of each window: they stand for no tokens.
        """
        if self.reading.shift and not side:
            raise UnsupportedModel(
                "A layer's path does not say whether it is the encoder's or the decoder's, which read a text one token "
                "apart.",
                'Name the paths of both sides: neurons: "model.encoder.layers.{layer}.fc2 ..." in the config.',
            )
        windows, length = self.ids.shape
        shift = self.reading.front + (self.reading.shift if side == "decoder" else 0)
        stride = rows // windows
        if rows % windows or stride < length + shift:
            raise UnsupportedModel(
                f"A layer has {rows:,} rows of activations for {windows} windows of {length + shift} tokens, so the "
                "token of each row is unknown.",
                "Models that shorten the sequence internally cannot be scanned.",
            )
        if stride == length:
            return self.take
        window, place = self.take // length, self.take % length
        return window * stride + place + shift


def window_batches(
    tokenized: TokenizedText,
    position_mask: NDArray[np.bool_],
    size: int,
    device: torch.device,
    reading: Reading = _DECODER,
    *,
    prefix: int = 0,
    padding: int | None = None,
) -> list[Batch]:
    """Consecutive windows in batches of at most ``size`` tokens, at least one window each.

    Args:
        position_mask: ``[positions]``, which of them each batch's ``take`` picks.
        reading: how the model reads; a decoder where not given.
        prefix: how many tokens stand before each window that attention reads but that are not run.
        padding: how many tokens of padding a longer window may add to those before it; any number where not given.
    """
    limits = _Limits(size, 0 if reading.equal_lengths else padding, prefix)
    groups = _grouped(tokenized.windows, limits)
    return [_batch(windows, tokenized, position_mask, device, reading) for windows in groups]


def padded_length(length: int) -> int:
    """The length that a window of ``length`` tokens is padded to among windows of about its length: at most an eighth
    more."""
    step = max(8, 1 << max((length // 8).bit_length() - 1, 0))
    return -(-length // step) * step


def sorted_batches(
    tokenized: TokenizedText,
    position_mask: NDArray[np.bool_],
    size: int,
    device: torch.device,
    reading: Reading = _DECODER,
) -> Iterator[Batch]:
    """Windows in batches of at most ``size`` tokens, at least one window each, those of one length together.

    How far a window is padded depends on the window alone: so its activations are the same, bit for bit, whichever
    other windows are in its batch, as far as the device's products of matrices have that property.

    Args:
        position_mask: ``[positions]``, which of them each batch's ``take`` picks.
        reading: how the model reads; a decoder where not given.
    """
    limit = tokenized.exclusions.window or max((window.length for window in tokenized.windows), default=0)
    by_length: dict[int, list[Window]] = {}
    for window in tokenized.windows:
        length = window.length if reading.equal_lengths else min(padded_length(window.length), limit)
        by_length.setdefault(length, []).append(window)
    for length in sorted(by_length, reverse=True):  # the largest first: what they need is known at once
        windows = by_length[length]
        count = max(size // length, 1)
        for first in range(0, len(windows), count):
            yield _batch(windows[first : first + count], tokenized, position_mask, device, reading, length=length)


@dataclass(frozen=True, slots=True)
class _Limits:
    """What a batch may hold; see :func:`window_batches`."""

    size: int
    padding: int | None
    prefix: int

    def exceeded(self, windows: int, longest: int, length: int) -> bool:
        """Whether a window of ``length`` is too much for a batch of ``windows``, the longest of them ``longest``."""
        added = (length - longest) * windows if length > longest else longest - length
        padded = max(length, longest)
        tokens = max(padded, (self.prefix + padded) / _READ_PER_RUN) * (windows + 1)
        return tokens > self.size or (self.padding is not None and added > self.padding)


def _grouped(windows: Sequence[Window], limits: _Limits) -> Iterator[list[Window]]:
    """Consecutive windows that stay within the limits of a batch, at least one at a time."""
    group: list[Window] = []
    longest = 0
    for window in windows:
        if group and limits.exceeded(len(group), longest, window.length):
            yield group
            group, longest = [], 0
        longest = max(longest, window.length)
        group.append(window)
    if group:
        yield group


def _batch(
    windows: Sequence[Window],
    tokenized: TokenizedText,
    position_mask: NDArray[np.bool_],
    device: torch.device,
    reading: Reading,
    *,
    length: int | None = None,
) -> Batch:
    """Windows padded to ``length`` tokens, to that of the longest where not given."""
    shape = len(windows), length or max(window.length for window in windows)
    positions = np.full(shape, -1, np.int64)
    for row, window in enumerate(windows):
        positions[row, : window.length] = np.arange(window.start, window.start + window.length)
    is_token = positions >= 0
    return Batch(
        ids=torch.from_numpy(np.where(is_token, tokenized.ids[positions], reading.pad).astype(np.int64)).to(device),
        mask=torch.from_numpy(is_token.astype(np.int64)).to(device),
        positions=positions,
        take=torch.from_numpy(np.flatnonzero(is_token & position_mask[positions])).to(device),
        reading=reading,
    )
