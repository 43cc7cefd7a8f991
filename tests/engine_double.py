"""A double of the engine client for tests of the screens: a scan that moves when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mechamap.errors import Cancelled, MechaMapError
from mechamap_tui.client import EngineCall, EngineClient
from mechamap_tui.engine_values import Exported, ExportOrder, Progress, ScanResult


class EngineDouble(EngineClient):
    """Records what is asked; the test answers."""

    def __init__(self) -> None:
        super().__init__(["no-engine-in-this-test"])
        self.scans: list[tuple[str, dict[str, object]]] = []
        self.exports: list[ExportOrder] = []
        self.export_error: MechaMapError | None = None
        self._answer: asyncio.Future[ScanResult] | None = None
        self._report: Callable[[Progress], None] | None = None

    def scan(
        self,
        model: str,
        changes: Mapping[str, object],
        *,
        on_progress: Callable[[Progress], None] | None = None,
        **_: Any,
    ) -> EngineCall[ScanResult]:
        self.scans.append((model, dict(changes)))
        self._report = on_progress
        answer: asyncio.Future[ScanResult] = asyncio.get_running_loop().create_future()
        self._answer = answer

        async def wait() -> ScanResult:
            return await answer

        return EngineCall(len(self.scans), asyncio.create_task(wait()))

    def report(self, **progress: Any) -> None:
        """The engine says how far it is."""
        assert self._report is not None
        self._report(Progress(**{"stage": "pass", **progress}))

    def finish(self, run: Path, state: str = "complete") -> None:
        assert self._answer is not None
        self._answer.set_result(ScanResult(run, state, {}))

    def fail(self, error: MechaMapError) -> None:
        assert self._answer is not None
        self._answer.set_exception(error)

    async def cancel(self, id: int) -> bool:
        self.fail(Cancelled("stopped"))
        return True

    async def export(self, order: ExportOrder) -> Exported:
        self.exports.append(order)
        if self.export_error is not None:
            raise self.export_error
        return Exported(order.path, 3, 3)
