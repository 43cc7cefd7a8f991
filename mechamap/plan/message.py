"""A plan as the message that the engine answers and the command line prints as JSON."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from mechamap.plan.scan_plan import ScanPlan
from mechamap.protocol.planned import (
    Planned,
    PlannedMemory,
    PlannedRun,
    PlannedSeconds,
    PlannedText,
    PlannedWeights,
)

__all__ = ["plan_message"]

T = TypeVar("T")


def plan_message(plan: ScanPlan) -> Planned:
    """The whole plan: bytes, seconds and counts; None where unknown."""
    scan = plan.scan
    shape, weights, text = scan.shape, scan.weights, scan.text
    return Planned(
        model=scan.files.source.name,
        label=scan.files.source.label,
        architecture=shape.architecture,
        kind=shape.kind,
        parameters=shape.parameters,
        d_model=shape.d_model,
        layers=len(shape.layers),
        layers_scanned=tuple(layer.number for layer in scan.layers),
        neurons=shape.neurons(),
        neurons_scanned=scan.neurons,
        experts=shape.experts,
        dtype=weights.dtype,
        dtype_from=weights.why,
        packed=weights.packed or None,
        device=str(scan.places.device),
        text=PlannedText(text.positions, text.scored, text.windows, text.is_counted),
        weights=PlannedWeights(whole=weights.total, loaded=scan.loaded, stored=weights.stored),
        memory=tuple(_copied(need, PlannedMemory) for need in plan.memory),
        run=_copied(plan.run, PlannedRun),
        disk=plan.disk,
        seconds=None if plan.seconds is None else _copied(plan.seconds, PlannedSeconds),
        fits=plan.fits,
        lacking=plan.lacking,
        would_fit=plan.would_fit,
        notes=plan.notes,
    )


def _copied(value: object, kind: type[T]) -> T:
    """A part of the message from the attributes of the same names."""
    return msgspec.convert(value, kind, from_attributes=True)
