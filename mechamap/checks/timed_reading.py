"""As much of a text as a time limit allows, read for the activations of chosen neurons."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mechamap.capture.batches import batch_tokens
from mechamap.checks.chosen_neurons import ChosenNeurons
from mechamap.config.scan_config import ScanConfig
from mechamap.events import Listener, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.text.tokenize import TokenizedText, Window, tokenize

__all__ = ["TextRead", "TimeLimit", "joined_passages", "read_in_time"]


_FIRST_TOKENS = 512  # of the first batch, from which the speed is known
_CHARACTERS_PER_TOKEN = 3  # few, so that passages that are joined fit a window
_WINDOW = 256  # tokens
_USED = 0.9  # of the time; the rest is for what is written
_SORTS = 3  # scoring takes as long as sorting all activations so many times


@dataclass(frozen=True, slots=True)
class TimeLimit:
    """How long reading may take, from ``started`` on.

    Attributes:
        seconds: None: as long as it takes.
        tokens_per_second: of the scan that was just made; the reading's own from its first batch on.
        started: as ``time.perf_counter`` gives it.
        tokens: how many are read at most, so that another model reads no more than one before it had time for; None:
            as many as there are.
    """

    seconds: float | None
    tokens_per_second: float
    started: float
    tokens: int | None = None

    def left(self) -> float:
        """Seconds that are left for reading and scoring."""
        if self.seconds is None:
            return float("inf")
        return self.seconds * _USED - (time.perf_counter() - self.started)

    def tokens_left(self, read: int) -> float:
        """How many tokens may be read yet, of which ``read`` were."""
        return float("inf") if self.tokens is None else self.tokens - read


@dataclass(frozen=True, slots=True)
class TextRead:
    """What was read: ``values`` are ``[scored positions, neurons]``; ``texts`` and ``tokenized`` hold nothing else."""

    texts: tuple[str, ...]
    tokenized: TokenizedText
    values: Tensor


def joined_passages(passages: Sequence[str], config: ScanConfig, context: int | None) -> list[str]:
    """Consecutive passages put together, as many as probably fit a window, so that little is padding."""
    room = min(_WINDOW, config.window, context or _WINDOW) * _CHARACTERS_PER_TOKEN
    texts: list[str] = []
    for passage in passages:
        if texts and len(texts[-1]) + len(passage) < room:
            texts[-1] += f"\n\n{passage}"
        else:
            texts.append(passage)
    return texts


def read_in_time(
    loaded: LoadedModel,
    neurons: ChosenNeurons,
    texts: Sequence[str],
    config: ScanConfig,
    *,
    limit: TimeLimit,
    on_event: Listener,
) -> TextRead | None:
    """Read texts from the first on, for as long as the limit allows.

    Returns:
        What was read; None where there is no time for any of it.

    Raises:
        Cancelled: reading was cancelled.
        TextError: the model's tokenizer cannot read the texts.
    """
    texts = texts[: _affordable(texts, limit)]
    if not texts:
        return None
    tokenized = tokenize(texts, loaded.tokenizer, config, loaded.context, loaded.kind)
    per_token, to_score, size, done = 1 / limit.tokens_per_second, 0.0, _FIRST_TOKENS, 0  # seconds, seconds, tokens
    parts: list[Tensor] = []
    while done < len(tokenized.windows):
        read = tokenized.windows[done].start
        left = limit.left() - to_score * sum(map(len, parts))
        in_time = left / (per_token + to_score)
        room = min(size, batch_tokens(loaded.device.type), in_time, limit.tokens_left(read))
        windows = _first_windows(tokenized.windows[done:], room)
        if not windows:
            break
        tokens = sum(window.length for window in windows)
        on_event(StageEntered(Stage.SECOND_TEXT, f"{read:,} tokens read"))
        began = time.perf_counter()
        parts.append(neurons.activations(tokenized, windows))
        per_token = max(time.perf_counter() - began, 1e-6) / tokens
        to_score = to_score or _SORTS * _sorting_seconds(parts[0]) / tokens
        done, size = done + len(windows), size * 2
    if not parts:
        return None
    if done < len(tokenized.windows):
        texts = texts[: tokenized.windows[done].text]  # a text that was begun is left out again
        if not texts:
            return None
        tokenized = tokenize(texts, loaded.tokenizer, config, loaded.context, loaded.kind)
    return TextRead(tuple(texts), tokenized, torch.cat(parts)[: int(tokenized.scored.sum())])


def _sorting_seconds(values: Tensor) -> float:
    """How long it takes to sort each neuron's activations, ``[positions, neurons]``."""
    began = time.perf_counter()
    np.sort(np.ascontiguousarray(values.numpy().T), axis=1)
    return time.perf_counter() - began


def _affordable(texts: Sequence[str], limit: TimeLimit) -> int:
    """How many texts it may at most come to; a guess, so that a long text is not cut into tokens for nothing."""
    if limit.seconds is None:
        return len(texts)
    characters = limit.left() * limit.tokens_per_second * 4 * 8  # eight times as fast as the scan, at most
    count = 0
    for text in texts:
        characters -= len(text)
        if characters < 0:
            break
        count += 1
    return count


def _first_windows(windows: Sequence[Window], room: float) -> list[Window]:
    """The first windows that come to at most ``room`` tokens together."""
    first: list[Window] = []
    for window in windows:
        room -= window.length
        if room < 0:
            break
        first.append(window)
    return first
