"""What a scan reports while it runs: small immutable values, the same for every listener."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

__all__ = [
    "CorpusProgress",
    "LayerFinished",
    "Listener",
    "ModelFinished",
    "ModelStarted",
    "ScanEvent",
    "ScanFinished",
    "ScanStarted",
    "ShardFinished",
    "Stage",
    "StageEntered",
    "SweepFinished",
    "SweepStarted",
]


class Stage(StrEnum):
    """What a scan, a check or a comparison is doing; the values are those of JSON and of the engine's protocol."""

    CORPUS = "corpus"  # the documents of a corpus are counted, before the model is loaded
    RESOLVE = "resolve"  # the model's files are looked for
    LOAD = "load"
    PROVE = "prove"  # that what the hooks see is the neurons
    TOKENIZE = "tokenize"
    PASS = "pass"  # the model reads the text, layer by layer
    WRITE = "write"
    CARRIERS = "carriers"  # the sentences that a confirmation reads are built
    RANDOMIZE = "randomize"  # the same search begins in a random counterpart of the model
    SECOND_TEXT = "second look"
    GRADIENTS = "gradients"
    ABLATE = "ablate"
    LENS = "lens"
    STEER = "steer"  # a prompt is read by a model whose neurons are changed
    KEPT = "kept"  # activations that a run kept are read
    MATCH = "match"  # closest neurons are looked for
    READ = "read"  # a CSV is read


@dataclass(frozen=True, slots=True)
class ScanEvent:
    """Base of the events; ``to_dict`` gives plain values for JSON."""

    event: ClassVar[str] = "event"

    def to_dict(self) -> dict[str, Any]:
        return {"event": self.event} | {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }


Listener: TypeAlias = Callable[[ScanEvent], None]


@dataclass(frozen=True, slots=True)
class StageEntered(ScanEvent):
    """The work turned to ``stage``; ``detail`` says more in words."""

    event: ClassVar[str] = "stage"
    stage: Stage
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
class CorpusProgress(ScanEvent):
    """So many ``tokens`` of a corpus were read, at ``tokens_per_second``; about ``expected`` there will be. ``done`` of
    ``shards`` are on disk. None: the end is not known."""

    event: ClassVar[str] = "corpus_progress"
    tokens: int
    tokens_per_second: float
    expected: int | None = None
    done: int = 0
    shards: int | None = None


@dataclass(frozen=True, slots=True)
class ShardFinished(ScanEvent):
    """A shard of a corpus was read and is on disk: ``done`` of ``total``, None where the end is not known."""

    event: ClassVar[str] = "shard"
    shard: int
    done: int
    total: int | None
    tokens: int


@dataclass(frozen=True, slots=True)
class ScanFinished(ScanEvent):
    """The run is closed: ``state`` is complete, cancelled or failed; timings are seconds by stage."""

    event: ClassVar[str] = "finished"
    run: Path
    state: str
    timings: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SweepStarted(ScanEvent):
    """Several models are going to be scanned, one after another; ``models`` are the labels of their runs."""

    event: ClassVar[str] = "sweep_started"
    models: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ModelStarted(ScanEvent):
    """It is a model's turn in a sweep; the events until :class:`ModelFinished` are about it.

    ``model`` is the label of its run, ``name`` how the user named it, ``number`` its place, from 1.
    """

    event: ClassVar[str] = "model_started"
    model: str
    name: str
    number: int
    total: int


@dataclass(frozen=True, slots=True)
class ModelFinished(ScanEvent):
    """A model of a sweep is done with: ``state`` is complete, kept (it was complete before), failed or cancelled.

    ``run`` is its run's folder, None where there is none. Of one that failed, ``kind`` is a class of
    :mod:`mechamap.errors`, and ``message`` and ``hint`` say what happened and what to do.
    """

    event: ClassVar[str] = "model_finished"
    model: str
    state: str
    run: Path | None = None
    kind: str = ""
    message: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True)
class SweepFinished(ScanEvent):
    """The sweep has ended; ``states`` are those of its models, ``not begun`` where it was cancelled before one."""

    event: ClassVar[str] = "sweep_finished"
    states: Mapping[str, str]
