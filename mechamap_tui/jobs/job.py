"""A job of the engine: the request, the runs it is about, its progress, and its outcome."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from pathlib import Path

    from mechamap.errors import MechaMapError
    from mechamap.protocol.messages import Progress
    from mechamap.runs.run import Run
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.engine.process import EngineCall

__all__ = ["AnyJob", "Job", "JobChanged"]

Answer = TypeVar("Answer")


class Job(ABC, Generic[Answer]):
    """A request to the engine that takes a while.

    Attributes:
        runs: what it is about; a scan's run exists as soon as its folder does.
        call: the request, once it is sent.
        cancelling: the engine was asked to stop.
        ended: with an ``answer`` or an ``error``.
    """

    is_scan = False

    def __init__(self, runs: tuple[Run, ...] = ()) -> None:
        from mechamap.protocol.messages import Progress  # not before there is a job: the first frame needs none

        self.runs = runs
        self.call: EngineCall[Answer] | None = None
        self.progress = Progress("start")
        self.cancelling = False
        self.ended = False
        self.answer: Answer | None = None
        self.error: MechaMapError | None = None

    @property
    @abstractmethod
    def title(self) -> str:
        """What is being done, as the beginning of a sentence."""

    @property
    @abstractmethod
    def activity(self) -> str:
        """The same in a word or two."""

    @property
    def kept(self) -> str:
        """What is kept if it is stopped."""
        return "the run stays unchanged"

    @property
    def doing(self) -> str:
        """What the progress line calls it."""
        return "stopping" if self.cancelling else self.activity

    @abstractmethod
    def ask(self, engine: EngineClient, on_progress: Callable[[Progress], None]) -> EngineCall[Answer]:
        """Send the request."""

    def refuse_unless_possible(self) -> None:
        """Refuse a job that cannot be done.

        Raises:
            MechaMapError: says what is in the way and what to do.
        """

    def follow(self, progress: Progress) -> bool:
        """Take a progress report; True if a run has something new to show."""
        self.progress = progress
        return False

    def end(self, answer: Answer | None, error: MechaMapError | None) -> None:
        """Take the answer; the runs are read again."""
        self.answer, self.error, self.ended = answer, error, True

    @property
    def paths(self) -> list[Path]:
        """Where its runs are."""
        return [run.path for run in self.runs if run.path is not None]


AnyJob: TypeAlias = Job[Any]


@dataclass(frozen=True, slots=True)
class JobChanged:
    """A job began, progressed or ended; ``news``: its runs, or whether it is running, have changed."""

    job: AnyJob
    news: bool
