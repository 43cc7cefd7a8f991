"""Where the files of a run lie: beside its record, but for what a scan over a corpus has published so far."""

from __future__ import annotations

from pathlib import Path

from mechamap.runs.figure_names import LATER_FIGURES
from mechamap.runs.record import RunRecord

__all__ = ["figure_file", "kept_folder"]


def figure_file(folder: Path, record: RunRecord, name: str) -> Path:
    """The file of a figure.

    Those of an unfinished scan over a corpus are together in a folder that the record names, so that record and figures
    change in one step. What was checked later is in files of its own beside the record.
    """
    published = record.corpus.figures_in if record.corpus is not None and name not in LATER_FIGURES else ""
    return folder / published / f"{name}.npy"


def kept_folder(folder: Path, record: RunRecord) -> Path | None:
    """The folder of the tokens that a run over a corpus keeps; None where it keeps none, and of a run over texts."""
    return folder / record.corpus.kept if record.corpus is not None and record.corpus.kept else None
