"""A run as people use it in Python: the best neurons, tables, one neuron, checks, comparisons, exports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mechamap.api.displayed import DisplayedReport, DisplayedTable
from mechamap.api.held_model import HeldModel
from mechamap.api.neuron import Neuron
from mechamap.api.progress import following
from mechamap.api.python_words import in_python_words
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, ExportResult, export_run, format_of
from mechamap.exports.target import check_target
from mechamap.query.evaluate import chosen_rows
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    import pandas as pd

    from mechamap.models.loaded import LoadedModel

__all__ = ["ScannedRun"]


class ScannedRun:
    """A run, as :func:`mechamap.open` and :func:`mechamap.scan` give it.

    Everything is read from its files, without the model, but for what says that it loads it: ``confirm``, ``ablate``,
    and a neuron's ``lens``. The model is then kept until :meth:`release`.

    Attributes:
        data: the run's record and arrays.
    """

    def __init__(self, data: Run, loaded: LoadedModel | None = None, *, progress: bool = True) -> None:
        self.data = data
        self._progress = progress
        self._model = HeldModel(loaded, show=progress)

    @property
    def name(self) -> str:
        """What it is called: its folder's name."""
        return self.data.name

    @property
    def path(self) -> Path | None:
        """Its folder; of a CSV the file."""
        return self.data.path

    @property
    def label(self) -> str:
        """The short name of its model."""
        return self.data.label

    @property
    def categories(self) -> tuple[str, ...]:
        return self.data.categories

    @property
    def config(self) -> ScanConfig:
        """The settings that it was made with.

        Raises:
            RunError: it does not say, as a CSV.
        """
        return self.data.config

    def __len__(self) -> int:
        """How many neurons it has."""
        return self.data.neurons

    @in_python_words
    def __getitem__(self, neuron: str | tuple[int, int]) -> Neuron:
        """A neuron by its name, ``"L7.N1844"``, or by layer and index.

        Raises:
            UsageError: no neuron of the run has that name.
        """
        named = NeuronName(*neuron) if isinstance(neuron, tuple) else neuron
        row = self.data.row_of(named)
        return Neuron(self, self.data.neuron_name(row), row)

    @in_python_words
    def top(self, category: str, n: int = 20, *, by: str | None = None) -> DisplayedTable:
        """The strongest neurons of a category, with how each was checked.

        Args:
            n: how many.
            by: the figure that orders them; None: the best that the run has, of strength, ap, selectivity and mean.

        Raises:
            UsageError: no such category or figure.
        """
        from mechamap.interpret.report import interpret_run

        self.data.category_index(category)
        table = interpret_run(self.data, by, None, n, only=["top"]).tables[0]
        rows = tuple(row[1:] for row in table.rows if row[0] == category)
        title = f"Strongest neurons of {category}"
        return DisplayedTable(replace(table, title=title, columns=table.columns[1:], rows=rows, links=()))

    @in_python_words
    def frame(
        self,
        where: str | None = None,
        *,
        wide: bool = False,
        sort: str | None = None,
        limit: int | None = None,
        category: str | None = None,
        threshold: float | None = None,
    ) -> pd.DataFrame:
        """Neurons as a pandas frame, in the columns of ``mechamap export``.

        Args:
            where: a filter, as ``"reads.food > .9 and layer >= 20"``.
            wide: a row for each neuron with every figure, instead of one for each neuron and category.
            sort: columns, as ``"-reads.food,layer"``.
            limit: only the first ones.
            category: meant by a figure without one.
            threshold: of the long layout, the mean at which a neuron is listed; the run's where not given.

        Raises:
            QueryError: the filter or the sort columns cannot be understood.
        """
        from mechamap.api.frame import long_frame, wide_frame

        rows = chosen_rows(self.data, where, sort, limit, category)
        return wide_frame(self.data, rows) if wide else long_frame(self.data, rows, self._threshold(threshold))

    @in_python_words
    def export(
        self,
        out: Path | str,
        *,
        format: str | None = None,
        wide: bool = False,
        where: str | None = None,
        sort: str | None = None,
        limit: int | None = None,
        category: str | None = None,
        threshold: float | None = None,
        excel: bool = False,
        overwrite: bool = False,
    ) -> ExportResult:
        """Write neurons to a file, as ``mechamap export`` does; the arguments are its flags.

        Raises:
            ExportError: the file is there already, or cannot be written.
            QueryError: the filter or the sort columns cannot be understood.
        """
        target = check_target(user_path(out), overwrite=overwrite)
        chosen = format or format_of(target)
        if chosen is None:
            raise UsageError(
                f"The name {target.name} does not tell the format.", "Give format: csv, json, parquet, md."
            )
        rows = chosen_rows(self.data, where, sort, limit, category)
        scope = "all" if where is None and limit is None else f"where {where}" if limit is None else f"first {limit}"
        request = ExportRequest(chosen, wide, rows, scope, threshold, excel)
        return export_run(self.data, target, request, overwrite=overwrite)

    @in_python_words
    def interpret(self, by: str | None = None, threshold: float | None = None, top: int = 3) -> DisplayedReport:
        """What the neurons say about the model, see docs/interpret.md.

        Args:
            by: the figure that they are judged by.
            threshold: from which a neuron counts; the figure's usual one where not given.
            top: how many of each category are named.
        """
        from mechamap.interpret.report import interpret_run

        return DisplayedReport(interpret_run(self.data, by, threshold, top))

    @in_python_words
    def compare(
        self,
        *others: ScannedRun,
        by: str | None = None,
        threshold: float | None = None,
        relation: Literal["auto", "same", "different"] = "auto",
    ) -> DisplayedReport:
        """This run beside others, of the same model or of other ones, see docs/compare.md.

        Args:
            by: the figure that neurons are judged by.
            threshold: from which a neuron counts.
            relation: whether a neuron's name means the same in all; ``auto`` finds out.
        """
        from mechamap.compare.comparison import prepare
        from mechamap.compare.report import compare_runs

        runs = [self.data, *(other.data for other in others)]
        comparison = prepare(runs, by, threshold, relation=relation)
        return DisplayedReport(compare_runs(comparison))

    @in_python_words
    def confirm(
        self,
        *,
        permutations: int = 200,
        splits: int = 4,
        seed: int = 0,
        hard_auroc: float | None = None,
    ) -> ScannedRun:
        """Check every finding on held-out words in carrier sentences, and keep that in the run; loads the model.

        The arguments are the flags of ``mechamap confirm``, with its defaults.

        Returns:
            This run, with the new figures.

        Raises:
            Cancelled: it was interrupted; the run is as it was.
        """
        from mechamap.checks.confirm import confirm_run
        from mechamap.checks.confirmation_pass import ConfirmSettings

        settings = ConfirmSettings(permutations, splits, seed, hard_auroc)
        loaded = self.model()
        with following("confirming", show=self._progress) as (tell, cancel):
            self.data = confirm_run(self.data, loaded, settings, tell, cancel)
        return self

    @in_python_words
    def ablate(
        self,
        neurons: Sequence[str],
        *,
        mode: Literal["zero", "mean"] = "zero",
        controls: int = 8,
        seed: int = 0,
        text: str | None = None,
    ) -> DisplayedTable:
        """What the model loses without each of some neurons, beside random ones; kept in the run; loads the model.

        Args:
            neurons: their names.
            mode: hold them at zero or at their mean.
            controls: random neurons of about the same activation, for each.
            seed: of the choice of controls.
            text: to read instead of the run's own.

        Raises:
            UsageError: a neuron that the run does not have, or a run without a text where none is given.
            Cancelled: it was interrupted.
        """
        from mechamap.api.neuron_tables import ablation_table
        from mechamap.checks.causes.ablation import AblateSettings, ablate_run
        from mechamap.checks.causes.other_text import OtherText

        rows = [self.data.row_of(name) for name in neurons]
        if text is None and (reason := self.data.why_not_rerun()):
            raise UsageError(reason, "Give a text to ablate over: text=...")
        loaded = self.model()
        run = self.data if text is None else OtherText.read(self.data, loaded, "text", text).in_place(self.data)
        with following("ablating", show=self._progress) as (tell, cancel):
            settings = AblateSettings(mode, controls, seed)
            self.data, ablations = ablate_run(run, loaded, rows, settings, on_event=tell, cancel=cancel)
        return DisplayedTable(ablation_table(self.data, ablations))

    @in_python_words
    def model(self, model: str | None = None, device: str | None = None) -> LoadedModel:
        """Its model, loaded when first asked for and kept.

        Args:
            model: where it lies now, if it has moved since the scan.
            device: where to put it.

        Raises:
            MechaMapError: it cannot be loaded, or the run has none, as a CSV.
        """
        return self._model.of(self.data, model, device)

    def release(self) -> None:
        """Give the model's memory back; it is loaded again when something needs it."""
        self._model.release()

    def refresh(self) -> bool:
        """Read what another process has added since; whether there was anything."""
        return self.data.refresh()

    def _threshold(self, threshold: float | None) -> float:
        return self.data.threshold if threshold is None else threshold

    def __repr__(self) -> str:
        done, layers = len(self.data.complete_layers), len(self.data.layers)
        state = "" if done == layers else f", {done} of {layers} layers complete"
        checked = ", confirmed" if self.data.has("p") else ""
        return f"<run {self.name}: {self.data.neurons:,} neurons of {self.label}{checked}{state}>"

    def _repr_html_(self) -> str:
        from mechamap.interpret.report import interpret_run

        return DisplayedReport(interpret_run(self.data, top=3, only=["info", "top"]))._repr_html_()
