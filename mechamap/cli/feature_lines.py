"""What the features of words, such as a capital letter, reach alone, and how many findings they explain."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.checked import Confirmation

__all__ = ["feature_lines"]


def feature_lines(confirmation: Confirmation) -> Iterator[str]:
    """A table of the categories: the AUROC of each feature alone at telling the category's words from the others, and
    how many neurons that are not confirmed read the category by it. Nothing in runs of earlier versions."""
    from mechamap.tables.numbers import probability

    known = {name: about for name, about in confirmation.categories.items() if about.features}
    if not known:
        return
    features = list(next(iter(known.values())).features)
    rows = [("category", *features)]
    for name, about in known.items():
        cells = [
            probability(about.features[feature])
            + (f" ({about.explained[feature]:,})" if feature in about.explained else "")
            for feature in features
        ]
        rows.append((printable(name), *cells))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    yield "AUROC of features of words alone (neurons whose clear reading they explain, of those that are not confirmed)"
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
