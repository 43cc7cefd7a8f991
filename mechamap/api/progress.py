"""The progress of a scan or a check as a bar of tqdm, in a notebook and in a terminal; and stopping by an interrupt."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from mechamap.events import (
    CorpusProgress,
    LayerFinished,
    Listener,
    ScanEvent,
    ScanStarted,
    ShardFinished,
    StageEntered,
)
from mechamap.wording.plain import printable

__all__ = ["following"]


@contextmanager
def following(doing: str, *, show: bool) -> Iterator[tuple[Listener, threading.Event]]:
    """A listener that draws a bar, and an event that an interrupt sets, for as long as the context lasts.

    The first interrupt (Ctrl+C, a notebook's stop button) ends the work where it can be taken up again; a second one
    ends it at once. Outside the main thread interrupts are not heard.

    Args:
        doing: in a word, what is done.
        show: whether to draw anything.
    """
    from tqdm.auto import tqdm

    cancel = threading.Event()
    bar = _Bar(tqdm(desc=doing, disable=None if show else True, leave=False))
    with _interrupts(cancel):
        try:
            yield bar, cancel
        finally:
            bar.close()


class _Bar:
    """Layers, shards or tokens, as they come."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar

    def __call__(self, event: ScanEvent) -> None:
        bar = self._bar
        match event:
            case StageEntered():
                bar.set_postfix_str(printable(event.detail or event.stage))
            case ScanStarted():
                bar.set_postfix_str(f"{event.neurons:,} neurons")
            case LayerFinished():
                self._reach(event.done, event.total, "layer")
            case ShardFinished():
                self._reach(event.done, event.total, "shard")
            case CorpusProgress():
                bar.set_postfix_str(f"{event.tokens:,} tokens, {event.tokens_per_second:,.0f} a second")

    def close(self) -> None:
        self._bar.close()

    def _reach(self, done: int, total: int | None, unit: str) -> None:
        bar = self._bar
        if bar.total != total or bar.unit != unit:
            bar.total, bar.unit = total, unit
        bar.update(done - bar.n)


@contextmanager
def _interrupts(cancel: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.getsignal(signal.SIGINT)

    def stop(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, before)
        cancel.set()

    if before is signal.SIG_IGN or before is None:
        yield
        return
    signal.signal(signal.SIGINT, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
