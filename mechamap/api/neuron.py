"""One neuron of a run: its figures, its tokens, and what its model says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from mechamap.api.asked_run import AskedRun
from mechamap.api.python_words import in_python_words
from mechamap.api.shown.displayed import DisplayedReport, DisplayedTable
from mechamap.errors import UsageError
from mechamap.figures.findings import Finding, finding
from mechamap.runs.neuron_names import NeuronName
from mechamap.tables.of_neuron import contexts_table, figures_table, tokens_table
from mechamap.wording.suggest import unknown_name

if TYPE_CHECKING:
    from mechamap.api.steering import DisplayedLadder
    from mechamap.checks.lens import Lens

__all__ = ["Neuron"]


class Neuron:
    """A neuron, as ``run["L7.N1844"]`` gives it. Reading it needs no model, but for what says so.

    Attributes:
        run: it is of.
        name: ``L7.N1844``; of a routed expert ``L7.E3.N12``.
        row: its number in the arrays of the run.
    """

    def __init__(self, run: AskedRun, name: NeuronName, row: int) -> None:
        self.run = run
        self.name = str(name)
        self.row = row
        self._place = name

    @property
    def layer(self) -> int:
        """From 0."""
        return self._place.layer

    @property
    def index(self) -> int:
        """Within its layer, of a routed expert within the expert; from 0."""
        return self._place.index

    @property
    def expert(self) -> int | None:
        """The routed expert that it is of; None where it is of none."""
        return self._place.expert if self._place.expert >= 0 else None

    @property
    @in_python_words
    def figures(self) -> DisplayedTable:
        """A row for each category: every figure of the run, standard errors, and how it was checked."""
        return DisplayedTable(figures_table(self.run.data, self.row))

    @property
    @in_python_words
    def tokens(self) -> DisplayedTable:
        """The highest and the lowest tokens, with the text around each."""
        return DisplayedTable(tokens_table(self.run.data, self.row))

    @property
    @in_python_words
    def contexts(self) -> DisplayedTable:
        """Of a run over a corpus the highest and lowest contexts and those of each range; else as :attr:`tokens`."""
        return DisplayedTable(contexts_table(self.run.data, self.row))

    @in_python_words
    def finding(self, category: str) -> Finding:
        """What it reads, writes and causes of a category, and how that was checked.

        Raises:
            UsageError: the run has no such category.
        """
        self.run.data.category_index(category)
        return finding(self.run.data, self.row, category)

    @in_python_words
    def value(self, figure: str, category: str | None = None) -> float:
        """One figure; NaN where it was not computed.

        Args:
            figure: its name in the run's folder, as ``ap`` or ``max``.
            category: of a figure that has a value per category.

        Raises:
            RunError: the run has no such figure.
            UsageError: it needs a category, or the run has no such one.
        """
        return float(np.asarray(self.run.data.column(figure, category))[self.row])

    @in_python_words
    def lens(self, k: int = 10) -> Lens:
        """The ``k`` tokens that it promotes and suppresses most, by its weights; loads the model.

        Raises:
            MechaMapError: the model cannot be loaded, or its weights do not determine the neuron's effect.
        """
        from mechamap.checks.lens import neuron_lens

        return neuron_lens(self.run.model(), self._place, k)

    def ablate(
        self,
        *,
        mode: Literal["zero", "mean"] = "zero",
        controls: int = 8,
        seed: int = 0,
        text: str | None = None,
    ) -> DisplayedTable:
        """What the model loses without it, see :meth:`mechamap.api.scanned_run.ScannedRun.ablate`; loads the model."""
        return self.run.ablate([self.name], mode=mode, controls=controls, seed=seed, text=text)

    @in_python_words
    def probe(self, *texts: str, next: int = 0) -> DisplayedReport:
        """Its activations at each token of a sentence, and where they stand among those over the run's text.

        Args:
            texts: one, or several.
            next: how many of the most probable next tokens behind the last token.

        See :meth:`mechamap.api.asked_run.AskedRun.probe`; loads the model.
        """
        return self.run.probe(*texts, neurons=[self.name], next=next)

    @in_python_words
    def similar(self, top: int = 20) -> DisplayedReport:
        """The neurons whose activations are most like its own, see :meth:`mechamap.api.asked_run.AskedRun.similar`."""
        return self.run.similar(self.name, top)

    @in_python_words
    def steer(self, text: str, **settings: Any) -> DisplayedLadder:
        """What the model says with it turned up and down; loads the model.

        Args:
            text: the prompt.
            settings: as ``strengths="-2:2:9"``, ``mode="zero"``, ``controls=8``: those of
                :meth:`mechamap.api.asked_run.AskedRun.steer`.
        """
        return self.run.steer(text, neurons=[self.name], **settings)

    @in_python_words
    def report(
        self,
        out: Path | str,
        *,
        category: str | None = None,
        format: Literal["html", "md"] | None = None,
        overwrite: bool = False,
    ) -> Path:
        """Write a page about it to share, see :meth:`mechamap.api.read_run.ReadRun.report`; returns where it is."""
        return self.run.report(out, [self.name], category=category, format=format, overwrite=overwrite)

    @in_python_words
    def code(self, form: str = "transformers") -> str:
        """Code that reads its activations around the highest one, and runs as it is.

        Args:
            form: ``transformers`` alone, ``nnsight``, ``transformer_lens``, ``python`` (this library), or ``command``.

        Raises:
            UsageError: no such form, or that program does not see the neuron.
        """
        from mechamap.takeaway.reading import READING_FORMS, Reading

        forms = tuple(name for name in READING_FORMS if name != "table")  # which is of no one neuron
        if form not in forms:
            raise UsageError(*unknown_name("form", form, forms))
        return READING_FORMS[form][1](Reading.of(self.run.data, self.name))

    @property
    def transformer_lens(self) -> tuple[str, int]:
        """Its hook and its index there in TransformerLens: ``("blocks.7.mlp.hook_post", 1844)``.

        Raises:
            UsageError: it is a routed expert's, which TransformerLens has no such hook for.
        """
        if self.expert is not None:
            raise UsageError(
                f"{self.name} is a neuron of a routed expert; hook_post is a hook of dense layers.",
                "Hook the expert's down-projection instead.",
            )
        side = next((rows.side for rows in self.run.data.layers if rows.layer == self.layer), "")
        blocks = {"": "blocks", "encoder": "encoder", "decoder": "decoder"}[side]
        layer = self.layer
        if side == "decoder":  # layers are counted through both sides
            layer -= min(rows.layer for rows in self.run.data.layers if rows.side == "decoder")
        return f"{blocks}.{layer}.mlp.hook_post", self.index

    def plot(self, category: str | None = None) -> Any:
        """A chart of its figures (matplotlib): selectivity by category, or its histogram over a corpus.

        Args:
            category: highlighted, where given.

        Returns:
            The matplotlib axes.

        Raises:
            MissingExtra: matplotlib is not installed.
        """
        from mechamap.api.shown.charts import neuron_chart

        return neuron_chart(self.run.data, self.row, category)

    def __repr__(self) -> str:
        return repr(self.figures)

    def _repr_html_(self) -> str:
        return self.figures._repr_html_() + self.tokens._repr_html_()
