"""A scan over a corpus: shard by shard into one state, on disk after each, and into a run that can be opened."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mechamap.config.scan_config import ScanConfig
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.documents import DocumentRange, InventoryProgress
from mechamap.corpus.opening import open_corpus
from mechamap.errors import Cancelled, MechaMapError, RunError, TextError
from mechamap.events import Listener, ScanFinished, ScanStarted, ShardFinished, Stage, StageEntered
from mechamap.models.loaded import LoadedModel
from mechamap.models.loading.trouble import translated
from mechamap.runs.corpus.writing import write_record
from mechamap.runs.lock import RunLock
from mechamap.runs.record import CORPUS_FORMAT, RunRecord
from mechamap.runs.run import Run
from mechamap.scan.clock import Clock, now
from mechamap.scan.corpus.gate.ledger import newest_state, read_ledger
from mechamap.scan.corpus.identity import check_same, scan_identity
from mechamap.scan.corpus.progress import CorpusProgressTeller
from mechamap.scan.corpus.publish import Publication
from mechamap.scan.corpus.run_folder import corpus_run_folder
from mechamap.scan.corpus.shard_pass import WORK_FOLDER, CorpusFolders, ShardReader, keep_needed, remove_unneeded
from mechamap.scan.corpus.shards import Shards, counted_stop, layer_spans, shard_tokens
from mechamap.scan.corpus.state import CorpusState, LayerSpan
from mechamap.scan.prepare import PreparedModel, ScanRequest, check_cancelled, inputs_of, prepare_model
from mechamap.scan.record import new_record
from mechamap.system.event_log import logged
from mechamap.system.memory import return_large_blocks
from mechamap.text.occurrences import FoundWords
from mechamap.text.tokenize import tokenize

__all__ = ["CorpusScan", "opened_corpus", "scan_corpus"]


# Figures are not published again for so many seconds, and as many times as long as the last publication took.
_PAUSE, _SHARE = 30.0, 20


def scan_corpus(
    request: ScanRequest,
    on_event: Listener = lambda event: None,
    cancel: threading.Event | None = None,
    loaded: LoadedModel | None = None,
    corpus: Corpus | None = None,
) -> tuple[Run, LoadedModel]:
    """Scan a model over the corpus of the request's config, and leave a run on disk.

    Args:
        request: the model, the settings and where to write; ``resume`` goes on with the shards that are not merged.
        on_event: called with each event, in the calling thread.
        cancel: set it to stop before the next batch; shards that are finished stay.
        loaded: the model, if it is in memory already; it must be ``request.model``.
        corpus: that of :func:`opened_corpus`, where it was called before the model was loaded.

    Returns:
        The complete run, and the model.

    Raises:
        Cancelled: ``cancel`` was set; the run, if there is one by then, says so.
        MechaMapError: anything that keeps the scan from being done, see :mod:`mechamap.errors`.
    """
    on_event = logged(on_event, "scan")
    return_large_blocks()
    clock = Clock()
    if corpus is None:
        with clock.timed("corpus"):
            corpus = opened_corpus(request, on_event, cancel)
    model = prepare_model(request, on_event, cancel, loaded, clock)
    job = CorpusScan.prepared(request, model, corpus, on_event=on_event, cancel=cancel, clock=clock)
    return job.run(), model.loaded


def opened_corpus(request: ScanRequest, on_event: Listener, cancel: threading.Event | None = None) -> Corpus:
    """The corpus of a request, read once before the model is loaded, so that what is wrong with it is known then.

    Raises:
        Cancelled: ``cancel`` was set.
        MechaMapError: a source is not there, or something in it cannot be read.
    """
    settings = request.config.corpus
    assert settings is not None

    def hear(progress: InventoryProgress) -> None:
        check_cancelled(cancel)
        share = progress.bytes_read / max(progress.bytes_total, 1)
        on_event(StageEntered(Stage.CORPUS, f"{progress.name}, {share:.0%} of the corpus"))

    on_event(StageEntered(Stage.CORPUS))
    return open_corpus(settings, hear)


@dataclass(slots=True, eq=False)
class CorpusScan:
    """A corpus scan with everything that it needs.

    Attributes:
        request: what is scanned.
        model: ready.
        shards: of the corpus.
        identity: plain values that two parts of one scan have in common.
        record: of the run, before anything is known of the corpus.
        folder: the run's.
        spans: the layers' places.
    """

    request: ScanRequest
    model: PreparedModel
    shards: Shards
    identity: Mapping[str, Any]
    record: RunRecord
    folder: Path
    spans: tuple[LayerSpan, ...]
    on_event: Listener
    cancel: threading.Event | None
    clock: Clock
    _published: tuple[float, float] = field(default=(0.0, 0.0))  # when, and how long it took

    @classmethod
    def prepared(
        cls,
        request: ScanRequest,
        model: PreparedModel,
        corpus: Corpus,
        *,
        on_event: Listener,
        cancel: threading.Event | None,
        clock: Clock,
    ) -> CorpusScan:
        """A scan over a corpus with a model, up to where the run's folder is made."""
        settings = request.config.corpus
        assert settings is not None
        loaded = model.loaded
        stop = None
        if settings.max_tokens is not None:
            stop = counted_stop(corpus, loaded, settings.max_tokens, on_event, cancel)
        shards = Shards.of(corpus, shard_tokens(settings, loaded), stop)
        text = tokenize(
            (),
            loaded.tokenizer,
            replace(request.config, window=settings.seq_len),
            loaded.context,
            loaded.kind,
            partial=True,
        )
        inputs = inputs_of(request, model, text, FoundWords((), (0,) * len(request.config.categories)))
        record = replace(new_record(inputs, {}, Path()), format=CORPUS_FORMAT)
        identity = scan_identity(request.config, loaded, shards, record)
        folder = corpus_run_folder(request, loaded)
        spans = layer_spans(model.layers, request.config.limit_neurons, loaded.device)
        return cls(request, model, shards, identity, record, folder, spans, on_event, cancel, clock)

    @property
    def config(self) -> ScanConfig:
        """Of the scan."""
        return self.request.config

    def run(self) -> Run:
        """Read all shards that are asked for and not merged yet, and close the run."""
        with RunLock(self.folder):
            folders = CorpusFolders(self.folder / WORK_FOLDER)
            state = self._begin(folders)
            with self.clock.timed("writes"):
                publication = Publication.of_scan(
                    self.request, self.model, self.record, folder=self.folder, shards=self.shards
                )
            if state.shards:  # of a scan that is gone on with
                self._publish(state, folders, publication)
            else:
                self._write_first_record()
            self.on_event(ScanStarted(self.folder, len(self.record.layers), self.record.neurons, 0, 0))
            try:
                with self.clock.timed("pass"), translated(self.model.loaded.id):
                    self._read_all(state, folders, publication)
            except BaseException as error:
                ended = "cancelled" if isinstance(error, (Cancelled, KeyboardInterrupt)) else "failed"
                self._end_early(folders, publication, ended)
                raise
            if not state.tallies["scored"]:
                self._end_early(folders, publication, "failed")
                raise TextError(
                    "No position of the corpus is left to score.",
                    "Give longer documents, or exclude less (exclude_first_position, exclude_special_tokens).",
                )
            self.on_event(StageEntered(Stage.WRITE, str(self.folder)))
            timings = self.clock.seconds | {"total": self.clock.since_start()}
            run = publication.publish(state, folders, run_state="complete", finished=now(), timings=timings)
            if self.request.part is None:
                shutil.rmtree(folders.root, ignore_errors=True)
        self.on_event(ScanFinished(self.folder, "complete", dict(run.record.timings)))
        return run

    def _begin(self, folders: CorpusFolders) -> CorpusState:
        """The state to go on with: that on disk where there is one, else an empty one."""
        settings = self.config.corpus
        assert settings is not None
        try:
            folders.make()
        except OSError as error:
            raise RunError(
                f"{folders.root} cannot be made: {error.strerror or error}.", "Choose another folder."
            ) from None
        if newest_state(folders.root) is None:
            return CorpusState.empty(self.spans, settings, self.config.categories)
        check_same(read_ledger(folders.root), self.identity, folders.root)
        return CorpusState.load(folders.root, self.spans, settings, self.config.categories)

    def _write_first_record(self) -> None:
        """A run that can be opened before there is anything in it."""
        try:
            write_record(self.folder, replace(self.record, figures=()))
        except OSError as error:
            raise RunError(
                f"{self.folder} cannot be written: {error.strerror or error}.", "Choose another place."
            ) from None

    def _read_all(self, state: CorpusState, folders: CorpusFolders, publication: Publication) -> None:
        assert self.config.corpus is not None
        part = self.request.part
        progress = CorpusProgressTeller(self.on_event, self.shards, part, self.config.corpus.max_tokens)
        progress.take(state)
        if self.request.ray is not None:
            from mechamap.scan.corpus.workers.reading import WorkerReading

            def on_shard(number: int, tokens: int) -> None:
                progress.add(tokens)
                self._shard_done(state, folders, publication, number)
                progress.take(state)

            self.on_event(StageEntered(Stage.PASS, "starting the workers"))
            gpus = self.model.loaded.device.type == "cuda"
            workers = WorkerReading(self.request, self.shards, gpus, self.cancel, on_shard)
            workers.read(state, folders, self._wanted(state))
            return
        reader = ShardReader(self.model.loaded, self.model.layers, self.config, folders, self.cancel, progress.add)
        for number, documents in self._wanted(state):
            before = state.tallies["documents"]
            self._read_shard(reader, state, number, documents)
            if self.shards.count is None and state.tallies["documents"] == before:
                return  # the data set has ended
            self._shard_done(state, folders, publication, number)
            progress.take(state)

    def _wanted(self, state: CorpusState) -> Iterator[tuple[int, DocumentRange]]:
        """The shards that are asked for and not merged."""
        part = self.request.part
        for number, documents in self.shards.numbered():
            if number not in state.shards and (part is None or part.has(number)):
                yield number, documents

    def _shard_done(self, state: CorpusState, folders: CorpusFolders, publication: Publication, number: int) -> None:
        self._keep(state, folders, publication, number)
        self.on_event(ShardFinished(number, len(state.shards), self.shards.count, state.tallies["tokens"]))
        self._publish_if_due(state, folders, publication)

    def _read_shard(self, reader: ShardReader, state: CorpusState, number: int, documents: DocumentRange) -> None:
        corpus = self.shards.corpus
        reader.read(state, number, corpus.read(documents.first, documents.stop))

    def _keep(self, state: CorpusState, folders: CorpusFolders, publication: Publication, newest: int) -> None:
        """Have on disk what was gathered, the last of it from shard ``newest``, in place of what was there."""
        try:
            keep_needed(folders, [newest], state.contexts(), publication.around)
            state.save(folders.root, {"identity": self.identity})
            remove_unneeded(folders, state)
        except OSError as error:
            raise RunError(
                f"What was gathered cannot be written to {folders.root}: {error.strerror or error}.",
                "Free some space and resume; the shards before the last are kept.",
            ) from None

    def _publish_if_due(self, state: CorpusState, folders: CorpusFolders, publication: Publication) -> None:
        """Bring the run's figures up to date, as often as costs a twentieth of the time at most."""
        when, took = self._published
        if not took or time.perf_counter() - when >= max(_PAUSE, _SHARE * took):
            self._publish(state, folders, publication)

    def _publish(self, state: CorpusState, folders: CorpusFolders, publication: Publication) -> None:
        """Bring the run's figures up to date."""
        with self.clock.timed("publish"):
            started = time.perf_counter()
            publication.publish(state, folders, run_state="running", finished=None, timings=self.clock.seconds)
            self._published = (time.perf_counter(), time.perf_counter() - started)

    def _end_early(self, folders: CorpusFolders, publication: Publication, ended: str) -> None:
        """Close the run with the shards that are merged on disk; what was being read is lost."""
        settings = self.config.corpus
        assert settings is not None
        try:
            if newest_state(folders.root) is None:
                write_record(self.folder, replace(self.record, figures=(), state=ended, finished=now()))
            else:
                state = CorpusState.load(folders.root, self.spans, settings, self.config.categories)
                publication.publish(state, folders, run_state=ended, finished=now(), timings=self.clock.seconds)
        except (OSError, MechaMapError):
            return  # a disk that could not take the shard cannot take this either; what is there stays
        self.on_event(ScanFinished(self.folder, ended, self.clock.seconds))
