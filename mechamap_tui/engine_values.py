"""What the explorer asks of the engine process and hears from it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = [
    "Ablation",
    "CausesEstimated",
    "Confirmed",
    "Effect",
    "ExportOrder",
    "Exported",
    "Lens",
    "Progress",
    "ScanResult",
    "read_ablation",
]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a request is. Seconds, neurons a second, bytes; ``eta`` is None while nobody can know."""

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


@dataclass(frozen=True, slots=True)
class ScanResult:
    run: Path
    state: str
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class ExportOrder:
    """What to write and where. ``rows`` limits it to these neurons, in this order; None: all of them."""

    run: Path
    path: Path
    format: str
    wide: bool = False
    scope: str = "all"
    rows: tuple[int, ...] | None = None
    overwrite: bool = False


@dataclass(frozen=True, slots=True)
class Exported:
    path: Path
    rows: int
    neurons: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """``confirmed``: how many neurons hold up, by category."""

    run: Path
    confirmed: Mapping[str, int]
    seconds: float


@dataclass(frozen=True, slots=True)
class CausesEstimated:
    run: Path
    seconds: float


@dataclass(frozen=True, slots=True)
class Effect:
    """What one category loses without a neuron: change of the mean log p of its words, in nats.

    ``error`` is its standard error over the ``occurrences``; ``controls`` are the changes without other neurons.
    """

    effect: float
    error: float
    occurrences: int
    controls: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Ablation:
    """A neuron switched off: ``mode`` says by what it was replaced, ``categories`` what each of them lost."""

    neuron: str
    mode: str
    controls: tuple[str, ...]
    categories: Mapping[str, Effect]


def read_ablation(it: Mapping[str, Any]) -> Ablation:
    """An ablation as the engine answers it and as a run keeps it.

    Raises:
        LookupError, TypeError, ValueError: something is missing or is of another kind.
    """
    effects = {name: _effect(effect) for name, effect in it["categories"].items()}
    return Ablation(it["neuron"], it["mode"], tuple(it["controls"]), effects)


def _effect(it: Mapping[str, Any]) -> Effect:
    return Effect(
        _number(it["effect"]), _number(it["error"]), int(it["occurrences"]), tuple(map(_number, it["controls"]))
    )


def _number(value: float | None) -> float:
    """JSON has no NaN: where there is nothing to average it has null."""
    return float("nan") if value is None else float(value)


@dataclass(frozen=True, slots=True)
class Lens:
    """Tokens and how far a neuron moves each, in ``unit``; the most extreme first."""

    neuron: str
    promoted: tuple[tuple[str, float], ...]
    suppressed: tuple[tuple[str, float], ...]
    unit: str
