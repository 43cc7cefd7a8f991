"""Workers on Ray: an actor for each GPU, or for some cores, that read shards until none is left.

Ray is asked for processes and for nothing else: which shards there are and which are done is for the ledger to say, so
a worker that is lost costs the shard that it read. Actors ask for no CPUs: those that reserve all of them leave none
for anything else on the cluster.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any

from mechamap.errors import Cancelled, MechaMapError, MissingExtra, UsageError, error_from_plain
from mechamap.scan.corpus.part import RayRequest
from mechamap.scan.corpus.workers.worker import Failure, ShardOrder, ShardWorker, WorkerOrder
from mechamap.wording.amounts import quantity

__all__ = ["RayWorkers"]


_TRIES = 3  # of a shard whose worker was lost
_POLL = 0.25  # seconds


class RayWorkers:
    """Workers for the time of a scan; use as a context manager.

    Args:
        request: which cluster, and how many workers.
        order: what each worker needs.
        gpus: whether each worker has a GPU.

    Raises:
        MissingExtra: Ray is not installed.
        UsageError: the cluster cannot be reached, or has no GPU for a worker.
    """

    def __init__(self, request: RayRequest, order: WorkerOrder, *, gpus: bool) -> None:
        self._ray = _ray()
        self._request, self._order, self._gpus = request, order, gpus
        self._tries: dict[int, int] = {}

    def __enter__(self) -> RayWorkers:
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing is reported to anybody
        local = self._request.address == "local"
        # A cluster on this machine alone is for nobody else; of another one its own settings hold.
        options = {"_node_ip_address": "127.0.0.1", "include_dashboard": False} if local else {}
        try:
            self._ray.init(address=self._request.address, log_to_driver=False, logging_level="ERROR", **options)
        except (ConnectionError, RuntimeError, ValueError, TimeoutError) as error:
            raise UsageError(
                f"The Ray cluster at {self._request.address} cannot be reached: {str(error).splitlines()[0]}",
                "Give the address that `ray start` prints, or local.",
            ) from None
        self._workers = [self._worker() for _ in range(self.count)]
        return self

    def __exit__(self, *_: object) -> None:
        for worker in self._workers:
            with suppress(Exception):
                self._ray.kill(worker)
        self._ray.shutdown()

    @property
    def count(self) -> int:
        """How many workers there are: as many as were asked for, else one for each GPU of the cluster, else one."""
        if self._request.workers is not None:
            return self._request.workers
        return max(int(self._ray.cluster_resources().get("GPU", 0)), 1) if self._gpus else 1

    def _worker(self) -> Any:
        actor = self._ray.remote(num_cpus=0, num_gpus=int(self._gpus), max_restarts=0)(ShardWorker)
        return actor.remote(self._order)

    def results(
        self, shards: Iterable[ShardOrder], cancel: threading.Event | None
    ) -> Iterator[tuple[int, dict[str, bytes]]]:
        """The number of each shard and the files of its state, as they come; a lost worker's shard is read again.

        Args:
            shards: asked for one by one, whenever a worker is free.
            cancel: set it to stop.

        Raises:
            Cancelled: ``cancel`` was set.
            MechaMapError: a worker could not read its shard.
        """
        waiting, again = iter(shards), list[ShardOrder]()
        free = list(self._workers)
        reading: dict[Any, tuple[Any, ShardOrder]] = {}  # by the reference to the result
        while True:
            while free:
                order = again.pop() if again else next(waiting, None)
                if order is None:
                    break
                worker = free.pop()
                reading[worker.read.remote(order)] = worker, order
            if not reading:
                return
            ready, _ = self._ray.wait(list(reading), num_returns=1, timeout=_POLL)
            if cancel is not None and cancel.is_set():
                raise Cancelled("The scan was cancelled.")
            for reference in ready:
                worker, order = reading.pop(reference)
                files = self._result(reference, order)
                if files is None:
                    again.append(order)
                    free.append(self._replaced(worker))
                    continue
                free.append(worker)
                yield order.number, files

    def _result(self, reference: Any, order: ShardOrder) -> dict[str, bytes] | None:
        """What a worker gave; None where it was lost."""
        from ray import exceptions

        try:
            result = self._ray.get(reference)
        except (exceptions.RayActorError, exceptions.WorkerCrashedError, exceptions.ObjectLostError) as error:
            cause = getattr(error, "cause", None)
            if isinstance(cause, MechaMapError):
                raise cause from None
            self._tries[order.number] = self._tries.get(order.number, 0) + 1
            if self._tries[order.number] == _TRIES:
                raise MechaMapError(
                    f"Shard {order.number + 1} was lost {quantity(_TRIES, 'time')} with its worker: "
                    f"{str(error).splitlines()[0]}",
                    "Resume with fewer workers if memory is short.",
                ) from None
            return None
        if isinstance(result, Failure):
            raise error_from_plain(result.error)
        files: dict[str, bytes] = result
        return files

    def _replaced(self, worker: Any) -> Any:
        with suppress(Exception):
            self._ray.kill(worker)
        fresh = self._worker()
        self._workers[self._workers.index(worker)] = fresh
        return fresh


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise MissingExtra("Ray is not installed.", "Install it with: pip install 'mechamap[ray]'") from None
    return ray
