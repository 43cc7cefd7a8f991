"""The pieces of text that a neuron is highest at, or lowest where it falls on a category, as a table shows them."""

from __future__ import annotations

from mechamap.run import Run

__all__ = ["shown_tokens"]

SHOWN = 4


def shown_tokens(run: Run, row: int, *, falls: bool = False, most: int = SHOWN) -> tuple[str, ...]:
    """The neuron's most extreme pieces, each once, spaces around them aside; the lowest ones where it ``falls``.

    Empty where the run does not keep them.
    """
    side = "bottom" if falls else "top"
    if not (run.has(f"{side}_positions") and run.has(f"{side}_values")):
        return ()
    pieces = (hit.piece.strip() or hit.piece for hit in run.top_tokens(row, lowest=falls))
    return tuple(dict.fromkeys(pieces))[:most]
