"""One neuron of a run: its figures, its tokens, and what its model says of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from mechamap.api.displayed import DisplayedTable
from mechamap.api.neuron_tables import contexts_table, figures_table, tokens_table
from mechamap.api.python_words import in_python_words
from mechamap.errors import UsageError
from mechamap.figures.findings import Finding, finding
from mechamap.runs.neuron_names import NeuronName

if TYPE_CHECKING:
    from mechamap.checks.lens import Lens
    from mechamap.models.loaded import LoadedModel
    from mechamap.runs.run import Run

__all__ = ["Neuron", "NeuronsRun"]


class NeuronsRun(Protocol):
    """What a neuron asks of the run that it is of."""

    data: Run

    @property
    def label(self) -> str: ...

    def model(self) -> LoadedModel: ...

    def ablate(
        self,
        neurons: Sequence[str],
        *,
        mode: Literal["zero", "mean"] = "zero",
        controls: int = 8,
        seed: int = 0,
        text: str | None = None,
    ) -> DisplayedTable: ...


class Neuron:
    """A neuron, as ``run["L7.N1844"]`` gives it. Reading it needs no model, but for what says so.

    Attributes:
        run: it is of.
        name: ``L7.N1844``; of a routed expert ``L7.E3.N12``.
        row: its number in the arrays of the run.
    """

    def __init__(self, run: NeuronsRun, name: NeuronName, row: int) -> None:
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
        from mechamap.api.charts import neuron_chart

        return neuron_chart(self.run.data, self.row, category)

    def __repr__(self) -> str:
        return repr(self.figures)

    def _repr_html_(self) -> str:
        return self.figures._repr_html_() + self.tokens._repr_html_()
