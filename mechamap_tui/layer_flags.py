"""What is wrong with layers, in words: activations that are no numbers, and what to do about them."""

from __future__ import annotations

from mechamap.proof_table import other_dtypes
from mechamap.run import Run
from mechamap.run_record import LayerRows

__all__ = ["flag_words", "flagged_layers", "remedy"]

NOT_FINITE = "not finite"


def flag_words(run: Run, rows: LayerRows) -> str:
    """``not finite: scan with --dtype float32``; empty for a layer with which nothing is wrong."""
    return ": ".join(filter(None, (_worst(rows), remedy(run)))) if rows.flags else ""


def flagged_layers(run: Run) -> str:
    """``2 layers not finite``, empty where there are none."""
    flagged = [rows for rows in run.layers if rows.flags]
    if not flagged:
        return ""
    worst = max(map(_worst, flagged), key=lambda flag: flag == NOT_FINITE)
    return f"{len(flagged)} layer{'' if len(flagged) == 1 else 's'} {worst}"


def _worst(rows: LayerRows) -> str:
    """The flag that says most: what is not finite could not be proved either."""
    return NOT_FINITE if NOT_FINITE in rows.flags else ", ".join(rows.flags)


def remedy(run: Run) -> str:
    """What to do about activations that are no numbers; empty where no number format reaches further."""
    dtypes = other_dtypes(run.record.model.dtype)
    return f"scan with --dtype {dtypes}" if dtypes else ""
