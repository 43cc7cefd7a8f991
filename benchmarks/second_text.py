"""What the natural text that is read after a scan does for its lists, and what it costs."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure
from benchmarks.natural import REAL_AUROC, REAL_TIMES, NaturalFigures, list_figures
from mechamap.catalog.source import resolve
from mechamap.config.schema import default_config
from mechamap.figures.catalogue import judged_figures
from mechamap.figures.of_run import default_figure
from mechamap.figures.second_text import natural_look, reliability
from mechamap.figures.values import category_values
from mechamap.models.loaded import LoadedModel
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.with_checks import Checks, scan_and_check

__all__ = ["second_text_figures"]


def second_text_figures(loaded: LoadedModel, folder: Path, same: NaturalFigures, other: NaturalFigures) -> list[Figure]:
    """Lists of the default scan and of one that reads the whole second text, judged in a third text; times, thresholds.

    Args:
        folder: where the runs go.
        same, other: every neuron in that text, over the config's words and over other ones.
    """
    runs, seconds = {}, {}
    for when in ("never", "auto", "always"):
        config = replace(default_config(), dtype="float32", second_text=when)
        started = time.perf_counter()
        # The model is loaded anew, as for a user, since that is part of what a scan takes.
        runs[when] = scan_and_check(ScanRequest(resolve(loaded.id), config, folder / when), Checks())
        seconds[when] = time.perf_counter() - started
    figures = [
        Figure(
            "default scan, with the second text / without",
            f"{seconds['auto'] / seconds['never']:.2f} x",
            "<= 1.3 x",
            seconds["auto"] <= 1.3 * seconds["never"],
            f"{seconds['auto']:.2f} s and {seconds['never']:.2f} s, the model loaded in both; with the whole text "
            f"{seconds['always']:.2f} s",
        )
    ]
    for when, name in (("auto", "the default scan"), ("always", "a scan with the whole second text")):
        run = runs[when]
        by = default_figure(run)
        figures += list_figures(run, {f"{by} of {name}": category_values(run, by)}, same, other)
        figures += [_reliability(run, name), _counting(run, name, same, other)]
    return figures


def _reliability(run: Run, name: str) -> Figure:
    """How many of the first neurons hold in the run's own second text, by the scan's order and by the list's."""
    look = natural_look(run)
    tokens = look.tokens if look is not None else 0
    shares = []
    for by in ("ap", default_figure(run)):
        counts = [each for category in run.categories if (each := reliability(run, category, by)) is not None]
        listed = sum(each.listed for each in counts)
        others = [each for each in counts if each.others is not None]
        of_others = sum(each.listed for each in others)
        shares.append(
            f"by {by} {sum(each.held for each in counts)} of {listed}, words that chose nothing "
            f"{sum(each.others or 0 for each in others)} of {of_others}"
        )
    return Figure(
        f"first 20 that hold in the second text, {name}", "-", "-", None, f"{tokens:,} tokens; {'; '.join(shares)}"
    )


def _counting(run: Run, name: str, same: NaturalFigures, other: NaturalFigures) -> Figure:
    """Of the neurons that count by the usual threshold, how many are real in the judge's text."""
    kind = judged_figures()[default_figure(run)]
    counts = kind.holds(category_values(run, kind.name), kind.threshold(run))  # [neurons, categories]
    falls = np.asarray(run.figure("selectivity")) < 0
    shares = []
    for natural in (same, other):
        real = []
        for category in range(len(run.categories)):
            rows = np.flatnonzero(counts[:, category])
            real.append(natural.judged(rows, category, falls[rows, category])[1])
        shares.append(float(np.concatenate(real).mean()) if counts.any() else float("nan"))
    return Figure(
        f"count by {kind.name} >= {kind.threshold(run):g} and are real on the same words, {name}",
        f"{shares[0]:.2f}",
        ">= 0.9",
        bool(shares[0] >= 0.9),
        f"{int(counts.sum()):,} pairs of neuron and category; on other words {shares[1]:.2f}; real: AP at least "
        f"{REAL_TIMES} times chance and AUROC at least {REAL_AUROC}",
    )
