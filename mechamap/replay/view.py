"""What a table of neurons shows: which of them, in what order, for which category."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["View"]


@dataclass(frozen=True, slots=True)
class View:
    """As the command line says it; each empty where nothing is asked for.

    Attributes:
        where: the filter.
        sort: the columns.
        category: whose figures are shown, and that is meant by a figure without one.
        marked: whether only marked neurons are shown.
    """

    where: str = ""
    sort: str = ""
    category: str = ""
    marked: bool = False

    def flags(self) -> list[str]:
        """The flags of the commands that list, count and export neurons."""
        flags = [f"--where={self.where}"] if self.where else []
        flags += ["--marked"] if self.marked else []
        flags += [f"--sort={self.sort}"] if self.sort else []
        return [*flags, f"--category={self.category}"] if self.category else flags
