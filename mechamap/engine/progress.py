"""How far a request is: counters that the scan's events move, sent on by a ticker thread at most four times a second.

The scan only counts and never waits for a snapshot to be sent. What ends a stage or starts one is sent at once.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from mechamap.engine.calls import Request
from mechamap.events import CorpusProgress, LayerFinished, ScanEvent, ScanStarted, ShardFinished, Stage, StageEntered
from mechamap.protocol.messages import Progress

__all__ = ["INTERVAL", "ProgressTicker", "gpu_memory", "resident_memory"]


INTERVAL = 0.25  # seconds


class ProgressTicker:
    """Counters of one request and the thread that sends them; use as a context manager.

    Args:
        send: takes one snapshot; called from the ticker's thread and from the scan's, one at a time.
        interval: seconds between snapshots.
    """

    def __init__(self, send: Callable[[Progress], None], interval: float = INTERVAL) -> None:
        self._send = send
        self._interval = interval
        self._lock = threading.Lock()
        self._changed = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._tick, name="progress", daemon=True)
        self._started = time.monotonic()
        self._pass_started: float | None = None
        self._entered: StageEntered | None = None
        self._neurons_before = 0  # of a resumed run: done before this pass
        self._counters = Progress("")  # what the clock says is added with each snapshot

    def __enter__(self) -> ProgressTicker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._changed.set()
        self._thread.join()

    def stage(self, stage: Stage, detail: str = "") -> None:
        """A stage begins; sent at once."""
        with self._lock:
            self._counters = replace(self._counters, stage=stage, detail=detail)
            if stage is Stage.PASS and self._pass_started is None:
                self._pass_started = time.monotonic()
        self.send_now()

    def stages_of(self, call: Request) -> Callable[[Stage, str], None]:
        """Tells the stages of loading a model; between its steps is the only place where loading can stop."""

        def enter(stage: Stage, detail: str) -> None:
            call.stop_if_cancelled()
            self.stage(stage, detail)

        return enter

    def started(self, run: Path | None, layers: int, neurons: int, done: int = 0) -> None:
        """The run's folder is there and its size known; ``done`` neurons were there before. Sent at once."""
        with self._lock:
            self._counters = replace(
                self._counters, run=run, layers_total=layers, neurons_total=neurons, neurons_done=done
            )
            self._neurons_before = done
        self.send_now()

    def layer(self, done: int, total: int, neurons_done: int) -> None:
        """A layer is finished; goes out with the next tick."""
        with self._lock:
            if self._pass_started is None:
                self._pass_started = time.monotonic()
            self._counters = replace(self._counters, layers_done=done, layers_total=total, neurons_done=neurons_done)

    def corpus(self, event: CorpusProgress) -> None:
        """More tokens of a corpus were read; goes out with the next tick."""
        with self._lock:
            if self._pass_started is None:
                self._pass_started = time.monotonic()
            self._counters = replace(
                self._counters, stage=Stage.PASS, detail="", tokens=event.tokens, tokens_rate=event.tokens_per_second,
                tokens_total=event.expected, shards_done=event.done, shards_total=event.shards,
            )  # fmt: skip

    def shard(self, done: int, total: int | None, tokens: int) -> None:
        """A shard is finished; goes out with the next tick."""
        with self._lock:
            self._counters = replace(self._counters, shards_done=done, shards_total=total, tokens=tokens)

    def hear(self, event: ScanEvent) -> None:
        """Count what an event says; a search says where it is with every block, mostly the same as before."""
        match event:
            case StageEntered():
                if event != self._entered:
                    self._entered = event
                    self.stage(event.stage, event.detail)
            case ScanStarted():
                self.started(event.run, event.layers, event.neurons)
            case LayerFinished():
                self.layer(event.done, event.total, event.neurons_done)
            case CorpusProgress():
                self.corpus(event)
            case ShardFinished():
                self.shard(event.done, event.total, event.tokens)

    def snapshot(self) -> Progress:
        """The counters now, with seconds since the start, neurons a second, seconds left (None: unknown) and bytes."""
        now = time.monotonic()
        with self._lock:
            counters = self._counters
            since = self._pass_started
            fresh = counters.neurons_done - self._neurons_before
        rate = fresh / (now - since) if since is not None and now > since else 0.0
        left: float = counters.neurons_total - counters.neurons_done
        speed = rate
        if counters.tokens_total is not None:
            left, speed = counters.tokens_total - counters.tokens, counters.tokens_rate
        return replace(
            counters,
            elapsed=now - self._started,
            rate=rate,
            eta=left / speed if speed > 0 else None,
            memory=resident_memory(),
            gpu_memory=gpu_memory(),
        )

    def send_now(self) -> None:
        self._send(self.snapshot())
        self._changed.set()

    def _tick(self) -> None:
        while not self._ended.is_set():
            if self._changed.wait(self._interval):  # something was sent a moment ago: the interval starts again
                self._changed.clear()
            elif not self._ended.is_set():
                self._send(self.snapshot())


def resident_memory() -> int:
    """Bytes of this process in memory (where the system does not say, the most there were)."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    return pages * os.sysconf("SC_PAGE_SIZE")


def gpu_memory() -> int | None:
    """Peak bytes on CUDA devices; None where torch is not loaded or uses none. Never imports torch itself."""
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    return sum(int(cuda.max_memory_allocated(device)) for device in range(cuda.device_count()))
