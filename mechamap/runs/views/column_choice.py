"""Which columns of a table are shown, in what order and how wide, as far as that was changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

__all__ = ["LEAST_WIDTH", "MOST_WIDTH", "ColumnChoice"]


LEAST_WIDTH, MOST_WIDTH = 3, 60  # cells


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What a user changed about columns, by their keys; those that a table does not have are no matter.

    Attributes:
        hidden: columns that are not shown.
        order: columns in the order they were brought into; any other one stays behind the one that it comes behind by
            default.
        widths: cells of columns that were widened or narrowed.
    """

    hidden: frozenset[str] = frozenset()
    order: tuple[str, ...] = ()
    widths: Mapping[str, int] = field(default_factory=dict)

    def arranged(self, keys: Sequence[str]) -> list[str]:
        """A table's columns in the chosen order, hidden ones included."""
        chosen = [key for key in self.order if key in keys]
        if not chosen:
            return list(keys)
        arranged = chosen
        placed = set(chosen)
        for place, key in enumerate(keys):
            if key not in placed:
                before = next((each for each in reversed(keys[:place]) if each in placed), None)
                arranged.insert(0 if before is None else arranged.index(before) + 1, key)
                placed.add(key)
        return arranged

    def shown(self, keys: Sequence[str]) -> list[str]:
        """The columns of a table that are not hidden, in the chosen order."""
        return [key for key in self.arranged(keys) if key not in self.hidden]

    def with_hidden(self, key: str, *, hidden: bool = True) -> ColumnChoice:
        """The same with a column hidden, or shown again."""
        return replace(self, hidden=self.hidden | {key} if hidden else self.hidden - {key})

    def with_moved(self, key: str, steps: int, keys: Sequence[str]) -> ColumnChoice:
        """The same with a column moved past so many others that are shown, to the right or (negative) the left.

        Args:
            keys: the columns of the table among which it moves, in their default order.
        """
        arranged, shown = self.arranged(keys), self.shown(keys)
        target = shown.index(key) + steps
        if not 0 <= target < len(shown):
            return self
        other = shown[target]
        arranged.remove(key)
        arranged.insert(arranged.index(other) + (steps > 0), key)
        elsewhere = [each for each in self.order if each not in keys]  # of another table
        return replace(self, order=() if arranged == list(keys) and not elsewhere else (*arranged, *elsewhere))

    def with_width(self, key: str, width: int, default: int) -> ColumnChoice:
        """The same with a column so many cells wide, within bounds; the ``default`` is not kept."""
        width = min(max(width, LEAST_WIDTH), MOST_WIDTH)
        widths = {**self.widths, key: width}
        if width == default:
            del widths[key]
        return replace(self, widths=widths)
