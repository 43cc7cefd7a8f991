"""What to offer instead of an unknown name: the names that exist, and the nearest of them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

from mechamap.wording.plain import shortened

__all__ = ["alternatives", "nearest", "suggestion", "unknown_name"]

_LONGEST = 200  # characters of a name that may resemble another; comparing takes time with their square


def nearest(name: str, known: Iterable[str], *, most: int = 1, cutoff: float = 0.6) -> list[str]:
    """The names that a mistyped one resembles, the most alike first.

    Args:
        most: how many at most.
        cutoff: from 0 to 1, how alike two names must at least be.
    """
    if len(name) > _LONGEST:
        return []
    return difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff)


def suggestion(name: str, known: Iterable[str], *, cutoff: float = 0.6, quote: str = "") -> str:
    """``Did you mean ...?``, or nothing where no name is alike; ``quote`` goes around the name."""
    names = nearest(name, known, cutoff=cutoff)
    return f"Did you mean {quote}{names[0]}{quote}?" if names else ""


def alternatives(choices: Sequence[str]) -> str:
    """``csv, json or md``."""
    return " or ".join([", ".join(choices[:-1]), choices[-1]]) if len(choices) > 1 else "".join(choices)


def unknown_name(kind: str, name: str, choices: Sequence[str]) -> tuple[str, str]:
    """Message and hint for a name that is none of ``choices``: ``Unknown format 'x'; choose csv or json.``"""
    advice = f"; choose {alternatives(choices)}" if choices else ""
    return f"Unknown {kind} {shortened(name, 80)!r}{advice}.", suggestion(name, choices)
