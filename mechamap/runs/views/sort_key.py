"""A column by which neurons are sorted, and its direction."""

from __future__ import annotations

from dataclasses import dataclass, replace

__all__ = ["SortKey"]


@dataclass(frozen=True, slots=True)
class SortKey:
    """A column and its direction; written ``layer``, or ``-ap`` where it sorts downwards."""

    column: str
    descending: bool = True

    @classmethod
    def of(cls, written: str) -> SortKey:
        """The key that is written so."""
        return cls(written.removeprefix("-").strip(), written.startswith("-"))

    def __str__(self) -> str:
        return "-" * self.descending + self.column

    def flipped(self) -> SortKey:
        """The same column the other way."""
        return replace(self, descending=not self.descending)
