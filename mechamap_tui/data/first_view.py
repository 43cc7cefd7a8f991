"""What the command line asks to be shown first of a run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FirstView"]


@dataclass(frozen=True, slots=True)
class FirstView:
    """Each part that is given takes the place of what the run was left with.

    Attributes:
        view: a named view of the run.
        where: a filter.
        sort: columns, as ``-reads,layer``; those of the table by their titles, or as filters call them.
        category: the category to show.
        neuron: the neuron to put the cursor on.
    """

    view: str | None = None
    where: str | None = None
    sort: str | None = None
    category: str | None = None
    neuron: str | None = None

    @property
    def asked(self) -> tuple[str, ...]:
        """The parts that are given."""
        return tuple(name for name in self.__slots__ if getattr(self, name) is not None)
