"""What a scan will take, as the engine answers it and the command line prints it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mechamap.wording.advice import Advice, Hint, Setting

__all__ = [
    "Planned",
    "PlannedMemory",
    "PlannedOption",
    "PlannedRun",
    "PlannedSeconds",
    "PlannedText",
    "PlannedWeights",
]


class PlannedText(Struct, frozen=True):
    """Tokens of the text; ``counted`` unless they were estimated from its length."""

    positions: int
    scored: int
    windows: int
    counted: bool


class PlannedWeights(Struct, frozen=True):
    """Bytes of the whole model, of the layers that are loaded, and in its files (None: unknown)."""

    whole: int
    loaded: int
    stored: int | None


class PlannedMemory(Struct, frozen=True):
    """Bytes that are needed of a device.

    Attributes:
        weights: those that are held there.
        activations: what is computed there.
        process: Python and its libraries, or CUDA.
        free: what a scan could take; None where it is unknown.
    """

    device: str
    weights: int
    activations: int
    process: int
    free: int | None
    needed: int
    fits: bool


class PlannedRun(Struct, frozen=True):
    """Bytes of the run's files."""

    figures: int
    record: int
    activations: int
    total: int


class PlannedSeconds(Struct, frozen=True):
    """Seconds by stage: ``check`` is the proof that the hooks see the neurons, ``forward`` the model's own work."""

    load: float
    check: float
    forward: float
    score: float
    writes: float
    disk: float
    total: float


class PlannedOption(Struct, frozen=True):
    """A change that makes a scan fit.

    Attributes:
        flags: what to add to the command line; empty where no setting makes the change.
        words: what it means, in a few words.
        changes: the config keys that change.
        needed: bytes that the scan then needs on the device that computes.
    """

    flags: str
    words: str
    changes: dict[str, Any]
    needed: int

    @classmethod
    def of(cls, words: str, changes: dict[str, Any], needed: int) -> PlannedOption:
        """With the flags that make the changes."""
        return cls(" ".join(setting.flag for setting in _settings(changes)), words, changes, needed)

    @property
    def hint(self) -> Hint:
        """The settings of it; in words where it is none."""
        settings = _settings(self.changes)
        return Advice(" ".join(["{}"] * len(settings)), settings) if settings else self.words


def _settings(changes: Mapping[str, Any]) -> tuple[Setting, ...]:
    """What to set for it; a map has the device choose itself."""
    return tuple(
        Setting(key, str(value)) for key, value in changes.items() if key != "device" or "device_map" not in changes
    )


class Planned(Struct, frozen=True):
    """What a scan takes: counts, bytes and seconds; None where unknown.

    Attributes:
        memory: of each device, the one that computes first.
        disk: free bytes where the run goes.
        lacking: names of devices that have too little, and ``disk``.
        notes: further remarks, in sentences.
    """

    model: str
    label: str
    architecture: str
    kind: str
    parameters: int
    d_model: int
    layers: int
    layers_scanned: tuple[int, ...]
    neurons: int
    neurons_scanned: int
    experts: int
    dtype: str
    dtype_from: str
    packed: str | None
    device: str
    text: PlannedText
    weights: PlannedWeights
    memory: tuple[PlannedMemory, ...]
    run: PlannedRun
    disk: int | None
    seconds: PlannedSeconds | None
    fits: bool
    lacking: tuple[str, ...]
    would_fit: tuple[PlannedOption, ...]
    notes: tuple[str, ...]

    @property
    def tightest(self) -> PlannedMemory:
        """The device that has too little, else the one that computes."""
        return next((memory for memory in self.memory if not memory.fits), self.memory[0])
