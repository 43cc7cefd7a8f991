"""What the list of layers says about each: how many neurons stand out per category, and what is wrong with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FEW_OCCURRENCES, judged_figures
from mechamap.figures.findings import confirmed
from mechamap.figures.of_run import default_figure
from mechamap.runs.proof_record import other_dtypes
from mechamap.runs.record import DAMAGED, LayerRows
from mechamap.runs.run import Run
from mechamap.wording.advice import Setting
from mechamap.wording.amounts import quantity
from mechamap_tui.data.advice_text import explorer_words

__all__ = ["CUT", "LayerCounts", "flag_words", "flagged_layers", "remedy"]


CUT = 0.8  # in a run without average precision, a neuron counts when its selectivity, up or down, reaches this


class LayerCounts:
    """Counts a layer once, when it is complete: neurons at or above the threshold of the figure that lists go by.

    In a run without average precision that was confirmed, the confirmed ones: selectivity says less.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._counts: dict[int, NDArray[np.int64]] = {}
        self._confirmed: NDArray[np.bool_] | None = None  # [neurons, categories]
        self._figure = judged_figures()[default_figure(run)]  # kept: every line that is painted asks for it

    def renew(self) -> None:
        """Forget all counts: the run's figures have changed."""
        self._counts.clear()
        self._confirmed = None
        self._figure = judged_figures()[default_figure(self.run)]

    @property
    def counted(self) -> str:
        """What is counted, in a word or a formula; empty where nothing can be."""
        if self._by_confirmation:
            return "confirmed"
        if not self.run.has("selectivity"):
            return ""
        size = f"|{self._figure.label}|" if self._figure.two_sided else self._figure.label
        return f"{size} ≥ {self._threshold:.2f}".replace("0.", ".")

    def of(self, layer: int) -> NDArray[np.int64] | None:
        """``[categories]``, or None while the layer is not complete or the run has nothing to count."""
        counts = self._counts.get(layer)
        if counts is None and self.counted:
            rows = self.run.layer_rows(layer)
            if rows.complete:
                counts = self._counts[layer] = np.count_nonzero(self._counting(rows.rows), axis=0)
        return counts

    def highest(self) -> int:
        """The largest count of any category in any layer."""
        return max((int(counts.max(initial=0)) for counts in self._counted()), default=0)

    def count(self, layer: int | None, category: int) -> int:
        """Neurons of a layer, or of all complete layers where None, that count for a category."""
        if layer is None:
            return sum(int(counts[category]) for counts in self._counted())
        counts = self.of(layer)
        return 0 if counts is None else int(counts[category])

    @property
    def _by_confirmation(self) -> bool:
        return self.run.has("p") and not self._figure.directed

    @property
    def _threshold(self) -> float:
        return CUT if self._figure.name == "selectivity" else self._figure.threshold(self.run)

    def _counting(self, rows: slice) -> NDArray[np.bool_]:
        """Which neurons count, ``[width, categories]``."""
        figure, run = self._figure, self.run
        if self._by_confirmation:
            if self._confirmed is None:
                self._confirmed = np.stack([confirmed(run, name) for name in run.categories], axis=1)
            return self._confirmed[rows]
        counting = figure.holds(np.asarray(run.figure(figure.name)[rows]), self._threshold)
        if run.has("occurrences"):  # a few words that happen to fit give an expert's neuron a high score
            counting &= np.asarray(run.figure("occurrences")[rows]) >= FEW_OCCURRENCES
        return counting

    def _counted(self) -> list[NDArray[np.int64]]:
        counted = (self.of(rows.layer) for rows in self.run.layers)
        return [counts for counts in counted if counts is not None]


NOT_FINITE = "not finite"


def flag_words(run: Run, rows: LayerRows) -> str:
    """``not finite: scan with Dtype: float32``; empty for a layer with which nothing is wrong."""
    return ": ".join(filter(None, (_worst(rows), remedy(run)))) if rows.flags else ""


def flagged_layers(run: Run) -> str:
    """``2 layers not finite``, empty where there are none."""
    flagged = [rows for rows in run.layers if rows.flags]
    if not flagged:
        return ""
    worst = max(map(_worst, flagged), key=lambda flag: flag == NOT_FINITE)
    return f"{quantity(len(flagged), 'layer')} {worst}"


def _worst(rows: LayerRows) -> str:
    """The most informative flag: a layer that is not finite could not be proved either."""
    return NOT_FINITE if NOT_FINITE in rows.flags else ", ".join(flag for flag in rows.flags if flag != DAMAGED)


def remedy(run: Run) -> str:
    """What to do about activations that are not finite; empty where no number format has a larger range."""
    if any(rows.damaged for rows in run.layers):
        return "download the weights again"
    dtypes = other_dtypes(run.record.model.dtype)
    return f"scan with {explorer_words(Setting('dtype', dtypes))}" if dtypes else ""
