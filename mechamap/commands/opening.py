"""Opening what a command is about, a run or a CSV, and telling how far the reading of a large one is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mechamap.commands.narration import Narration, printable
from mechamap.commands.parser import Parser

if TYPE_CHECKING:
    from mechamap.run import Run

__all__ = ["add_source_model_flag", "opened"]


def add_source_model_flag(parser: Parser) -> None:
    """``--model``, which picks one of the models that a CSV is about."""
    parser.add_argument("--model", metavar="NAME", help="of a CSV with several models, the one to read")


def opened(name: str, narration: Narration, model: str | None = None) -> Run:
    """Open a run or a CSV; on a terminal, one line says which share of a CSV was read.

    Raises:
        MechaMapError: see :func:`mechamap.csv_files.run.open_run`.
    """
    from mechamap.csv_files.run import open_run

    said = f"reading {printable(name)}"
    try:
        return open_run(name, model=model, progress=lambda share: narration.progress(f"{said}: {share:.0%}"))
    finally:
        narration.clear()
