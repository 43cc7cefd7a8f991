"""Which figures a run has, and how to obtain one that it lacks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mechamap.errors import UsageError
from mechamap.figures.catalogue import judged_figures
from mechamap.figures.figure import Figure, JudgedFigure, MadeBy
from mechamap.runs.run import Run
from mechamap.wording.advice import ABLATE, CONFIRM, CONFIRM_TEXT, Action, Advice, Hint, Setting

__all__ = ["default_figure", "figures_of", "how_to_get", "is_in", "judged_figure", "why_undefined"]


_WORKED_OUT_BY: Mapping[MadeBy, Action] = {"confirm": CONFIRM, "second text": CONFIRM_TEXT, "ablate": ABLATE}


def how_to_get(figure: Figure, before: str = "") -> Hint:
    """What computes a figure that a run lacks, appended to the sentence ``before``; just ``before`` where every scan
    gives it.
    """
    if (action := _WORKED_OUT_BY.get(figure.made_by)) is not None:
        return Advice.of(f"{before} {{}} works it out.".lstrip(), action)
    if figure.made_by == "after scan":
        return Advice.of(f"{before} A scan with {{}} works it out.".lstrip(), Setting("second_text", "always"))
    if figure.made_by == "corpus":
        return f"{before} Only scans over a corpus work it out.".lstrip()
    return f"{before} Only models with routed experts have it.".lstrip() if figure.made_by == "experts" else before


def why_undefined(run: Run, figure: Figure) -> str:
    """Why a figure cannot mean anything for the run's model; empty where it can."""
    undefined = run.record.undefined
    needed = figure.undefined_with if isinstance(figure, JudgedFigure) else ""
    return undefined.get(figure.name) or undefined.get(needed, "")


def is_in(run: Run, figure: JudgedFigure) -> bool:
    """Whether the run has a figure, and it can mean something for its model."""
    has = run.has(figure.name) or bool(figure.measured_as and run.has(figure.measured_as))
    return has and not why_undefined(run, figure)


def figures_of(run: Run) -> tuple[JudgedFigure, ...]:
    """The per-category figures that a run has and that can mean something for its model."""
    return tuple(figure for figure in judged_figures().values() if is_in(run, figure))


_ORDERED_BY = ("strength", "ap", "selectivity", "mean")  # what says most about other texts comes first
_AT_ONCE = 64  # neurons


def default_figure(*runs: Run) -> str:
    """What neurons are listed and judged by where the user does not say: the first that all the runs have, of
    ``strength``, ``ap``, ``selectivity`` and ``mean``. A list by average precision holds better in other texts than one
    by AUROC, which is blind to how rare a category is: see docs/findings.md."""
    return next((name for name in _ORDERED_BY if all(_lists_all_layers(run, name) for run in runs)), "mean")


def _lists_all_layers(run: Run, name: str) -> bool:
    """Whether a list by the figure has neurons of every complete layer: a scan may go on after a confirmation."""
    if name != "strength" or not run.has(name):
        return run.has(name)
    values = run.figure(name)  # [neurons, categories]
    return all(
        any(np.isfinite(values[first : first + _AT_ONCE]).any() for first in range(rows.start, rows.stop, _AT_ONCE))
        for rows in (layer.rows for layer in run.complete_layers)
    )


def judged_figure(run: Run, name: str) -> JudgedFigure:
    """The figure that a user names, in the run's words or the screens' (``reads``).

    Raises:
        UsageError: there is no such figure, or the run does not have it.
    """
    judged = judged_figures()
    known = {figure.label: figure for figure in judged.values()} | judged
    figure = known.get(name.strip().lower())
    have = ", ".join(figure.label for figure in figures_of(run)) or "none"
    if figure is None:
        raise UsageError(f"Unknown figure {name!r}.", f"{run.name} has {have}.")
    if not is_in(run, figure):
        if reason := why_undefined(run, figure):
            raise UsageError(f"{figure.label} is not defined for the model of {run.name}.", reason)
        raise UsageError(f"{run.name} has no figure {figure.label}.", how_to_get(figure, f"It has {have}."))
    return figure
