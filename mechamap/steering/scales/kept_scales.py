"""Scales of a layer's neurons, kept in the folder of a run so that its text need not be read for them again."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import MechaMapError
from mechamap.runs.gate.figures import open_figure
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.system.atomic import replacing

__all__ = ["keep_scales", "kept_scales"]


def kept_scales(run: Run, rows: LayerRows) -> NDArray[np.float64] | None:
    """The scales that were kept of a layer, ``[neurons]``; None where there are none, or another scan's."""
    if run.path is None:
        return None
    file = _file(run.path, rows)
    try:
        if file.stat().st_mtime < datetime.fromisoformat(run.record.created).timestamp():
            return None
        scales = np.array(open_figure(file), np.float64)
    except (OSError, ValueError, MechaMapError):
        return None
    return scales if scales.shape == (rows.width,) else None


def keep_scales(run: Run, rows: LayerRows, scales: NDArray[np.float64]) -> None:
    """Keep a layer's scales; where the run cannot be written they are worked out again the next time."""
    if run.path is None:
        return
    file = _file(run.path, rows)
    with suppress(OSError):
        file.parent.mkdir(exist_ok=True)
        with replacing(file, shared=True) as stream:
            np.save(stream, scales.astype(np.float32), allow_pickle=False)


def _file(folder: Path, rows: LayerRows) -> Path:
    return folder / "scales" / f"L{rows.layer}.npy"
