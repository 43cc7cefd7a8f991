"""What a scan tells while it runs: small immutable values, the same for every listener."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["LayerFinished", "ScanEvent", "ScanFinished", "ScanStarted", "StageEntered"]


@dataclass(frozen=True, slots=True)
class ScanEvent:
    """Base of the events; ``to_dict`` gives plain values for JSON."""

    event: ClassVar[str] = "event"

    def to_dict(self) -> dict[str, Any]:
        return {"event": self.event} | {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }


@dataclass(frozen=True, slots=True)
class StageEntered(ScanEvent):
    """The scan turned to ``stage``: load, prove, tokenize, pass or write; ``detail`` says more in words."""

    event: ClassVar[str] = "stage"
    stage: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class ScanStarted(ScanEvent):
    """The run's folder is there and can be opened; the pass over the text begins."""

    event: ClassVar[str] = "started"
    run: Path
    layers: int
    neurons: int
    positions: int
    scored: int


@dataclass(frozen=True, slots=True)
class LayerFinished(ScanEvent):
    """A layer was scored and its rows were written."""

    event: ClassVar[str] = "layer"
    layer: int
    done: int
    total: int
    neurons_done: int
    flags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ScanFinished(ScanEvent):
    """The run is closed: ``state`` is complete, cancelled or failed; timings are seconds by stage."""

    event: ClassVar[str] = "finished"
    run: Path
    state: str
    timings: Mapping[str, float]
