"""The groups that an expression sorts neurons into: one a value, one a bin, or those it is true of and the others."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.counts.bins import Cut, cuts_of
from mechamap.figures.catalogue import named
from mechamap.figures.figure import NumberFormat
from mechamap.figures.strongest import strongest_category
from mechamap.query.evaluate import Query
from mechamap.query.filters import quoted, quoted_text
from mechamap.query.first_tokens import FirstTokens
from mechamap.query.nodes import Both, Comparison, Name, Negation, Node, Text
from mechamap.tables.table import Cell, Kind
from mechamap.wording.plain import printable
from mechamap.words.features import FEATURES

__all__ = ["Grouping", "grouping"]


_MOST_VALUES = 128  # whole numbers that are a group each; of more, bins are made
_MOST_LAYERS = 4096  # likewise of layers and experts, which are names
_LONGEST = 4_000  # characters of a filter
_SPACE = "␣"  # a token that is nothing but space


@dataclass(frozen=True, slots=True)
class Grouping:
    """Neurons sorted into groups.

    Attributes:
        name: the expression, as it was typed.
        kind: how the groups' labels are written.
        labels: of the groups, in their order; None: of the neurons without a value.
        filters: for each group one that keeps its neurons; empty where it would be too long.
        places: each neuron's group, ``[neurons]``.
    """

    name: str
    kind: Kind
    labels: tuple[Cell, ...]
    filters: tuple[str, ...]
    places: NDArray[np.integer]


@dataclass(frozen=True, slots=True)
class Binning:
    """How numbers are cut, see :mod:`mechamap.counts.bins`, and of how many first tokens each is a group."""

    bins: int | None = None
    cut: Cut = "auto"
    most_tokens: int = 1_000_000


def grouping(query: Query, node: Node, name: str, binning: Binning) -> Grouping:
    """The groups of one expression.

    Args:
        name: the expression's own part of the source.

    Raises:
        QueryError: it makes no sense on the run.
    """
    match node:
        case Name(value="best", category=None):
            return _by_best(query, node)
        case Name(value="first_token", category=None):
            return _by_first_token(query, binning.most_tokens)
        case Text() | Comparison() | Both() | Negation():
            return _by_condition(query, node, name)
        case Name() if node.value in ("confirmed", "dead"):
            return _by_condition(query, node, name)
    figure = named(node.value) if isinstance(node, Name) else None
    values = np.asarray(query.numbers(node))
    if not values.ndim:
        values = np.broadcast_to(values, (query.run.neurons,))
    term = name if isinstance(node, Name) else f"({name})"
    if figure is not None and figure.written == "feature":
        return _by_feature(values, term)
    return _by_number(values, term, name, figure.written if figure is not None else None, binning)


def _by_best(query: Query, node: Name) -> Grouping:
    categories = query.run.categories
    places = strongest_category(query.names.figure("selectivity", node.position))
    filters = [f"best == {quoted(category)}" for category in categories]
    labels: list[Cell] = list(map(printable, categories))
    return _with_others("best", "text", labels, filters, places)


def _by_first_token(query: Query, most: int) -> Grouping:
    """The most frequent tokens, and all others as one group."""
    first = FirstTokens.of(query.run)
    counts = np.bincount(first.places + 1, query.run.complete_rows, len(first.tokens) + 1)[1:]  # [tokens]
    order = np.argsort(-counts, kind="stable")[: min(most, np.count_nonzero(counts))]
    places = np.full(len(first.tokens) + 1, -1, np.int32)  # the last for a neuron without one
    places[order] = np.arange(len(order))
    tokens = [first.tokens[token] for token in order.tolist()]
    labels: list[Cell] = [printable(token) or _SPACE for token in tokens]
    filters = [f"first_token == {quoted_text(token)}" for token in tokens]
    others = "other tokens" if len(order) < np.count_nonzero(counts) else None
    return _with_others("first_token", "text", labels, filters, places[first.places], others=others)


def _by_condition(query: Query, node: Node, name: str) -> Grouping:
    places = np.where(query.mask(node), 0, 1).astype(np.int8)
    return Grouping(name, "text", ("yes", "no"), (f"({name})", f"not ({name})"), places)


def _by_feature(values: NDArray[np.floating], term: str) -> Grouping:
    places = np.where(np.isnan(values), -1, values).astype(np.int16)
    return _with_others(
        term, "text", list(FEATURES), [f"{term} == {number}" for number in range(len(FEATURES))], places
    )


def _by_number(
    values: NDArray[Any],
    term: str,
    name: str,
    written: NumberFormat | None,
    binning: Binning,
) -> Grouping:
    if written == "count" and values.dtype.kind == "f":
        whole = np.where(np.isfinite(values), values, -1).astype(np.int64)
        if (whole >= 0).any() and int(whole.max()) < _MOST_VALUES and binning.bins is None:
            return _by_whole_number(whole, term, name, least=0)
    if values.dtype.kind in "iu" and binning.bins is None and len(values):
        low, high = int(values.min()), int(values.max())
        if high - low < (_MOST_LAYERS if name in ("layer", "expert") else _MOST_VALUES):
            return _by_whole_number(values, term, name, least=low)
    known = ~np.isnan(values) if values.dtype.kind == "f" else None
    cuts = cuts_of(values if known is None else values[known], written, binning.bins, binning.cut)
    places = np.zeros(len(values), np.int16)
    with np.errstate(invalid="ignore", over="ignore"):
        for cut in cuts:  # compared as a filter compares, in the values' own type
            places += values >= cut
    if known is not None:
        places[~known] = -1
    labels, filters = _bins(cuts, term)
    unknown = f"not {term} == {term}"  # what is not computed does not equal itself
    return _with_others(name, "text", labels, filters, places, condition=unknown)


def _by_whole_number(values: NDArray[np.integer], term: str, name: str, least: int) -> Grouping:
    """A group for each number that a neuron has, from ``least`` on; those below it have none."""
    high = int(values.max())
    counts = np.bincount(np.clip(values - least, -1, None) + 1, minlength=high - least + 2)  # [below, least, ..., high]
    there = np.flatnonzero(counts[1:])
    place_of = np.full(len(counts), -1, np.int32)
    place_of[there + 1] = np.arange(len(there))
    numbers = (there + least).tolist()
    filters = [f"{term} == {number}" for number in numbers]
    places = place_of[np.clip(values - least, -1, None) + 1]
    unknown = f"not {term} == {term}"
    return _with_others(name, "number", list(numbers), filters, places, condition=unknown)


def _bins(cuts: tuple[float, ...], term: str) -> tuple[list[Cell], list[str]]:
    """What the bins between numbers are called, and their filters."""
    if not cuts:
        return ["all"], [f"{term} == {term}"]
    written = [f"{cut:.12g}" for cut in cuts]
    labels: list[Cell] = [f"below {written[0]}"]
    filters = [f"{term} < {written[0]}"]
    for low, high in pairwise(written):
        labels.append(f"{low} to {high}")
        filters.append(f"{low} <= {term} < {high}")
    return [*labels, f"{written[-1]} or more"], [*filters, f"{term} >= {written[-1]}"]


def _with_others(
    name: str,
    kind: Kind,
    labels: list[Cell],
    filters: list[str],
    places: NDArray[np.integer],
    *,
    others: str | None = None,
    condition: str = "",
) -> Grouping:
    """Groups, and behind them the neurons in none, whose place is -1, where there are any.

    Args:
        others: what these are called; None: they have no value.
        condition: the filter for them; where not given, that no other holds.
    """
    if bool((places < 0).any()):
        listed = " or ".join(filters)
        rest = condition or (f"not ({listed})" if listed else "layer >= 0")
        filters = [*filters, rest if len(rest) <= _LONGEST else ""]
        places = np.where(places < 0, len(labels), places)
        labels = [*labels, others]
    return Grouping(name, kind, tuple(labels), tuple(filters), places)
