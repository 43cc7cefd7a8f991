"""A plan in plain values, as JSON holds it: for ``--plan --events jsonl`` and for the explorer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from mechamap.plan.scan_plan import ScanPlan

__all__ = ["plan_to_dict"]


def plan_to_dict(plan: ScanPlan) -> dict[str, Any]:
    """All that a plan says. Bytes, seconds and counts; null where nobody knows."""
    it = plan.scan
    shape, weights, text = it.shape, it.weights, it.text
    return {
        "model": plan.name,
        "label": it.files.source.label,
        "architecture": shape.architecture,
        "kind": shape.kind,
        "parameters": shape.parameters,
        "d_model": shape.d_model,
        "layers": len(shape.layers),
        "layers_scanned": [layer.number for layer in it.layers],
        "neurons": shape.neurons(),
        "neurons_scanned": it.neurons,
        "experts": shape.experts,
        "dtype": weights.dtype,
        "dtype_from": weights.why,
        "packed": weights.packed or None,
        "device": str(it.places.device),
        "text": {
            "positions": text.positions,
            "scored": text.scored,
            "windows": text.windows,
            "counted": text.is_counted,
        },
        "weights": {"whole": weights.total, "loaded": it.loaded, "stored": weights.stored},
        "memory": [{**asdict(demand), "needed": demand.needed, "fits": demand.fits} for demand in plan.memory],
        "run": {**asdict(plan.run), "total": plan.run.total},
        "disk": plan.disk,
        "seconds": None if plan.seconds is None else {**asdict(plan.seconds), "total": plan.seconds.total},
        "fits": plan.fits,
        "lacking": list(plan.lacking),
        "would_fit": [asdict(option) for option in plan.would_fit],
        "notes": list(plan.notes),
    }
