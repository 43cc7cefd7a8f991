"""The figure and threshold by which a report judges neurons: the choices, and what they mean."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from mechamap.errors import UsageError
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, figures_of
from mechamap.runs.run import Run
from mechamap_tui.report.view import ReportView
from mechamap_tui.widgets.prompt import Question

__all__ = ["Judging"]


@dataclass(frozen=True, slots=True)
class Judging:
    """The figures of the runs that a report is about, and the one that its view chose."""

    runs: tuple[Run, ...]
    view: ReportView

    @property
    def figures(self) -> tuple[JudgedFigure, ...]:
        """The figures that all the runs have."""
        first, *others = (figures_of(run) for run in self.runs)
        return tuple(kind for kind in first if all(kind in kinds for kinds in others))

    @property
    def figure(self) -> JudgedFigure | None:
        """What neurons are judged by; None where the runs have nothing in common."""
        kinds = self.figures
        name = self.view.by or default_figure(*self.runs)
        return next((kind for kind in kinds if name in (kind.label, kind.name)), kinds[0] if kinds else None)

    def figure_after(self, steps: int) -> str | None:
        """The figure that many steps further, cyclically; None where there is no other."""
        kinds, current = self.figures, self.figure
        if current is None or len(kinds) < 2:
            return None
        return kinds[(kinds.index(current) + steps) % len(kinds)].label

    def threshold_question(self, changed: Callable[[], object]) -> Question | None:
        """Asks for the threshold from which neurons count; ``changed`` is called once the view has it."""
        figure, threshold = self.figure, self.view.threshold
        if figure is None:
            return None

        def count_from(text: str) -> None:
            self.view.threshold = _typed_threshold(text)
            changed()

        text, usual = "" if threshold is None else f"{threshold:g}", f"{figure.threshold(self.runs[0]):g}"
        return Question(f"{figure.label} from", text, f"{usual} if left empty", self._meaning, count_from)

    def _meaning(self, text: str) -> str:
        """Which neurons count at a typed threshold.

        Raises:
            UsageError: it is not a number.
        """
        threshold, figure = _typed_threshold(text), self.figure
        if figure is None:
            return ""
        value = figure.threshold(self.runs[0]) if threshold is None else threshold
        sides = f" or ≤ {figure.mirrored(value):g}" if figure.two_sided else ""
        return f"neurons with {figure.label} {'≤' if figure.ascending else '≥'} {value:g}{sides}"


def _typed_threshold(text: str) -> float | None:
    """The threshold that was typed; None where nothing was.

    Raises:
        UsageError: it is not a number.
    """
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text.strip()!r} is not a number.", "Type one such as 0.9, or nothing for the default.")
    return value
