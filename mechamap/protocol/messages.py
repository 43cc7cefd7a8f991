"""What the explorer asks of the engine process and hears from it, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mechamap.wording.advice import Advice, Hint, Setting

__all__ = [
    "Ablation",
    "CausesEstimated",
    "Confirmed",
    "Effect",
    "ExportOrder",
    "Exported",
    "Lens",
    "Planned",
    "Progress",
    "ScanResult",
    "read_ablation",
    "read_plan",
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


@dataclass(frozen=True, slots=True)
class Planned:
    """What a scan takes: counts, bytes and seconds; None where nobody knows.

    ``device`` is the one that ``needed`` and ``free`` are about: one that has too little, else the one that computes.
    ``would_fit`` are settings to change, or what else would help; ``notes`` sentences.
    """

    parameters: int
    weights: int
    dtype: str
    device: str
    needed: int
    free: int | None
    neurons: int
    run: int
    disk: int | None
    seconds: float | None
    fits: bool
    would_fit: tuple[Hint, ...] = ()
    notes: tuple[str, ...] = ()


def read_plan(it: Mapping[str, Any]) -> Planned:
    """A plan as the engine answers it.

    Raises:
        LookupError, TypeError: something is missing or is of another kind.
    """
    memory = next((demand for demand in it["memory"] if not demand["fits"]), it["memory"][0])
    return Planned(
        parameters=it["parameters"],
        weights=it["weights"]["loaded"],
        dtype=it["packed"] or it["dtype"],
        device=memory["device"],
        needed=memory["needed"],
        free=memory["free"],
        neurons=it["neurons_scanned"],
        run=it["run"]["total"],
        disk=it["disk"],
        seconds=None if it["seconds"] is None else it["seconds"]["total"],
        fits=it["fits"],
        would_fit=tuple(_change(option) for option in it["would_fit"]),
        notes=tuple(it["notes"]),
    )


def _change(option: Mapping[str, Any]) -> Hint:
    """A change that would make a scan fit: the settings of it, in words where it is none."""
    changes = {key: str(value) for key, value in option["changes"].items()}
    if "device_map" in changes:
        changes.pop("device", None)  # a map has the device choose itself
    settings = (Setting(key, value) for key, value in changes.items())
    return Advice(" ".join(["{}"] * len(changes)), tuple(settings)) if changes else str(option["words"])
