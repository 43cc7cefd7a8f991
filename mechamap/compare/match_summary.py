"""How many neurons have a close one in the other model, in both directions, and how close it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.closest import Closest
from mechamap.compare.listed import listed
from mechamap.compare.matching import UNIVERSAL
from mechamap.run import Run
from mechamap.tables.rows import Behind, Rows, number
from mechamap.tables.table import Column, Table

__all__ = ["Side", "both_sides", "summary_table"]


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
    def there(self) -> NDArray[np.bool_]:
        """Which vary over the words, ``[neurons]``."""
        return self.best >= 0

    @property
    def universal(self) -> NDArray[np.bool_]:
        return self.excess > UNIVERSAL


def both_sides(closest: Closest) -> tuple[Side, Side]:
    its = closest.matches
    return (
        Side(closest.a, 0, its.best, its.correlation, its.excess, its.mutual),
        Side(closest.b, 1, its.best_b, its.correlation_b, its.excess_b, its.mutual_b),
    )


def summary_table(closest: Closest, itself: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None) -> Table:
    """For both directions how many neurons vary, how close their closest are, and how many are universal.

    Args:
        itself: rows of the same neurons in A and B, where the models have the same neurons.
    """
    rows = Rows()
    for side in both_sides(closest):
        scored = sum(layer.width for layer in side.run.complete_layers)
        there, universal = side.there, side.universal
        known = np.isfinite(side.excess)
        counted = Behind(int(universal.sum()), listed(side.run, np.flatnonzero(universal), side.place))
        same = _found_itself(side, itself) if itself is not None else np.zeros(0, np.int64)
        rows.add(
            "A in B" if side.place == 0 else "B in A",
            scored,
            int(there.sum()),
            number(np.median(np.abs(side.correlation[there]))) if there.any() else None,
            number(np.median(side.excess[known])) if known.any() else None,
            counted if known.any() else None,
            number(universal.sum() / there.sum()) if known.any() else None,
            Behind(int(side.mutual.sum()), listed(side.run, np.flatnonzero(side.mutual), side.place)),
            *((Behind(len(same), listed(side.run, same, side.place)),) if itself is not None else ()),
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
    if closest.matches.words < closest.every:
        words += f" of the {closest.every:,}"
    about = f"Correlated over {words} words that both have read, each at its last token"
    about += ", by " + ("the correlation. " if settings.signed else "the magnitude of the correlation. ")
    if settings.baseline == "none":
        about += "No baseline was worked out, so nothing says what chance reaches."
    else:
        drawn = f"{settings.draws} draw{'s' if settings.draws > 1 else ''}, seed {settings.seed}"
        mixed = (
            "each layer's neurons mixed at random" if settings.baseline == "rotation" else "the words in another order"
        )
        about += (
            f"Excess: less the largest correlation with the other model, {mixed} ({drawn}). Universal: an excess above "
            f"{UNIVERSAL:g} (Gurnee et al. 2024)."
        )
        if not settings.both:
            about += " That of B's neurons takes as long again: `mechamap compare --both-ways`."
    about += " Mutual: each is the closest of the other."
    return about + (" Itself: the closest is the neuron of that name." if same else "")


def _found_itself(side: Side, itself: tuple[NDArray[np.int64], NDArray[np.int64]]) -> NDArray[np.int64]:
    mine, others = itself if side.place == 0 else itself[::-1]
    found: NDArray[np.int64] = mine[side.best[mine] == others]
    return found
