"""The plan of a scan: what it needs and whether the machine has it, from the model's config alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mechamap.catalog.source import ModelSource
from mechamap.config.scan_config import ScanConfig
from mechamap.models.loading import gguf
from mechamap.models.loading.checkpoint import read_config
from mechamap.models.loading.devices import check_names, pick_dtype
from mechamap.models.loading.offload import check_device_map
from mechamap.models.loading.tokenizer import read_tokenizer
from mechamap.models.loading.trouble import quiet_transformers, translated
from mechamap.plan.alternatives import disk_options, options
from mechamap.plan.corpus.compiled import slow_remark
from mechamap.plan.corpus.seconds import corpus_seconds
from mechamap.plan.corpus.size import CorpusSize, ModelReading, corpus_size
from mechamap.plan.needs import memory_needs, run_size
from mechamap.plan.places import free_disk, places_of
from mechamap.plan.second_text import with_second_text_time
from mechamap.plan.shape import ModelShape, model_shape, on_meta
from mechamap.plan.situation import Circumstances, PlanInputs
from mechamap.plan.source import ModelFiles, find_files
from mechamap.plan.text_size import counted, estimated, one_batch
from mechamap.plan.time_need import scan_seconds
from mechamap.protocol.planned import PlannedMemory, PlannedOption, PlannedRun, PlannedSeconds
from mechamap.wording.amounts import size

__all__ = ["ScanPlan", "plan_scan", "situation"]


Teller = Callable[[str], None]
DEFAULT = Circumstances()


@dataclass(frozen=True, slots=True)
class ScanPlan:
    """What a scan takes.

    Attributes:
        scan: the model, the text, the settings and the devices.
        memory: what is needed on each device, the one that computes first.
        run: the run's size on disk.
        disk: free bytes where it goes, None where unknown.
        seconds: an estimate of the time; None where nobody knows how much is read.
        would_fit: changes that would make it fit, in memory where that is short, else on disk; empty where it does.
        notes: further remarks, in sentences.
    """

    scan: PlanInputs
    memory: tuple[PlannedMemory, ...]
    run: PlannedRun
    disk: int | None
    seconds: PlannedSeconds | None
    would_fit: tuple[PlannedOption, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """Where the space does not suffice: names of devices, or ``disk``."""
        short = tuple(need.device for need in self.memory if not need.fits)
        return (*short, "disk") if self.disk is not None and self.run.most > self.disk else short

    @property
    def fits(self) -> bool:
        return not self.lacking


def plan_scan(
    source: ModelSource,
    config: ScanConfig,
    out: Path | None = None,
    about: Circumstances = DEFAULT,
    stage: Teller = lambda text: None,
) -> ScanPlan:
    """Plan the scan of a model. Reads and fetches no weights.

    Args:
        config: the settings of the scan.
        out: the folder its run would go to; the default place where not given.
        about: how it would be done.
        stage: called with a few words on what is being done.

    Raises:
        UsageError: the settings name a layer or a device that does not exist.
        ModelNotFound: its config cannot be read or fetched.
        UnsupportedModel: it is not a language model, or where its neurons are is unknown.
        TextError: the text cannot be scanned.
        CorpusError: the corpus cannot be read.
        ModelError: its config or tokenizer cannot be read.
    """
    stage("looking at the config")
    inputs = situation(find_files(source, config, fetch=about.fetch, stage=stage), config, about, stage=stage)
    size = run_size(inputs)
    stage("measuring the speed of this machine")
    needs, free = memory_needs(inputs), free_disk(out)
    would_fit: tuple[PlannedOption, ...] = ()
    if not all(need.fits for need in needs):
        would_fit = options(inputs)
    elif free is not None and size.most > free:
        would_fit = disk_options(inputs, free)
    return ScanPlan(
        scan=inputs,
        memory=needs,
        run=size,
        disk=free,
        seconds=_seconds(inputs, size.total, about.started),
        would_fit=would_fit,
        notes=tuple(_notes(inputs)),
    )


def situation(
    files: ModelFiles,
    config: ScanConfig,
    about: Circumstances = DEFAULT,
    *,
    quick: bool = False,
    stage: Teller = lambda text: None,
) -> PlanInputs:
    """The model, text and machine that a plan starts from.

    Args:
        files: where the model lies.
        config: the settings of the scan.
        about: how it would be done.
        quick: guess the length of the text instead of reading the tokenizer, and do not look at a corpus.
        stage: called with a few words on what is being done.

    Raises:
        MechaMapError: as those of :func:`plan_scan`.
    """
    import torch

    check_names(config.dtype, config.device)
    check_device_map(config.device_map, config.device)
    read = _read_shape if quick else _read
    stamp = tuple((path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _small_files(files))
    shape, tokenizer = read(files, config.neurons, config.trust_remote_code, stamp)
    places = places_of(config)
    corpus = None
    if config.corpus is not None:
        text = one_batch(config.corpus, places.device.type, shape.context)
        if not quick:
            reading = ModelReading(tokenizer, shape.context, shape.kind, places.device.type, shape.parameters)
            corpus = corpus_size(config, reading, about.part, stage)
    elif tokenizer is not None:
        text = counted(config, tokenizer, shape.context, shape.kind)
    else:
        text = estimated(config, shape.context)
    threads = torch.get_num_threads()
    inputs = PlanInputs(files, shape, text, config, places, threads, about.whole, corpus, about.part, about.ray)
    assert inputs.layers  # raises where the config names a layer that the model does not have
    return inputs


@lru_cache(maxsize=2)  # one setting after another is changed for the same model
def _read(
    files: ModelFiles, neurons: tuple[str, ...] | None, trust_remote_code: bool, stamp: tuple[object, ...]
) -> tuple[ModelShape, Any]:
    """The sizes of a model, and its tokenizer, if there is one; ``stamp`` tells its files from changed ones."""
    with _reading(files):
        shape, _ = _read_shape(files, neurons, trust_remote_code, stamp)
        if not files.has_tokenizer:
            return shape, None
        with translated(f"The tokenizer of {files.source.id}"):
            return shape, read_tokenizer(files.path, trust_remote_code)[0]


def _read_shape(
    files: ModelFiles, neurons: tuple[str, ...] | None, trust_remote_code: bool, stamp: tuple[object, ...]
) -> tuple[ModelShape, None]:
    with _reading(files):
        config, _, _ = read_config(files.path, trust_remote_code)
        model, kind = on_meta(config, str(files.path), trust_remote_code)
        return model_shape(model, kind, neurons), None


@contextmanager
def _reading(files: ModelFiles) -> Iterator[None]:
    of_gguf = gguf.reading() if files.source.kind == "gguf" else nullcontext()
    with translated(files.source.id), quiet_transformers(), of_gguf:
        yield


def _small_files(files: ModelFiles) -> list[Path]:
    """What the sizes and the tokenizer are read from."""
    if files.path.is_file():
        return [files.path]
    weights = set(files.weights)
    return [path for path in sorted(files.path.iterdir()) if path.is_file() and path not in weights]


def _seconds(inputs: PlanInputs, run_bytes: int, started: bool) -> PlannedSeconds | None:
    import torch

    from mechamap.plan.time_need import measure, scoring_speed

    device, config = inputs.places.device, inputs.config
    dtype = pick_dtype(inputs.weights.dtype) or torch.float32
    widest = max(max(layer.dense, layer.expert_width) for layer in inputs.layers)
    speed = measure(device, dtype, inputs.shape.d_model, widest)
    scored = scoring_speed(inputs.text.score_plan(config), device, inputs.threads)
    if config.corpus is None:
        seconds: PlannedSeconds | None = scan_seconds(inputs, speed, scored, run_bytes, started=started)
        scanned: float = inputs.text.scored
    else:
        seconds = corpus_seconds(inputs, speed, scored, run_bytes, started=started)
        scanned = inputs.corpus.here.scored if inputs.corpus is not None and inputs.corpus.here is not None else 0
    if seconds is None or config.second_text == "never":
        return seconds
    return with_second_text_time(inputs, seconds, speed, scored, scanned)


def _notes(inputs: PlanInputs) -> Iterator[str]:
    if inputs.files.problem:
        yield f"As it is, it cannot be scanned: {inputs.files.problem}"
    elif not inputs.files.weights:
        stored = inputs.weights.stored
        yield "Its weights are not here; a scan downloads them first" + (f" ({size(stored)})." if stored else ".")
    if inputs.corpus is not None:
        yield from _corpus_notes(inputs.corpus, inputs.places.device.type)
    elif not inputs.text.is_counted:
        yield "The tokenizer is not here, so the number of tokens is guessed from the length of the text."


def _corpus_notes(size: CorpusSize, device: str) -> Iterator[str]:
    if not size.tokenized:
        yield "The tokenizer is not here, so the number of tokens is guessed from the length of the documents."
    if size.here is None:
        yield "How much the data set holds is known only when it has been read; so the time is unknown."
    elif not size.shards_here:
        yield "This part has no shards: the corpus has fewer shards than there are parts."
    if (remark := slow_remark(device)) is not None:
        yield remark
