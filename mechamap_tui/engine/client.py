"""What the explorer asks of the engine, and how the answers become values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mechamap.protocol.messages import (
    Ablation,
    CausesEstimated,
    Confirmed,
    Exported,
    ExportOrder,
    Lens,
    Planned,
    Progress,
    ScanResult,
    read_ablation,
    read_plan,
)
from mechamap.tables.table import Report, report_from_dict
from mechamap_tui.engine.process import EngineCall, EngineProcess

__all__ = ["EngineClient"]


LENS_TOKENS = 24
REPORT_ROWS = 1000  # of tables with a row for each neuron


class EngineClient(EngineProcess):
    """The requests; each starts the engine if it does not run."""

    def scan(
        self,
        model: str,
        changes: Mapping[str, object],
        *,
        config_file: Path | None = None,
        out: Path | None = None,
        resume: bool = False,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[ScanResult]:
        """Begin a scan; ``changes`` are config keys that differ from the config file (or the default)."""
        params: dict[str, Any] = {"model": model, "config": dict(changes)}
        if config_file is not None:
            params["config_file"] = str(config_file.absolute())
        if out is not None:
            params["out"] = str(out)
        if resume:
            params["resume"] = True
        return self._call(
            "scan", params, lambda it: ScanResult(Path(it["run"]), it["state"], it["timings"]), on_progress
        )

    async def plan(
        self, model: str, changes: Mapping[str, object], *, config_file: Path | None = None, fetch: bool = True
    ) -> Planned:
        """What a scan with these settings would take, before it is done.

        Args:
            fetch: whether the config of a hub model that is not in the cache may be fetched.

        Raises:
            MechaMapError: it could not be scanned.
        """
        params: dict[str, Any] = {"model": model, "config": dict(changes), "fetch": fetch}
        if config_file is not None:
            params["config_file"] = str(config_file.absolute())
        return await self._call("plan", params, read_plan).answer

    async def activations(self, run: Path, layer: int) -> Path:
        """The file with a layer's activations, ``[neurons of the layer, positions]``; made if it is not there."""
        call = self._call("activations", {"run": str(run), "layer": layer}, lambda it: Path(it["file"]))
        return await call.answer

    async def export(self, order: ExportOrder) -> Exported:
        """Write an export.

        Raises:
            ExportError: it cannot be written, or the file is there already and ``overwrite`` is off.
        """
        params = {
            "run": str(order.run),
            "path": str(order.path),
            "format": order.format,
            "wide": order.wide,
            "scope": order.scope,
            "overwrite": order.overwrite,
        }
        if order.rows is not None:
            params["rows"] = order.rows
        return await self._call(
            "export", params, lambda it: Exported(Path(it["path"]), it["rows"], it["neurons"])
        ).answer

    async def models(self) -> tuple[str, ...]:
        """Ids of the models in the local hub cache."""
        return await self._call("models", {}, lambda it: tuple(it["cached"])).answer

    def confirm(self, run: Path, *, on_progress: Callable[[Progress], None] | None = None) -> EngineCall[Confirmed]:
        """Begin to check a run's findings on words that did not choose them; what comes of it is added to the run."""
        return self._call(
            "confirm",
            {"run": str(run)},
            lambda it: Confirmed(Path(it["run"]), dict(it["confirmed"]), float(it["seconds"])),
            on_progress,
        )

    def causes(
        self, run: Path, *, on_progress: Callable[[Progress], None] | None = None
    ) -> EngineCall[CausesEstimated]:
        """Begin to estimate what each category would lose without each neuron; it is added to the run."""
        made = lambda it: CausesEstimated(Path(it["run"]), float(it["seconds"]))  # noqa: E731
        return self._call("causes", {"run": str(run)}, made, on_progress)

    def ablate(
        self,
        run: Path,
        neurons: Sequence[str],
        *,
        mode: str = "zero",
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[tuple[Ablation, ...]]:
        """Begin to measure what each category loses without each of the neurons, and without others like it."""
        params = {"run": str(run), "neurons": list(neurons), "mode": mode}
        return self._call("ablate", params, lambda it: tuple(map(read_ablation, it["ablations"])), on_progress)

    async def interpret(
        self,
        run: Path,
        *,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """What a run's neurons say of its model, in tables; the engine stops where nobody waits for it any more.

        Args:
            by: the figure that neurons are judged by; None: the run's own.
            threshold: from where on they count; None: the figure's own.

        Raises:
            MechaMapError: the run has no such figure, or cannot be read.
        """
        params = {"run": str(run), **_report_params((), by, threshold)}
        return await self._call("interpret", params, report_from_dict, on_progress, beside=True).answer

    async def compare(
        self,
        runs: Sequence[Path],
        *,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """What differs between runs, or models; of two also their closest neurons, where :meth:`match` found them.

        Raises:
            MechaMapError: they have nothing that could be compared.
        """
        params = _report_params(runs, by, threshold)
        return await self._call("compare", params, report_from_dict, on_progress, beside=True).answer

    def match(
        self,
        runs: Sequence[Path],
        *,
        words: int | None = None,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[Report]:
        """Begin to look for each neuron's closest one in the other of two runs; the comparison with them is the answer.

        Args:
            words: over how many of the text's words; None: all.
        """
        params = _report_params(runs, by, threshold)
        if words is not None:
            params["words"] = words
        return self._call("match", params, report_from_dict, on_progress)

    async def lens(self, run: Path, neuron: str) -> Lens:
        """The tokens that a neuron's output weights push up and down most.

        Raises:
            MechaMapError: it is not defined for the model.
        """
        params = {"run": str(run), "neuron": neuron, "k": LENS_TOKENS}
        return await self._call(
            "lens",
            params,
            lambda it: Lens(it["neuron"], _tokens(it["promoted"]), _tokens(it["suppressed"]), it["unit"]),
        ).answer


def _report_params(runs: Sequence[Path], by: str | None, threshold: float | None) -> dict[str, Any]:
    given: dict[str, Any] = {"runs": list(map(str, runs)) or None, "by": by, "threshold": threshold}
    return {"most": REPORT_ROWS, **{name: value for name, value in given.items() if value is not None}}


def _tokens(pairs: Sequence[Sequence[Any]]) -> tuple[tuple[str, float], ...]:
    return tuple((str(token), float(z)) for token, z in pairs)
