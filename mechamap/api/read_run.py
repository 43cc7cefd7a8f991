"""What a run says by its files alone: the best neurons, frames, exports, reports; nothing here loads a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from mechamap.api.python_words import in_python_words
from mechamap.api.run_sets import RunSets
from mechamap.api.shown.displayed import DisplayedReport, DisplayedTable
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, ExportResult, export_run, format_of
from mechamap.exports.target import check_target
from mechamap.query.evaluate import chosen_rows
from mechamap.runs.run import Run
from mechamap.system.paths import user_path

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ReadRun"]


class ReadRun:
    """A run whose files are read.

    Attributes:
        data: the run's record and arrays.
    """

    def __init__(self, data: Run) -> None:
        self.data = data

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
        """Their names, in the order of the arrays."""
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
        from mechamap.api.shown.frame import long_frame, wide_frame

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
    def report(
        self,
        out: Path | str,
        neurons: Sequence[str] = (),
        *,
        set: str | None = None,
        where: str | None = None,
        marked: bool = False,
        category: str | None = None,
        format: Literal["html", "md"] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a page to share about some neurons, as ``mechamap report`` does; returns where it is.

        Args:
            out: the file, ``.html`` or ``.md``.
            neurons: their names.
            set: a set of :attr:`sets`.
            where: a filter: the neurons that it is true for.
            marked: the neurons that are marked in the run.
            category: that the page is about; None: what each reads best.
            format: where the file's name does not tell it.
            overwrite: replace the file.

        Raises:
            UsageError: no or too many neurons, or one that the run lacks.
            ExportError: the file is there already, or cannot be written.
        """
        from mechamap.page.writing import page_format, write_page
        from mechamap.query.neuron_choice import chosen_of_run

        target = check_target(user_path(out), overwrite=overwrite)
        chosen = chosen_of_run(self.data, neurons, set=set, where=where, marked=marked).neurons
        if not chosen:
            raise UsageError("No neuron was named.", "Give neurons=, set=, where= or marked=True.")
        form = page_format(target, format)
        write_page(self.data, chosen, target, form, category=category, overwrite=overwrite)
        return target

    @in_python_words
    def counts(
        self,
        by: str,
        *,
        where: str | None = None,
        category: str | None = None,
        bins: int | None = None,
        cut: Literal["auto", "round", "quantile"] = "auto",
        cross: bool = False,
    ) -> DisplayedTable:
        """How many neurons there are in each group, as ``mechamap count`` says.

        Args:
            by: a column or an expression, or two: ``"best"``, ``"layer, best"``.
            where: a filter for the neurons that are counted.
            category: meant by a figure without one.
            bins: about how many a number is cut into.
            cut: at round numbers, at quantiles, or as suits the figure.
            cross: of a pair, the first by the second instead of a row for each pair.

        Raises:
            QueryError: an expression cannot be understood.
        """
        from mechamap.counts.frequency import count_neurons

        report = count_neurons(self.data, by, where=where, category=category, bins=bins, cut=cut)
        return DisplayedReport(report)["cross" if cross else "counts"]

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

    @property
    @in_python_words
    def sets(self) -> RunSets:
        """Its named sets of neurons: ``run.sets.add("food", ["L7.N1844"])``, ``run.sets["food"]``.

        Raises:
            UsageError: it has no folder to keep them in, as a CSV; when they are first asked for.
        """
        return RunSets(self.data)

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
