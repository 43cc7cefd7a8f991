"""Which files are called as CSVs are."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SUFFIXES", "named_as_csv"]


SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def named_as_csv(path: Path) -> bool:
    """Whether a file is called as such files are."""
    return path.name.lower().endswith(SUFFIXES)
