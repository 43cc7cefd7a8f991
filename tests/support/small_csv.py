"""CSV files written by hand, with what is wrong in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechamap.csv_files.run import read_csv
from mechamap.errors import RunError
from mechamap.runs.run import Run

__all__ = ["HEADER", "refused", "remarks_of", "written"]

HEADER = "model,layer,neuron,category,avg_activation,top_tokens\n"


def written(folder: Path, rows: str, header: str = HEADER, name: str = "some.csv") -> Path:
    """A file with these rows under a header."""
    path = folder / name
    path.write_bytes((header + rows).encode())
    return path


def refused(path: Path, **keywords: str) -> tuple[str, str]:
    """The message for a file that is refused, without the name of the file, and the hint."""
    with pytest.raises(RunError) as caught:
        read_csv(path, **keywords)
    assert caught.value.message.startswith(str(path))
    return caught.value.message.removeprefix(str(path)).lstrip(", "), str(caught.value.hint)


def remarks_of(path: Path) -> tuple[Run, tuple[str, ...]]:
    """A file that is read, and what is said of how it was."""
    run = read_csv(path)
    return run, run.record.problems
