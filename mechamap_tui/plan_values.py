"""The plan of a scan as the explorer hears it from the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Planned", "read_plan"]


@dataclass(frozen=True, slots=True)
class Planned:
    """What a scan takes: counts, bytes and seconds; None where nobody knows.

    ``device`` is the one that ``needed`` and ``free`` are about: one that has too little, else the one that computes.
    ``would_fit`` are flags or words, ``notes`` sentences.
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
    would_fit: tuple[str, ...] = ()
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
        would_fit=tuple(option["flags"] or option["words"] for option in it["would_fit"]),
        notes=tuple(it["notes"]),
    )
