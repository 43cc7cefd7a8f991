"""Which category's word stands at each position of a run's text."""

from __future__ import annotations

from mechamap.runs.run import Run

__all__ = ["OccurrenceMap"]


class OccurrenceMap:
    """The occurrences of a run, by position."""

    def __init__(self, run: Run) -> None:
        names = run.categories
        self._names: dict[int, tuple[str, ...]] = {}
        self._ends: dict[str, list[int]] = {name: [] for name in names}
        for category, _, first, last in run.record.occurrences:
            name = names[category]
            self._ends[name].append(last)
            for position in range(first, last + 1):
                self._names[position] = (*self._names.get(position, ()), name)

    def categories_at(self, position: int) -> tuple[str, ...]:
        """The categories of the word at a position."""
        return self._names.get(position, ())

    def last_positions(self, category: str) -> list[int]:
        """The last position of each occurrence of a category."""
        return self._ends.get(category, [])
