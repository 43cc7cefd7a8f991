"""The words of a category that a run's text contains, as its record says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Coverage", "FoundWord"]


@dataclass(frozen=True, slots=True)
class FoundWord:
    """How often a word occurs in the text, and its most frequent number of tokens there."""

    count: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of one category.

    Attributes:
        occurrences: of all its words together.
        found: its words that are in the text.
        not_found: those that are not.
        dropped: matches that a window border cut or whose last position is not scored.
        anywhere: its words in scripts that are written without spaces: they are found inside longer words too.
    """

    occurrences: int
    found: Mapping[str, FoundWord]
    not_found: tuple[str, ...]
    dropped: int = 0
    anywhere: tuple[str, ...] = ()
