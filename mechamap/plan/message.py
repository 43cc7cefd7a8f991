"""A plan as the message that the engine answers and the command line prints as JSON."""

from __future__ import annotations

from mechamap.plan.scan_plan import ScanPlan
from mechamap.protocol.planned import Planned, PlannedText, PlannedWeights

__all__ = ["plan_message"]


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
        memory=plan.memory,
        run=plan.run,
        disk=plan.disk,
        seconds=plan.seconds,
        fits=plan.fits,
        lacking=plan.lacking,
        would_fit=plan.would_fit,
        notes=plan.notes,
    )
