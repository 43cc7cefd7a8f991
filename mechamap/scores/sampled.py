"""Figures of categories from sampled positions of a corpus, weighted to the corpus' true rates, with standard errors.

A corpus has far more positions than can be kept, so a category's occurrences P and the positions R outside all its
words are sampled, each evenly within itself, and the sample's shares of the two are not the corpus'. Ranks within P
and R do not depend on the shares; a precision does, and is weighted.

The standard errors are those of another text like this one: how often a category occurs is taken as known, and what
was not sampled as unseen, even where all occurrences were sampled.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.blocks import in_blocks
from mechamap.scores.sampled_counts import CountLayout, counts_of
from mechamap.scores.sampled_effect import effect_of
from mechamap.scores.sampled_ranks import auroc_of, precision_of

__all__ = ["SAMPLED_FIGURES", "SampledCategory", "SampledPositions", "sampled_figures"]


SAMPLED_FIGURES = ("auroc", "auroc_se", "d", "d_se", "ap", "ap_se")


@dataclass(frozen=True, slots=True)
class SampledCategory:
    """Where one category's sampled occurrences are, and how many it has in the corpus."""

    occurrences: NDArray[np.intp]  # [n_p] columns with the values at its sampled occurrences
    inside: NDArray[np.intp]  # columns of the sample of all positions that lie in a span of it, and so not in R
    total_occurrences: int  # in the corpus
    total_rest: int  # scored positions of the corpus outside its spans


@dataclass(frozen=True, slots=True)
class SampledPositions:
    """Which columns of values are sampled positions of what; a column may serve any number of times."""

    rest: NDArray[np.intp]  # [n_rest] columns with the values at the sample of all scored positions
    categories: tuple[SampledCategory, ...]


def sampled_figures(
    values: NDArray[np.floating], sample: SampledPositions, threads: int
) -> dict[str, NDArray[np.float32]]:
    """Figures of every neuron and category, with standard errors; those of neurons that are not finite are NaN.

    Args:
        values: ``[neurons, columns]`` of any float type, in memory or mapped. Some tens of rows at a time are turned
            into float32, so the transpose of a ``[columns, neurons]`` array in memory does as well; mapped from a disk
            it would be read in pieces of a hundred bytes.
        sample: which columns are which positions.
        threads: how many blocks of neurons to work on at once.

    Returns:
        ``auroc``, ``d``, ``ap`` and their standard errors ``auroc_se``, ``d_se``, ``ap_se``, ``[neurons, categories]``
        each. ``auroc`` counts ties half; ``ap`` is the average precision at the corpus' rates, of the activation or,
        where the AUROC is below 1/2, of its negative; ``d`` is Cohen's. NaN where a category has no occurrences or no
        rest; standard errors also where it has only one of either.
    """
    shape = len(values), len(sample.categories)
    figures = {name: np.full(shape, np.nan, np.float32) for name in SAMPLED_FIGURES}
    scored = [
        number
        for number, category in enumerate(sample.categories)
        if len(category.occurrences) and len(category.inside) < len(sample.rest)
    ]
    categories = [sample.categories[number] for number in scored]
    if not categories:
        return figures
    layout = CountLayout.of(sample.rest, [(each.occurrences, each.inside) for each in categories])

    def work(rows: slice) -> None:
        block = np.ascontiguousarray(values[rows], np.float32)
        block = np.take(block, layout.columns, axis=1)
        out = _block_figures(block, layout, categories)
        finite = np.isfinite(block).all(axis=1)
        for name, figure in out.items():
            figure[~finite] = np.nan
            figures[name][rows, scored] = figure

    in_blocks(shape[0], len(layout.columns), work, threads)
    return figures


def _block_figures(
    block: NDArray[np.float32], layout: CountLayout, categories: list[SampledCategory]
) -> dict[str, NDArray[np.float64]]:
    """Figures ``[block, categories]`` of values ``[block, columns]`` in the layout's order."""
    out = {name: np.empty((len(block), len(categories))) for name in SAMPLED_FIGURES}
    totals = np.array([(each.total_occurrences, each.total_rest) for each in categories], np.int64)
    columns = list(zip(layout.occurrences, layout.inside, strict=True))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # where there is nothing to divide by: NaN
        out["d"][:], out["d_se"][:] = effect_of(block, columns, layout.rest, totals)
        for number, counts in enumerate(counts_of(block, layout)):
            auroc, out["auroc_se"][:, number] = auroc_of(counts)
            share = float(totals[number, 0] / totals[number].sum())
            out["auroc"][:, number] = auroc
            out["ap"][:, number], out["ap_se"][:, number] = precision_of(counts, share, auroc < 0.5)
    return out
