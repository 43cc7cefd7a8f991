"""A double of the engine client for tests of the screens: a scan or a check that moves when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from mechamap.errors import Cancelled, EngineError, MechaMapError
from mechamap.protocol.messages import Ablations, CausesEstimated, Confirmed, Exported, Lens, Progress, ScanResult
from mechamap.protocol.planned import Planned
from mechamap.protocol.requests import ExportParams
from mechamap.tables import table as tables
from mechamap_tui.engine.client import EngineClient
from mechamap_tui.engine.process import EngineCall

ReportMade = Callable[[Path, "str | None", "float | None"], tables.Report]
Report = Callable[[Progress], None]


class EngineDouble(EngineClient):
    """Records what is asked; the test answers."""

    def __init__(self) -> None:
        super().__init__(["no-engine-in-this-test"])
        self.scans: list[tuple[str, dict[str, object]]] = []
        self.checks: list[tuple[str, Path, tuple[str, ...]]] = []
        self.exports: list[ExportParams] = []
        self.export_error: MechaMapError | None = None
        self.plans: list[tuple[str, dict[str, object], bool]] = []
        self.plan_answers: list[asyncio.Future[Planned]] = []
        self.lenses: list[str] = []
        self.lens_error: MechaMapError | None = None
        self.interpretations: list[tuple[Path, str | None, float | None]] = []
        self.comparisons: list[tuple[tuple[Path, ...], str | None, float | None]] = []
        self.compared: Callable[[tuple[Path, ...], str | None, float | None], tables.Report] | MechaMapError | None = (
            None
        )
        self.interpreted: ReportMade | MechaMapError | None = None  # None: the answer takes as long as the test
        self._answer: asyncio.Future[Any] | None = None
        self._report: Report | None = None

    def scan(
        self, model: str, changes: Mapping[str, object], *, on_progress: Report | None = None, **_: Any
    ) -> EngineCall[ScanResult]:
        self.scans.append((model, dict(changes)))
        return self._begin(on_progress)

    async def plan(
        self, model: str, changes: Mapping[str, object], *, config_file: Path | None = None, fetch: bool = True
    ) -> Planned:
        self.plans.append((model, dict(changes), fetch))
        self.plan_answers.append(asyncio.get_running_loop().create_future())
        return await self.plan_answers[-1]

    async def activations(self, run: Path, layer: int) -> Path:
        raise EngineError("No engine reads a text in this test.")

    def confirm(
        self, run: Path, *, randomize: Sequence[str] = (), on_progress: Report | None = None
    ) -> EngineCall[Confirmed]:
        return self._begin_check("confirm", run, tuple(randomize), on_progress)

    def causes(self, run: Path, *, on_progress: Report | None = None) -> EngineCall[CausesEstimated]:
        return self._begin_check("causes", run, (), on_progress)

    def ablate(
        self,
        run: Path,
        neurons: Sequence[str],
        *,
        mode: Literal["zero", "mean"] = "zero",
        on_progress: Report | None = None,
    ) -> EngineCall[Ablations]:
        return self._begin_check(f"ablate {mode}", run, tuple(neurons), on_progress)

    async def lens(self, run: Path, neuron: str) -> Lens:
        self.lenses.append(neuron)
        if self.lens_error is not None:
            raise self.lens_error
        pushed = ((f" up{place}", 9.0 - place) for place in range(12))
        held = ((f" down{place}", place - 9.0) for place in range(12))
        return Lens(neuron, tuple(pushed), tuple(held), "standard deviations over the vocabulary")

    async def interpret(
        self, run: Path, *, by: str | None = None, threshold: float | None = None, on_progress: Report | None = None
    ) -> tables.Report:
        self.interpretations.append((run, by, threshold))
        if isinstance(self.interpreted, MechaMapError):
            raise self.interpreted
        if self.interpreted is None:
            if on_progress is not None:
                on_progress(Progress("read", "reading large.csv: 43%"))
            await asyncio.Event().wait()
        assert self.interpreted is not None
        return self.interpreted(run, by, threshold)

    async def compare(
        self,
        runs: Sequence[Path],
        *,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Report | None = None,
    ) -> tables.Report:
        self.comparisons.append((tuple(runs), by, threshold))
        if isinstance(self.compared, MechaMapError):
            raise self.compared
        assert self.compared is not None
        return self.compared(tuple(runs), by, threshold)

    def match(
        self,
        runs: Sequence[Path],
        *,
        words: int | None = None,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Report | None = None,
    ) -> EngineCall[tables.Report]:
        return self._begin_check(f"match {words or 'all'}", runs[0], (str(runs[1]),), on_progress)

    def _begin_check(self, kind: str, run: Path, neurons: tuple[str, ...], report: Report | None) -> EngineCall[Any]:
        self.checks.append((kind, run, neurons))
        return self._begin(report)

    def _begin(self, report: Report | None) -> EngineCall[Any]:
        self._report = report
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answer = answer

        async def wait() -> Any:
            return await answer

        return EngineCall(len(self.scans) + len(self.checks), asyncio.create_task(wait()))

    def report(self, **progress: Any) -> None:
        """The engine says how far it is."""
        assert self._report is not None
        self._report(Progress(**{"stage": "pass", **progress}))

    def finish(self, run: Path, state: str = "complete") -> None:
        """The scan is over."""
        self.answer(ScanResult(run, state, {}))

    def answer(self, answer: Any) -> None:
        """What was asked last is done."""
        assert self._answer is not None
        self._answer.set_result(answer)

    def fail(self, error: MechaMapError) -> None:
        assert self._answer is not None
        self._answer.set_exception(error)

    async def cancel(self, id: int) -> bool:
        self.fail(Cancelled("stopped"))
        return True

    async def export(self, order: ExportParams) -> Exported:
        self.exports.append(order)
        if self.export_error is not None:
            raise self.export_error
        return Exported(order.path, 3, 3)
