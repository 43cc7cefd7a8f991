"""How many sampled positions lie below each sampled occurrence, for all categories from one sort per neuron.

What is sampled of the categories, their occurrences P and the positions inside their spans, stands in front of the
sample S of all positions; the rest R of a category is S without what is inside its spans. After one sort of all of
them, runs of equal values are numbered. A category's runs, sorted, are its values in order; how many of S lie below
a run is counted once for all categories.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from mechamap.scores.packing import LOW, pack

__all__ = ["CountLayout", "Counts", "counts_of"]

Places = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Counts:
    """Where a category's sampled occurrences stand, in rising order of their values, ``[neurons, n_p]`` each."""

    below: Places  # of R, how many are lower
    upto: Places  # of R, how many are not higher
    first: Places  # the first and last of P, from 0, with the same value
    last: Places
    rest: int  # how many R are


@dataclass(frozen=True, slots=True)
class CountLayout:
    """The order of columns in which values are sorted: each category's occurrences and what is inside, then S."""

    columns: NDArray[np.intp]  # [columns]
    occurrences: tuple[slice, ...]  # of each category, in this order of columns
    inside: tuple[slice, ...]  # each after the occurrences of its category
    rest: slice  # S

    @classmethod
    def of(cls, rest: NDArray[np.intp], categories: Sequence[tuple[NDArray[np.intp], NDArray[np.intp]]]) -> CountLayout:
        """The layout of S and of each category's occurrences and positions inside spans."""
        parts = [part for category in categories for part in category] + [rest]
        ends = np.cumsum([0, *map(len, parts)]).tolist()
        slices = [slice(begin, end) for begin, end in pairwise(ends)]
        columns = np.concatenate(parts).astype(np.intp)
        return cls(columns, tuple(slices[:-1:2]), tuple(slices[1::2]), slices[-1])


def counts_of(values: NDArray[np.float32], layout: CountLayout) -> Iterator[Counts]:
    """The counts of each category, one after another.

    Args:
        values: ``[neurons, columns]`` in the layout's order, finite.
        layout: what the columns are.
    """
    size = layout.rest.stop - layout.rest.start
    runs, sampled = _runs(values, layout.rest.start)
    earlier = (np.arange(len(values), dtype=np.int32) * size)[:, None]  # of S, in the neurons before
    for occurrences, inside in zip(layout.occurrences, layout.inside, strict=True):
        run = np.sort(runs[:, occurrences], axis=1)
        below, upto = (counted.take(run) for counted in (sampled, sampled[1:]))
        below -= earlier
        upto -= earlier
        first, last = _level(run)
        if inside.stop > inside.start:
            _take_away(runs[:, inside], run, (below, upto), last)
        yield Counts(below, upto, first, last, size - (inside.stop - inside.start))


def _runs(values: NDArray[np.float32], marked: int) -> tuple[Places, Places]:
    """Which run of equal values each of the first ``marked`` columns lies in, and how many of S come before a run.

    Runs are numbered through all neurons, and what comes before them is counted through all.
    """
    neurons, width = values.shape
    packed = pack(values)
    packed.sort(axis=1)
    starts = np.ones(packed.shape, np.bool_)
    np.greater((packed[:, 1:] ^ packed[:, :-1]).view(np.uint64), np.uint64(LOW), out=starts[:, 1:])
    packed &= LOW  # from here on columns
    sampled = np.zeros(packed.size + 1, np.int32)
    np.cumsum(packed.ravel() >= marked, dtype=np.int32, out=sampled[1:])
    before = sampled.take(np.append(np.flatnonzero(starts), packed.size))
    run = np.cumsum(starts, dtype=np.int32)
    run -= 1
    packed += (np.arange(neurons) * width)[:, None]
    of_column = np.empty(packed.size, np.int32)
    of_column[packed.ravel()] = run
    return of_column.reshape(packed.shape)[:, :marked], before


def _take_away(inside: Places, run: Places, counts: tuple[Places, Places], last: Places) -> None:
    """Take what is inside spans away from counts of what is below occurrences, and of what is not above them.

    Args:
        inside: ``[neurons, n]`` the runs of positions inside spans.
        run: ``[neurons, n_p]`` the runs of occurrences, each row in rising order.
        counts: ``[neurons, n_p]`` each; changed in place.
        last: ``[neurons, n_p]`` the last place in its row of what equals each occurrence.
    """
    neurons, n = run.shape
    flat = run.ravel()  # in rising order, as runs of later neurons are higher
    ordered = np.sort(inside.ravel())
    place = np.searchsorted(flat, ordered)  # from where on occurrences are not below it
    level = flat.take(np.minimum(place, flat.size - 1)) == ordered
    beyond = place  # from where on they are above it
    if level.any():
        starts = place[level] // n * n
        beyond = place.copy()
        beyond[level] = starts + last.ravel().take(place[level]) + 1
    earlier = (np.arange(neurons) * inside.shape[1])[:, None]
    for counted, places in zip(counts, (beyond, place), strict=True):
        taken = np.cumsum(np.bincount(places, minlength=flat.size + 1)[:-1]).reshape(run.shape)
        taken -= earlier
        np.subtract(counted, taken, out=counted, casting="same_kind")


def _level(run: Places) -> tuple[Places, Places]:
    """The first and last place, in its row, of what equals each element of rows in rising order."""
    places = np.arange(run.shape[1], dtype=np.int32)
    first = np.broadcast_to(places, run.shape)
    differs = run[:, 1:] != run[:, :-1]
    tied = np.flatnonzero(~differs.all(axis=1))  # rows
    if not len(tied):
        return first, first
    first, last = first.copy(), first.copy()
    differs = differs[tied]
    starts = np.zeros((len(tied), len(places)), np.int32)
    np.multiply(differs, places[1:], out=starts[:, 1:])
    first[tied] = np.maximum.accumulate(starts, axis=1)
    ends = np.full(starts.shape, places[-1])  # from the back
    ends[:, 1:] = np.where(differs, places[:-1], places[-1])[:, ::-1]
    last[tied] = np.minimum.accumulate(ends, axis=1)[:, ::-1]
    return first, last
