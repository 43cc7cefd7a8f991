"""Opening runs by their names, and listing them."""

from __future__ import annotations

from pathlib import Path

from mechamap.api.python_words import in_python_words
from mechamap.api.scanned_run import ScannedRun
from mechamap.api.shown.displayed import DisplayedTable
from mechamap.runs.library import list_runs
from mechamap.tables.table import Column, Table

__all__ = ["open_named", "runs"]


@in_python_words
def open_named(name: Path | str, *, model: str | None = None, progress: bool = True) -> ScannedRun:
    """A run by its name, its folder, or the path of a CSV in the columns of exports.

    Args:
        model: of a CSV with several, the one to read.
        progress: whether checks that are run on it draw a bar.

    Raises:
        RunError: no such run, or it is damaged.
    """
    from mechamap.csv_files.run import open_run

    return ScannedRun(open_run(str(name), model=model), progress=progress)


@in_python_words
def runs() -> DisplayedTable:
    """All runs in the default place, the newest first."""
    columns = (
        Column("name", "name"),
        Column("model", "model"),
        Column("state", "state"),
        Column("created", "created"),
        Column("neurons", "neurons", "count"),
        Column("categories", "categories", "count"),
        Column("path", "path"),
    )
    rows = tuple(
        (run.name, run.model, run.state, run.created, run.neurons, run.categories, str(run.path)) for run in list_runs()
    )
    return DisplayedTable(Table("runs", "Runs", columns, rows))
