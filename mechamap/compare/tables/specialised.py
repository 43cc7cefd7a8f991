"""The share of specialised neurons in two models, with its interval over words, as a table."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mechamap.compare.closest.specialised_shares import Share, Shares
from mechamap.tables.rows import Rows
from mechamap.tables.table import Cell, Column, Table

__all__ = ["specialised_table"]


_PER = 1000  # neurons: a share is often a few in a thousand


def specialised_table(shares: Shares) -> Table:
    """Of 1,000 scored neurons how many are specialised in A and in B, and the difference; a row a category and two."""
    a, b = ({share.name: share for share in side} for side in (shares.a, shares.b))
    difference = {share.name: share for share in shares.difference}
    rows = Rows()
    for name in dict.fromkeys([*a, *b]):
        in_a, in_b = a.get(name), b.get(name)
        intervals = (*_interval(in_a), *_interval(in_b), *_interval(_turned(difference.get(name))))
        rows.add(name, *intervals, _counted(in_a), _counted(in_b))
    columns = [Column("category", "category")]
    for key, title in (("a", "A"), ("b", "B"), ("difference", "B - A")):
        columns += [Column(key, title, "number"), Column(f"{key}_low", "from", "number")]
        columns.append(Column(f"{key}_high", "to", "number"))
    columns += [Column("counted_a", "counted A", "number"), Column("counted_b", "counted B", "number")]
    neurons = " and ".join(f"{count:,}" for count in shares.neurons)
    about = (
        f"Per 1,000 scored neurons (of {neurons}), those with |reads| ≥ {shares.threshold:g}, minus those that chance "
        f"carries over the threshold, with the 95 % interval over the categories' words ({shares.draws:,} resamples, "
        f"seed {shares.seed}); counted: including these. A and B are cut off at 0; their difference is taken before "
        "that. A difference whose interval includes 0 may come from the choice of words."
    )
    return rows.table("specialised", "Specialised neurons per 1,000", tuple(columns), about=about)


def _interval(share: Share | None) -> Sequence[Cell]:
    return [None] * 3 if share is None else [_of_thousand(value) for value in (share.corrected, share.low, share.high)]


def _counted(share: Share | None) -> Cell:
    return None if share is None else _of_thousand(share.counted)


def _turned(share: Share | None) -> Share | None:
    """B - A of A - B."""
    if share is None:
        return None
    return Share(share.name, -share.counted, -share.corrected, -share.high, -share.low)


def _of_thousand(value: float) -> float | None:
    return None if math.isnan(value) else round(_PER * value, 2) + 0.0  # no -0.0
