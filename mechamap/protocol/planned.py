"""What a scan will take, as the engine answers it and the command line prints it as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from mechamap.wording.advice import Advice, Hint, Setting

__all__ = [
    "Planned",
    "PlannedCorpus",
    "PlannedMemory",
    "PlannedOption",
    "PlannedRun",
    "PlannedSeconds",
    "PlannedText",
    "PlannedWeights",
]


class PlannedText(Struct, frozen=True):
    """Tokens of the text, or of the part of a corpus that is read; ``counted`` unless they were estimated.

    None where a data set is read to its end, which nobody knows.
    """

    positions: int | None
    scored: int | None
    windows: int | None
    counted: bool


class PlannedCorpus(Struct, frozen=True):
    """A corpus that is read in place of the text; None for what is known only when a data set has been read.

    Attributes:
        sources: as the scan was given them.
        documents: those with text in the part that is read.
        tokens: theirs; ``tokens_whole`` those of the whole corpus.
        seq_len: the most tokens of a sequence.
        batch_tokens: the most tokens of a batch.
        batches: how many of them are read.
        shards: of the whole corpus.
        shards_here: those that are read.
        part: ``3/16``, where that part is read alone.
        workers: how many read it; None without workers, or where the cluster says how many.
        shards_of_worker: how many the busiest of them reads.
        worker_memory: bytes that each of them takes; None without workers.
        compiled: whether the statistics on a CPU are compiled.
    """

    sources: tuple[str, ...]
    documents: int | None
    tokens: int | None
    tokens_whole: int | None
    seq_len: int
    batch_tokens: int
    batches: int | None
    shards: int | None
    shards_here: int | None
    part: str | None
    workers: int | None
    shards_of_worker: int | None
    worker_memory: int | None
    compiled: bool


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
        statistics: what is gathered of every neuron of a corpus.
    """

    device: str
    weights: int
    activations: int
    process: int
    free: int | None
    needed: int
    fits: bool
    statistics: int = 0


class PlannedRun(Struct, frozen=True):
    """Bytes of the run's files.

    Attributes:
        tokens: those of a corpus that the run keeps, as if contexts stood anywhere in it.
        gathered: of a part of a corpus, what stays until the parts are put together.
        working: of a corpus, what is there besides while the scan runs.
    """

    figures: int
    record: int
    activations: int
    total: int
    tokens: int = 0
    gathered: int = 0
    working: int = 0

    @property
    def most(self) -> int:
        """What is on disk at once."""
        return self.total + self.working


class PlannedSeconds(Struct, frozen=True):
    """Seconds by stage: ``check`` is the proof that the hooks see the neurons, ``forward`` the model's own work.

    ``second_text`` is the look at the first neurons in the second text.

    Of a corpus also ``corpus``, in which its documents are counted, ``tokenize``, with the search for words, as far as
    it is not done beside the forward, and ``statistics``, of every activation; ``score`` is then the ranking of drawn
    positions.
    """

    load: float
    check: float
    forward: float
    score: float
    writes: float
    disk: float
    total: float
    second_text: float = 0.0
    corpus: float = 0.0
    tokenize: float = 0.0
    statistics: float = 0.0


class PlannedOption(Struct, frozen=True):
    """A change that makes a scan fit.

    Attributes:
        flags: what to add to the command line; empty where no setting makes the change.
        words: what it means, in a few words.
        changes: the config keys that change.
        needed: bytes that the scan then needs on the device that computes, or on disk where that alone is short.
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
    corpus: PlannedCorpus | None = None

    @property
    def tightest(self) -> PlannedMemory:
        """The device that has too little, else the one that computes."""
        return next((memory for memory in self.memory if not memory.fits), self.memory[0])
