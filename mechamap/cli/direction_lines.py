"""How much of a category lies in one neuron: what a confirmation found, beside directions of the residual stream."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from mechamap.wording.amounts import layer_ranges
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.checked import Confirmation

__all__ = ["direction_lines"]


_COLUMNS = ("category", "neuron AP (AUROC)", "direction AP (AUROC)", "layers", "random AP (AUROC)")


def direction_lines(confirmation: Confirmation) -> Iterator[str]:
    """A table of the categories: held-out average precision, and AUROC in brackets, of the neuron that half of the
    words chose, of the direction of the residual stream that they chose, with its layers, and of a random direction.
    Nothing where no direction is known."""

    rows: list[tuple[str, ...]] = [_COLUMNS]
    for name, about in confirmation.categories.items():
        if about.direction is not None and about.held_out_ap is not None and about.held_out_auroc is not None:
            direction = about.direction
            rows.append(
                (
                    printable(name), _both(about.held_out_ap, about.held_out_auroc),
                    _both(direction.ap, direction.auroc), layer_ranges(direction.layers),
                    _both(direction.random_ap, direction.random_auroc),
                )
            )  # fmt: skip
    if len(rows) == 1:
        return
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _both(precision: float, auroc: float) -> str:
    from mechamap.tables.numbers import probability

    return f"{probability(precision):>4} ({probability(auroc)})"
