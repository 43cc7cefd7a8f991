"""A run judged by one figure: every neuron's value for every category, and which of them count."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mechamap.errors import RunError
from mechamap.figures.csv_gaps import lists_some
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, judged_figure
from mechamap.figures.values import category_values, falling
from mechamap.interpret.combinations import Combinations, combinations_of
from mechamap.query.filters import Conditions
from mechamap.query.link import Link
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap.tables.rows import checked_threshold
from mechamap.wording.advice import RESUME, Advice

__all__ = ["FigureView", "figure_view"]


_AT_ONCE = 131_072  # neurons


@dataclass(frozen=True)
class FigureView:
    """A run, the figure its neurons are judged by, and the value from which one counts.

    Attributes:
        values: float32 ``[neurons of complete layers, categories]``, its index the run's row numbers; NaN where there
            is none to judge by.
    """

    run: Run
    kind: JudgedFigure
    threshold: float
    values: pd.DataFrame

    @cached_property
    def layer(self) -> pd.Series[int]:
        """Each neuron's layer, ``[neurons]``."""
        return pd.Series(self.run.layer_of[self.values.index], self.values.index)

    @cached_property
    def rises(self) -> pd.DataFrame:
        """Which values are at or above the threshold, bool ``[neurons, categories]``."""
        up = self.kind.positive(self.values.to_numpy(), self.threshold)
        return self._frame(up & ~self._down if self._down is not None else up)

    @cached_property
    def falls(self) -> pd.DataFrame:
        """Which count on the other side; none where the figure has one side, bool ``[neurons, categories]``."""
        if self._down is not None:
            return self._frame(self.kind.positive(self.values.to_numpy(), self.threshold) & self._down)
        return self._frame(self.kind.negative(self.values.to_numpy(), self.threshold))

    @property
    def has_sides(self) -> bool:
        """Whether it is known of each neuron that counts which way it goes."""
        return self.kind.two_sided or self._down is not None

    @cached_property
    def counts(self) -> pd.DataFrame:
        """Which neurons count for which categories, bool ``[neurons, categories]``."""
        return self.rises | self.falls

    @cached_property
    def number(self) -> pd.Series[int]:
        """For how many categories each neuron counts, ``[neurons]``."""
        return self.counts.sum(axis=1)

    @cached_property
    def strength(self) -> pd.DataFrame:
        """How much each value says, the larger the more, ``[neurons, categories]``."""
        return self._frame(self.kind.strength(self.values.to_numpy()))

    @cached_property
    def correlations(self) -> NDArray[np.float64]:
        """Pearson's r between categories, each over the neurons with a value for both, ``[categories, categories]``."""
        return self.values.corr().to_numpy()

    @cached_property
    def pairs(self) -> NDArray[np.int64]:
        """How many neurons have a value for both categories, ``[categories, categories]``."""
        both = np.zeros((self.values.shape[1],) * 2, np.int64)
        for first in range(0, len(self.values), _AT_ONCE):
            # NumPy multiplies whole numbers thirty times as slowly; below 2**24 each is exact in float32.
            known = self.values.iloc[first : first + _AT_ONCE].notna().to_numpy(np.float32)  # [neurons, categories]
            both += (known.T @ known).astype(np.int64)
        return both

    @cached_property
    def combinations(self) -> Combinations:
        """Each set of two categories or more that neurons count for, the most frequent first."""
        return combinations_of(self.counts.to_numpy(np.bool_)[self.number.to_numpy() >= 2])

    @cached_property
    def conditions(self) -> Conditions:
        """What filters the neurons behind a count."""
        return Conditions(self.run, self.kind, self.threshold)

    @property
    def categories(self) -> tuple[str, ...]:
        return self.run.categories

    @property
    def layers(self) -> tuple[LayerRows, ...]:
        """Those that are complete."""
        return self.run.complete_layers

    @cached_property
    def lists_some(self) -> bool:
        """Whether it knows only means, and only those at or above a threshold, as a CSV that is not wide."""
        return lists_some(self.run)

    @property
    def reaches(self) -> str:
        """In words, when a neuron counts: ``reads at or above 0.9, or at or below -0.9``."""
        above, below = ("at or below", "") if self.kind.ascending else ("at or above", ", or at or below ")
        other = f"{below}{self.kind.mirrored(self.threshold):g}" if self.kind.two_sided else ""
        return f"{self.kind.label} {above} {self.threshold:g}{other}"

    @property
    def of_writing(self) -> bool:
        """Whether the figure judges writing, about which a confirmed reading says nothing."""
        return self.kind.name in ("write", "write_p")

    def strongest(self, category: str, most: int) -> NDArray[np.int64]:
        """Rows of the ``most`` strongest neurons for a category, or of fewer, whether or not they count."""
        strength = self.strength[category].dropna()
        if not self.kind.ascending:
            return strength.nlargest(most).index.to_numpy(np.int64)
        # Many neurons share the smallest p that there can be: of them, the stronger come first.
        figure = "write" if self.of_writing else "selectivity"
        size = np.zeros(len(strength))
        if self.run.has(figure):
            size = np.nan_to_num(np.abs(np.asarray(self.run.column(figure, category))[strength.index]))
        return strength.index.to_numpy(np.int64)[np.lexsort((-size, -strength.to_numpy()))[:most]]

    def best(self, category: str) -> int | None:
        """The row of the strongest; None where no neuron has a value."""
        rows = self.strongest(category, 1)
        return int(rows[0]) if len(rows) else None

    def value(self, row: int, category: str) -> float:
        """A neuron's, by its row in the run; NaN where there is none."""
        return float(self.values[category].loc[row])

    def name(self, row: int) -> str:
        """A neuron's, by its row in the run."""
        return str(self.run.neuron_name(row))

    def neuron(self, row: int, category: str) -> Link:
        """The way to one neuron."""
        return Link(category=category, neuron=self.name(row))

    @cached_property
    def _down(self) -> NDArray[np.bool_] | None:
        """Which neurons go down on which categories, of a figure that does not say so itself: like ``values``."""
        down = falling(self.run) if self.kind.directed else None
        return None if down is None else down[self.values.index]

    def _frame(self, values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, self.values.index, self.values.columns)


def figure_view(run: Run, by: str | None, threshold: float | None) -> FigureView:
    """A run by one figure; see :func:`mechamap.interpret.interpret_run`."""
    if not run.complete_layers:
        raise RunError(
            f"No layer of {run.name} is complete yet, so there is nothing to interpret.",
            Advice.of("Wait for the first layer, or go on with the scan: {}.", RESUME),
        )
    kind = judged_figure(run, by if by is not None else default_figure(run))
    threshold = kind.threshold(run) if threshold is None else checked_threshold(kind, float(threshold))
    rows = np.flatnonzero(run.complete_rows)
    values = category_values(run, kind.name)
    if len(rows) < len(values):
        values = values[rows]
    return FigureView(run, kind, threshold, pd.DataFrame(values, rows, [*run.categories], copy=False))
