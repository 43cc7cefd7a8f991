"""The explorer's requests to the engine, and how the answers become values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from mechamap.protocol.messages import (
    Ablations,
    ActivationsFile,
    CausesEstimated,
    Confirmed,
    ControlVector,
    Exported,
    Lens,
    Models,
    Progress,
    Released,
    ScanResult,
    WindowActivations,
)
from mechamap.protocol.planned import Planned
from mechamap.protocol.probed import Moves, Probed, Similar
from mechamap.protocol.requests import (
    AblateParams,
    ActivationsParams,
    CausesParams,
    CompareParams,
    ConfirmParams,
    ExportParams,
    InterpretParams,
    LensParams,
    MatchParams,
    MovesParams,
    PlanParams,
    ProbeParams,
    ScanParams,
    SimilarParams,
    WindowParams,
)
from mechamap.protocol.steer_requests import ControlVectorParams, SteerParams
from mechamap.protocol.steering import Ladder
from mechamap.tables.table import Report
from mechamap_tui.engine.process import EngineCall, EngineProcess

__all__ = ["EngineClient"]


LENS_TOKENS = 24
LISTED = 200  # neurons
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
        params = ScanParams(
            model=model, config=dict(changes), config_file=_absolute(config_file), out=out, resume=resume
        )
        return self._call("scan", params, ScanResult, on_progress)

    async def plan(
        self, model: str, changes: Mapping[str, object], *, config_file: Path | None = None, fetch: bool = True
    ) -> Planned:
        """The plan of a scan with these settings.

        Args:
            fetch: whether the config of a hub model that is not in the cache may be fetched.

        Raises:
            MechaMapError: it could not be scanned.
        """
        params = PlanParams(model=model, config=dict(changes), config_file=_absolute(config_file), fetch=fetch)
        return await self._call("plan", params, Planned).answer

    async def activations(self, run: Path, layer: int) -> Path:
        """The file with a layer's activations, ``[neurons of the layer, positions]``; made if it is not there."""
        call = self._call("activations", ActivationsParams(run=run, layer=layer), ActivationsFile)
        return (await call.answer).file

    async def window(self, run: Path, neuron: str, position: int, kept: str) -> WindowActivations:
        """A neuron's activations over the tokens that a run over a corpus keeps around a position.

        Args:
            kept: the folder of the tokens that it is a position in; a scan that goes on replaces it.

        Raises:
            MechaMapError: the run keeps no such token, or its model cannot be loaded.
        """
        params = WindowParams(run=run, neuron=neuron, position=position, kept=kept or None)
        return await self._call("window", params, WindowActivations).answer

    async def export(self, order: ExportParams) -> Exported:
        """Write an export.

        Raises:
            ExportError: it cannot be written, or the file is there already and ``overwrite`` is off.
        """
        return await self._call("export", order, Exported).answer

    async def models(self) -> tuple[str, ...]:
        """Ids of the models in the local hub cache."""
        return (await self._call("models", None, Models).answer).cached

    def confirm(
        self,
        run: Path,
        *,
        randomize: Sequence[str] = (),
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[Confirmed]:
        """Begin to check a run's findings on held-out words; the results are added to the run.

        With ways to ``randomize`` the model, it is searched so too; what is confirmed already is not confirmed again.
        """
        params = ConfirmParams(run=run, randomize=tuple(randomize))
        return self._call("confirm", params, Confirmed, on_progress)

    def causes(
        self, run: Path, *, on_progress: Callable[[Progress], None] | None = None
    ) -> EngineCall[CausesEstimated]:
        """Begin to estimate each neuron's effect on each category; the estimates are added to the run."""
        return self._call("causes", CausesParams(run=run), CausesEstimated, on_progress)

    def ablate(
        self,
        run: Path,
        neurons: Sequence[str],
        *,
        mode: Literal["zero", "mean"] = "zero",
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[Ablations]:
        """Begin to measure the effect of ablating each of the neurons, and similar ones as controls."""
        params = AblateParams(run=run, neurons=tuple(neurons), mode=mode)
        return self._call("ablate", params, Ablations, on_progress)

    async def interpret(
        self,
        run: Path,
        *,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Report:
        """What a run's neurons say about its model, in tables; the engine stops once nothing awaits the answer.

        Args:
            by: the figure that neurons are judged by; None: the run's own.
            threshold: the value from which they count; None: the figure's own.

        Raises:
            MechaMapError: the run has no such figure, or cannot be read.
        """
        params = InterpretParams(run=run, by=by, threshold=threshold, most=REPORT_ROWS)
        return await self._call("interpret", params, Report, on_progress, beside=True).answer

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
        params = CompareParams(runs=tuple(runs), by=by, threshold=threshold, most=REPORT_ROWS)
        return await self._call("compare", params, Report, on_progress, beside=True).answer

    def match(
        self,
        runs: Sequence[Path],
        *,
        words: int | None = None,
        by: str | None = None,
        threshold: float | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> EngineCall[Report]:
        """Begin the search for each neuron's closest one in the other run; the answer is the comparison with them.

        Args:
            words: over how many of the text's words; None: all.
        """
        params = MatchParams(runs=tuple(runs), by=by, threshold=threshold, most=REPORT_ROWS, words=words)
        return self._call("match", params, Report, on_progress)

    async def lens(self, run: Path, neuron: str) -> Lens:
        """The tokens that a neuron's output weights push up and down most.

        Raises:
            MechaMapError: it is not defined for the model.
        """
        return await self._call("lens", LensParams(run=run, neuron=neuron, k=LENS_TOKENS), Lens).answer

    async def probe(self, question: ProbeParams, *, on_progress: Callable[[Progress], None] | None = None) -> Probed:
        """What neurons do with a sentence.

        Raises:
            Cancelled: a newer question overtook it.
            MechaMapError: the model cannot be loaded, or cannot read the sentence.
        """
        return await self._call("probe", question, Probed, on_progress).answer

    async def moves(self, run: Path, texts: tuple[str, str], neuron: str) -> Moves:
        """Which neurons two sentences move apart, and how far one neuron at each pair of tokens.

        Raises:
            MechaMapError: as :meth:`probe`, or the sentences have no tokens that stand opposite each other.
        """
        params = MovesParams(run=run, first=texts[0], second=texts[1], neurons=(neuron,), top=LISTED)
        return await self._call("moves", params, Moves).answer

    def steer(
        self, question: SteerParams, *, on_progress: Callable[[Progress], None] | None = None
    ) -> EngineCall[Ladder]:
        """Begin a ladder of strengths; the engine stops once nothing awaits the answer, or a newer one overtakes it."""
        return self._call("steer", question, Ladder, on_progress, beside=True)

    async def control_vector(self, order: ControlVectorParams) -> ControlVector:
        """Write what a strength adds as a control vector for llama.cpp.

        Raises:
            MechaMapError: no vector can say it, or the file cannot be written.
        """
        return await self._call("control_vector", order, ControlVector).answer

    async def similar(
        self, run: Path, neuron: str, *, on_progress: Callable[[Progress], None] | None = None
    ) -> Similar:
        """The neurons most like one.

        Raises:
            MechaMapError: the model cannot be loaded, or the run's text is too short.
        """
        params = SimilarParams(run=run, neuron=neuron, top=LISTED)
        return await self._call("similar", params, Similar, on_progress).answer

    async def release(self) -> str | None:
        """Have the model's memory given back; what was in memory until then, None: nothing was."""
        return (await self._call("release", None, Released).answer).model


def _absolute(file: Path | None) -> Path | None:
    return None if file is None else file.absolute()
