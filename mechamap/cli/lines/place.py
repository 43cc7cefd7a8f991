"""Where a conversation is: in which run, with which filter, order, category and neuron."""

from __future__ import annotations

from dataclasses import dataclass

from mechamap.errors import UsageError

__all__ = ["Place"]


@dataclass(slots=True)
class Place:
    """What commands mean where they do not say it; empty: nothing yet.

    Attributes:
        source: the run's folder, or the name of a CSV.
        where, sort, category: of lists of neurons.
        marked: whether lists are of marked neurons alone.
        neuron: the one that was shown last.
    """

    source: str = ""
    where: str = ""
    sort: str = ""
    category: str = ""
    marked: bool = False
    neuron: str = ""

    def source_or_refuse(self) -> str:
        """The run.

        Raises:
            UsageError: none is open.
        """
        if not self.source:
            raise UsageError("No run is open.", "runs lists those there are; open NAME opens one.")
        return self.source

    def neuron_or_refuse(self) -> str:
        """The neuron that was shown last.

        Raises:
            UsageError: none was.
        """
        if not self.neuron:
            raise UsageError("No neuron is named.", "Name one, as in show L7.N12; it is meant until another is shown.")
        return self.neuron
