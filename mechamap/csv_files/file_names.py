"""Which file names are those of CSV files."""

from __future__ import annotations

from pathlib import Path

__all__ = ["SUFFIXES", "named_as_csv"]


SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz")


def named_as_csv(path: Path) -> bool:
    """Whether a file's name is that of a CSV file."""
    return path.name.lower().endswith(SUFFIXES)
