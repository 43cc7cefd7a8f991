"""The engine's answers and progress reports, as the values that both ends make and read.

The requests are in :mod:`mechamap.protocol.requests`, the answer about a plan in :mod:`mechamap.protocol.planned`;
``docs/engine.md`` describes the protocol for other programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from mechamap.system.paths import can_be_path, user_path
from mechamap.wording.plain import shortened

__all__ = [
    "Ablation",
    "Ablations",
    "ActivationsFile",
    "CausesEstimated",
    "Confirmed",
    "ControlVector",
    "Effect",
    "Exported",
    "Lens",
    "Models",
    "Progress",
    "Released",
    "ScanResult",
    "WindowActivations",
    "decode",
    "plain",
]

T = TypeVar("T")


def decode(value: object, kind: type[T]) -> T:
    """A value of ``kind`` from what JSON holds; unknown members are ignored.

    Raises:
        msgspec.ValidationError: a member is missing or of another type.
    """
    try:
        return msgspec.convert(value, kind, dec_hook=_decoded)
    except UnicodeEncodeError:
        raise msgspec.ValidationError("a text has half a character (a lone surrogate)") from None


def plain(value: object) -> Any:
    """A message, or a value inside one, as JSON holds it."""
    return msgspec.to_builtins(value, enc_hook=str)  # only paths need it


def _decoded(kind: type, value: object) -> object:
    if kind is not Path or not isinstance(value, str) or not value:
        raise ValueError(f"{shortened(repr(value))} is not a {kind.__name__}")
    if not can_be_path(value):
        raise ValueError(f"{shortened(repr(value))} cannot be the name of a file")
    return user_path(value)


class Progress(Struct, frozen=True):
    """The progress of a request. Seconds, neurons a second, bytes; ``eta`` is None while it is unknown.

    ``tokens``, ``tokens_rate`` and shards are of a scan over a corpus; ``tokens_total``, an estimate, and
    ``shards_total`` are None where nobody knows how long it is.
    ``stage`` is one of :class:`mechamap.events.Stage`, or one of a newer engine.
    """

    stage: str
    detail: str = ""
    run: Path | None = None
    layers_done: int = 0
    layers_total: int = 0
    neurons_done: int = 0
    neurons_total: int = 0
    elapsed: float = 0.0
    rate: float = 0.0
    eta: float | None = None
    memory: int = 0
    gpu_memory: int | None = None
    tokens: int = 0
    tokens_rate: float = 0.0
    tokens_total: int | None = None
    shards_done: int = 0
    shards_total: int | None = None

    @property
    def over_corpus(self) -> bool:
        """Whether it is that of a scan over a corpus that has begun to read."""
        return bool(self.tokens) or self.tokens_total is not None or self.shards_total is not None


class ScanResult(Struct, frozen=True):
    """``timings`` are seconds by stage."""

    run: Path
    state: str
    timings: Mapping[str, float]


class ActivationsFile(Struct, frozen=True):
    """``file`` holds a layer's activations, ``[neurons of the layer, positions]`` float16."""

    file: Path


class WindowActivations(Struct, frozen=True):
    """One neuron's activations over a stretch of tokens that a run over a corpus keeps.

    ``values`` are those from position ``first`` on; None: not finite.
    """

    first: int
    values: tuple[float | None, ...]


class Exported(Struct, frozen=True):
    path: Path
    rows: int
    neurons: int


class Models(Struct, frozen=True):
    """Ids of the models in the local hub cache."""

    cached: tuple[str, ...]


class Released(Struct, frozen=True):
    """``model``: what was kept in memory until then; None: nothing was."""

    model: str | None


class Confirmed(Struct, frozen=True):
    """``confirmed``: the number of confirmed neurons of each category; ``randomized``: the same in each random
    counterpart of the model that was searched, by the way in which it was made random."""

    run: Path
    confirmed: Mapping[str, int]
    seconds: float
    randomized: Mapping[str, Mapping[str, int]] = {}


class CausesEstimated(Struct, frozen=True):
    run: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What ablating a neuron did to one category.

    Attributes:
        effect: change of the mean log probability of the category's words, in nats; negative: the model got worse.
            None where the text has none of them.
        error: its standard error over the occurrences; None with fewer than two.
        occurrences: how many words it is the mean over.
        controls: the same effect of each control neuron.
    """

    effect: float | None
    error: float | None
    occurrences: int
    controls: tuple[float | None, ...] = ()

    @property
    def finite_controls(self) -> tuple[float, ...]:
        """The effects of those controls that have one."""
        return tuple(control for control in self.controls if control is not None)

    @property
    def beyond_controls(self) -> bool:
        """Whether it is larger, in either direction, than that of every control."""
        if self.effect is None or not self.controls:
            return False
        return abs(self.effect) > max(map(abs, self.finite_controls), default=-1.0)


@dataclass(frozen=True, slots=True)
class Ablation:
    """One neuron's ablation, as it is measured, kept in a run, answered and shown.

    Attributes:
        neuron: its name.
        mode: what it was held at.
        controls: names of random neurons of its layer that are about as active.
        categories: the effect on each category, by name.
    """

    neuron: str
    mode: Literal["zero", "mean"]
    controls: tuple[str, ...]
    categories: Mapping[str, Effect]


class Ablations(Struct, frozen=True):
    run: Path
    ablations: tuple[Ablation, ...]


class ControlVector(Struct, frozen=True):
    """A control vector that was written; ``layers`` are those that it adds to."""

    path: Path
    layers: tuple[int, ...]


class Lens(Struct, frozen=True):
    """Tokens and how far a neuron moves each, in ``unit``; the most extreme first."""

    neuron: str
    promoted: tuple[tuple[str, float], ...]
    suppressed: tuple[tuple[str, float], ...]
    unit: str
