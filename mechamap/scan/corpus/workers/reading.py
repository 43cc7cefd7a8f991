"""The shards of a scan read by workers, and merged into one state as they come, each once."""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mechamap.config.scan_config import config_to_dict
from mechamap.corpus.documents import DocumentRange
from mechamap.errors import RunError, UsageError
from mechamap.scan.corpus.absorb import absorb, folder_from_files
from mechamap.scan.corpus.part import RayRequest
from mechamap.scan.corpus.shard_pass import CorpusFolders
from mechamap.scan.corpus.shards import Shards
from mechamap.scan.corpus.state import CorpusState
from mechamap.scan.corpus.workers.ray_workers import RayWorkers
from mechamap.scan.corpus.workers.worker import ShardOrder, WorkerOrder, limits_of
from mechamap.scan.prepare import ScanRequest
from mechamap.wording.advice import Advice, Setting

__all__ = ["WorkerReading"]


@dataclass(frozen=True, slots=True, eq=False)
class WorkerReading:
    """Has workers read shards.

    Attributes:
        request: of the scan, with workers.
        shards: of its corpus.
        gpus: whether each worker has a GPU.
        cancel: set to stop.
        on_shard: called with the number of a shard and its tokens when it is merged.
    """

    request: ScanRequest
    shards: Shards
    gpus: bool
    cancel: threading.Event | None
    on_shard: Callable[[int, int], None]

    def read(self, state: CorpusState, folders: CorpusFolders, wanted: Iterable[tuple[int, DocumentRange]]) -> None:
        """Read shards, by number and documents, and add them to a state as they come.

        Raises:
            Cancelled: ``cancel`` was set.
            MechaMapError: a worker could not read its shard, or what it gathered cannot be written.
        """
        ray = self.request.ray
        assert ray is not None
        if self.shards.count is None:
            raise UsageError(
                "Workers cannot share a data set whose end is not known.",
                Advice.of("Limit it with {}.", Setting("max_tokens", "N")),
            )
        orders = (ShardOrder(number, documents.first, documents.stop, limits_of(state)) for number, documents in wanted)
        with RayWorkers(ray, self._order(ray), gpus=self.gpus) as workers:
            for number, files in workers.results(orders, self.cancel):
                before = state.tallies["tokens"]
                self._absorb(state, folders, files)
                self.on_shard(number, state.tallies["tokens"] - before)

    def _absorb(self, state: CorpusState, folders: CorpusFolders, files: dict[str, bytes]) -> None:
        config = self.request.config
        assert config.corpus is not None
        incoming = CorpusFolders(folders.root / "incoming")
        try:
            folder_from_files(incoming.root, files)
            theirs = CorpusState.load(incoming.root, state.spans, config.corpus, config.categories)
            absorb(state, folders, theirs, incoming)
            shutil.rmtree(incoming.root, ignore_errors=True)
        except OSError as error:
            raise RunError(
                f"What a worker gathered cannot be written to {folders.root}: {error.strerror or error}.",
                "Free some space and resume; the shards before it are kept.",
            ) from None

    def _order(self, ray: RayRequest) -> WorkerOrder:
        """What each worker is given; on this machine they share its cores."""
        threads = 0 if self.gpus or ray.address != "local" else max((os.cpu_count() or 1) // (ray.workers or 1), 1)
        return WorkerOrder(
            model=self.request.model.name,
            config=config_to_dict(self.request.config),
            inventory=self.shards.corpus.inventory.to_plain(),
            device="cuda" if self.gpus else None,
            threads=threads,
        )
