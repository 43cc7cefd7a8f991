"""The closest neurons of two models: how many have one, how close it is, in which layers and about what they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest.closest import Closest
from mechamap.compare.closest.matching import UNIVERSAL, Matches
from mechamap.compare.tables.profiles import Profiled
from mechamap.figures.top_words import ShownTokens
from mechamap.query.filters import listed
from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number, threshold_text
from mechamap.tables.table import Column, Table
from mechamap.wording.advice import BOTH_WAYS
from mechamap.wording.amounts import quantity

__all__ = ["Side", "both_sides", "match_layers_table", "matches_table", "summary_table", "universal_categories_table"]


def match_layers_table(closest: Closest) -> Table:
    """Layer of A x layer of B: where the closest neurons of a layer's lie, to be drawn as a heat map."""
    a, b = closest.a, closest.b
    best = closest.matches.best
    others = [layer.layer for layer in b.complete_layers]
    rows, most = Rows(), 0.0
    for layer in a.complete_layers:
        rows_b = best[layer.rows]
        layers_b = b.layer_of[rows_b[rows_b >= 0]]
        shares = [float((layers_b == other).mean()) if len(layers_b) else None for other in others]
        most = max([most, *(share for share in shares if share is not None)])
        link = Link(f"layer == {layer.layer}")
        rows.add(layer.layer, *(LinkedCell(share, link) for share in shares))
    columns = (
        Column("layer", "layer of A", "number"),
        *(Column(f"layer_{other}", str(other), "share") for other in others),
    )
    about = "For each layer of A, the share of its neurons whose closest neuron lies in that layer of B."
    return rows.table("match_layers", "In which layer the closest neuron lies", columns, about=about, limit=most or 1.0)


def matches_table(closest: Closest, sides: tuple[Profiled, Profiled], limit: int) -> Table:
    """Neurons of A with their closest in B, the highest excess first, and what either is about; at most ``limit``."""
    matches, rows = closest.matches, Rows()
    tokens = ShownTokens(closest.a), ShownTokens(closest.b)
    for row in _strongest(matches, limit):
        other, correlation = int(matches.best[row]), float(matches.correlation[row])
        names = str(closest.a.neuron_name(row)), str(closest.b.neuron_name(other))
        (category_a, value_a), (category_b, value_b) = sides[0].strongest(row), sides[1].strongest(other)
        falls = value_a is not None and tokens[0].falls(row, category_a, sides[0].kind, value_a)
        link_a = Link(category=category_a, run=0, neuron=names[0])
        link_b = Link(category=category_b, run=1, neuron=names[1])
        rows.add(
            LinkedCell(names[0], link_a),
            LinkedCell(names[1], link_b),
            number(correlation),
            number(matches.baseline[row]),
            number(matches.excess[row]),
            bool(matches.mutual[row]),
            LinkedCell(category_a or None, link_a),
            value_a,
            LinkedCell(category_b or None, link_b),
            value_b,
            tokens[0].at(row, lowest=falls),
            tokens[1].at(other, lowest=falls != (correlation < 0)),
        )
    kind, label = sides[0].kind.written, sides[0].kind.label
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
    matched = int((matches.best >= 0).sum())
    about = (
        "Base: the largest correlation with the baseline; excess: how far the correlation is above it. Is for: the "
        "category that the neuron is strongest for, whether or not it counts."
    )
    if matched > limit:
        about += f" The {limit:,} highest of {matched:,}."
    return rows.table("matches", "Neurons of A with their closest in B", columns, about=about, total=matched)


def universal_categories_table(
    closest: Closest, sides: tuple[Profiled, Profiled], categories: tuple[str, ...]
) -> Table:
    """For each category how many of A's neurons are universal, and of how many the closest one counts for it too."""
    side = both_sides(closest)[0]
    rows = Rows()
    for category in categories:
        counts = sides[0].of(category) & sides[0].scored  # [neurons of a]
        universal = counts & side.universal
        matched = counts & side.varying
        too = np.zeros(len(counts), np.bool_)
        too[matched] = sides[1].of(category)[side.best[matched]]
        rows.add(
            category,
            LinkedCell(int(counts.sum()), Link(sides[0].where(category), category, 0)),
            LinkedCell(int(too.sum()), listed(side.run, np.flatnonzero(too), 0, category)),
            number(too.sum() / counts.sum()) if counts.any() else None,
            LinkedCell(int(universal.sum()), listed(side.run, np.flatnonzero(universal), 0, category)),
            number(universal.sum() / counts.sum()) if counts.any() else None,
            LinkedCell(int((universal & too).sum()), listed(side.run, np.flatnonzero(universal & too), 0, category)),
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
        f"Neurons of A with {threshold_text(sides[0].kind, sides[0].threshold)}, how many of them have a "
        "closest neuron in B that counts for the same category, and how many are universal."
    )
    return rows.table("universal_categories", "Categories among the closest neurons", columns, about=about)


