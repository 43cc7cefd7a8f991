"""The closest neurons one by one, in which layers they lie, and about which categories they are."""

from __future__ import annotations

import numpy as np

from mechamap.compare.closest import Closest
from mechamap.compare.listed import listed
from mechamap.compare.match_summary import both_sides
from mechamap.compare.matching import Matches
from mechamap.compare.profiles import Profiled
from mechamap.compare.tokens import ShownTokens
from mechamap.tables.figure_columns import column_kind, threshold_text
from mechamap.tables.rows import Behind, Rows, number
from mechamap.tables.table import Column, Link, Table

__all__ = ["match_layers_table", "matches_table", "universal_categories_table"]


def match_layers_table(closest: Closest) -> Table:
    """Layer of A x layer of B: where the closest neurons of a layer's lie, to be drawn as a heat map."""
    a, b = closest.a, closest.b
    best = closest.matches.best
    others = [layer.layer for layer in b.complete_layers]
    rows, most = Rows(), 0.0
    for layer in a.complete_layers:
        its = best[layer.rows]
        found = b.layer_of[its[its >= 0]]
        shares = [float((found == other).mean()) if len(found) else None for other in others]
        most = max([most, *(share for share in shares if share is not None)])
        link = Link(f"layer == {layer.layer}")
        rows.add(layer.layer, *(Behind(share, link) for share in shares))
    columns = (
        Column("layer", "layer of A", "number"),
        *(Column(f"layer_{other}", str(other), "share") for other in others),
    )
    about = "Of each layer's neurons of A, the share whose closest one lies in that layer of B."
    return rows.table("match_layers", "In which layer the closest one lies", columns, about=about, limit=most or 1.0)


def matches_table(closest: Closest, sides: tuple[Profiled, Profiled], limit: int) -> Table:
    """Neurons of A with their closest in B, the highest excess first, and what either is about; at most ``limit``."""
    its, rows = closest.matches, Rows()
    tokens = ShownTokens(closest.a), ShownTokens(closest.b)
    for row in _strongest(its, limit):
        other, correlation = int(its.best[row]), float(its.correlation[row])
        names = str(closest.a.neuron_name(row)), str(closest.b.neuron_name(other))
        (category_a, value_a), (category_b, value_b) = sides[0].strongest(row), sides[1].strongest(other)
        falls = value_a is not None and tokens[0].falls(row, category_a, sides[0].kind, value_a)
        link_a = Link(category=category_a, run=0, neuron=names[0])
        link_b = Link(category=category_b, run=1, neuron=names[1])
        rows.add(
            Behind(names[0], link_a),
            Behind(names[1], link_b),
            number(correlation),
            number(its.baseline[row]),
            number(its.excess[row]),
            bool(its.mutual[row]),
            Behind(category_a or None, link_a),
            value_a,
            Behind(category_b or None, link_b),
            value_b,
            tokens[0].at(row, lowest=falls),
            tokens[1].at(other, lowest=falls != (correlation < 0)),
        )
    kind, label = column_kind(sides[0].kind), sides[0].kind.label
    columns = (
        Column("neuron", "A", "neuron"),
        Column("closest", "closest in B", "neuron"),
        Column("correlation", "corr.", "correlation"),
        Column("baseline", "base", "probability"),
        Column("excess", "excess", "correlation"),
        Column("mutual", "mutual"),
        Column("category_a", "A is for"),
        Column("value_a", label, kind),
        Column("category_b", "B is for"),
        Column("value_b", label, kind),
        Column("tokens_a", "tokens A", "tokens"),
        Column("tokens_b", "tokens B", "tokens"),
    )
    there = int((its.best >= 0).sum())
    about = (
        "Base: the largest correlation with the baseline, which is what the excess is above. Is for: the category that "
        "the neuron is strongest for, whether or not it counts."
    )
    if there > limit:
        about += f" The {limit:,} highest of {there:,}."
    return rows.table("matches", "Neurons of A with their closest in B", columns, about=about, total=there)


def universal_categories_table(
    closest: Closest, sides: tuple[Profiled, Profiled], categories: tuple[str, ...]
) -> Table:
    """For each category how many of A's neurons are universal, and of how many the closest one counts for it too."""
    side = both_sides(closest)[0]
    rows = Rows()
    for category in categories:
        counts = sides[0].of(category) & sides[0].scored  # [neurons of a]
        universal = counts & side.universal
        there = counts & side.there
        too = np.zeros(len(counts), np.bool_)
        too[there] = sides[1].of(category)[side.best[there]]
        rows.add(
            category,
            Behind(int(counts.sum()), Link(sides[0].where(category), category, 0)),
            Behind(int(too.sum()), listed(side.run, np.flatnonzero(too), 0, category)),
            number(too.sum() / counts.sum()) if counts.any() else None,
            Behind(int(universal.sum()), listed(side.run, np.flatnonzero(universal), 0, category)),
            number(universal.sum() / counts.sum()) if counts.any() else None,
            Behind(int((universal & too).sum()), listed(side.run, np.flatnonzero(universal & too), 0, category)),
        )
    columns = (
        Column("category", "category"),
        Column("neurons", "neurons of A", "count"),
        Column("same", "closest counts too", "count"),
        Column("same_share", "share", "share"),
        Column("universal", "universal", "count"),
        Column("universal_share", "share", "share"),
        Column("universal_same", "and counts too", "count"),
    )
    about = (
        f"Neurons of A with {threshold_text(sides[0].kind, sides[0].threshold)}; of how many the closest neuron of B "
        "counts for the same category, and how many are universal."
    )
    return rows.table("universal_categories", "Categories among the closest neurons", columns, about=about)


def _strongest(matches: Matches, limit: int) -> list[int]:
    """Rows of A, the highest excess first; the highest correlation where there is no baseline."""
    value = matches.excess if np.isfinite(matches.excess).any() else np.abs(matches.correlation)
    there = np.flatnonzero(np.isfinite(value))
    rows: list[int] = there[np.argsort(-value[there], kind="stable")][:limit].tolist()
    return rows