def _strongest(matches: Matches, limit: int) -> list[int]:
    """Rows of A, the highest excess first; the highest correlation where there is no baseline."""
    value = matches.excess if np.isfinite(matches.excess).any() else np.abs(matches.correlation)
    finite = np.flatnonzero(np.isfinite(value))
    rows: list[int] = finite[np.argsort(-value[finite], kind="stable")][:limit].tolist()
    return rows


@dataclass(frozen=True, slots=True)
class Side:
    """One direction: the neurons of ``run`` and the closest of each in the other."""

    run: Run
    place: int
    best: NDArray[np.int64]
    correlation: NDArray[np.float32]
    excess: NDArray[np.float32]
    mutual: NDArray[np.bool_]

    @property
    def varying(self) -> NDArray[np.bool_]:
        """Which vary over the words, ``[neurons]``."""
        return self.best >= 0

    @property
    def universal(self) -> NDArray[np.bool_]:
        return self.excess > UNIVERSAL


def both_sides(closest: Closest) -> tuple[Side, Side]:
    matches = closest.matches
    return (
        Side(closest.a, 0, matches.best, matches.correlation, matches.excess, matches.mutual),
        Side(closest.b, 1, matches.best_b, matches.correlation_b, matches.excess_b, matches.mutual_b),
    )


def summary_table(closest: Closest, itself: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None) -> Table:
    """For both directions how many neurons vary, how close their closest are, and how many are universal.

    Args:
        itself: rows of the same neurons in A and B, where the models have the same neurons.
    """
    rows = Rows()
    for side in both_sides(closest):
        scored = sum(layer.width for layer in side.run.complete_layers)
        varying, universal = side.varying, side.universal
        known = np.isfinite(side.excess)
        counted = LinkedCell(int(universal.sum()), listed(side.run, np.flatnonzero(universal), side.place))
        same = _found_itself(side, itself) if itself is not None else np.zeros(0, np.int64)
        rows.add(
            "A in B" if side.place == 0 else "B in A",
            scored,
            int(varying.sum()),
            number(np.median(np.abs(side.correlation[varying]))) if varying.any() else None,
            number(np.median(side.excess[known])) if known.any() else None,
            counted if known.any() else None,
            number(universal.sum() / varying.sum()) if known.any() else None,
            LinkedCell(int(side.mutual.sum()), listed(side.run, np.flatnonzero(side.mutual), side.place)),
            *((LinkedCell(len(same), listed(side.run, same, side.place)),) if itself is not None else ()),
        )
    columns = (
        Column("direction", "looked for"),
        Column("neurons", "neurons", "count"),
        Column("varying", "that vary", "count"),
        Column("correlation", "median |correlation|", "probability"),
        Column("excess", "median excess", "correlation"),
        Column("universal", "universal", "count"),
        Column("share", "share", "share"),
        Column("mutual", "mutual", "count"),
        *((Column("itself", "itself", "count"),) if itself is not None else ()),
    )
    return rows.table("matches_summary", "Closest neurons", columns, about=_about(closest, itself is not None))


def _about(closest: Closest, same: bool) -> str:
    settings = closest.matches.settings
    words = f"{closest.matches.words:,}"
    if closest.matches.words < closest.words_in_common:
        words += f" of the {closest.words_in_common:,}"
    about = f"Correlated over {words} words that both have read, each at its last token"
    about += ", by " + ("the correlation. " if settings.signed else "the magnitude of the correlation. ")
    if settings.baseline == "none":
        about += "No baseline was worked out, so what chance reaches is not known."
    else:
        drawn = f"{quantity(settings.draws, 'draw')}, seed {settings.seed}"
        mixed = "mixing each layer's neurons at random" if settings.baseline == "rotation" else "shuffling the words"
        about += (
            f"Excess: the correlation minus the largest one with the other model after {mixed} ({drawn}). Universal: "
            f"an excess above {UNIVERSAL:g} (Gurnee et al. 2024)."
        )
        if not settings.both:
            about += f" The excess of B's neurons takes as long again: {BOTH_WAYS}."
    about += " Mutual: each is the other's closest."
    return about + (" Itself: the closest is the neuron of the same name." if same else "")


def _found_itself(side: Side, itself: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.int64]:
    mine, others = itself if side.place == 0 else itself[::-1]
    rows: NDArray[np.int64] = mine[side.best[mine] == others]
    return rows
