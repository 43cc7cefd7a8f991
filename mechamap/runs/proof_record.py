"""The capture proof in words and columns, from the records that :class:`mechamap.models.LayerProof` leaves.

Works on the records of older versions too, which know fewer errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.amounts import layer_ranges, quantity

__all__ = ["WAYS", "is_proved", "other_dtypes", "proof_table", "verdict", "worst_errors"]


Proof = Mapping[str, Any]

NONE, LOST = "-", "lost in rounding"
WAYS = (
    "added as it is, times a number, gated by a factor for each token or element, or through modules of the block; "
    "lost in rounding where it is smaller than what the number format keeps of the sum"
)
"""How a contribution can reach the output of its block, as the table has it."""

_ERRORS = {"rebuild": "rebuild_error", "own code": "own_error", "zero": "zero_error", "removal": "removal_error"}
_UNSAID = "*"  # behind a number of neurons that the config does not tell


def is_proved(part: Proof) -> bool:
    """Whether a part's activations were numbers, so that it could be checked; what fails a check ends a scan."""
    return bool(part.get("finite", True))


def proof_table(
    proof: Sequence[Proof], sides: Mapping[int, str] | None = None, *, allowed: bool = True
) -> list[tuple[str, ...]]:
    """The table: its header, then one row for each part; all cells but the paths at the end as wide as their column.

    Args:
        sides: which side a layer is on, by its number, in a model that has two.
        allowed: with the error that is allowed; :func:`verdict` says it too.
    """
    errors = {name: key for name, key in _ERRORS.items() if any(part.get(key) is not None for part in proof)}
    rows = [
        (
            "layer",
            *(("side",) if sides else ()),
            "neurons",
            *errors,
            *(("allowed",) * allowed),
            "reaches the block",
            "at",
        )
    ]
    for part in proof:
        said = part.get("expected_width", part.get("width")) is not None
        width = f"{part['experts']}x{part['width']}" if part.get("experts") else str(part.get("width", NONE))
        rows.append(
            (
                str(part.get("layer", NONE)),
                *((sides.get(part.get("layer", -1), ""),) if sides else ()),
                width + ("" if said else _UNSAID),
                *(_number(part.get(key)) for key in errors.values()),
                *((_number(part.get("tolerance")),) * allowed),
                _way(part),
                str(part.get("path", "")),
            )
        )
    *widths, way, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        (*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-2].ljust(way), row[-1])
        for row in rows
    ]


def worst_errors(proof: Sequence[Proof]) -> str:
    """The largest error of each kind: ``rebuild 1.1e-07, zero 0, removal 3.0e-08; allowed 1.0e-04``."""
    worst = {}
    for name, key in _ERRORS.items():
        found = [part[key] for part in proof if part.get(key) is not None]
        if found:
            worst[name] = max(found)
    if not worst:
        return ""
    allowed = [part["tolerance"] for part in proof if part.get("tolerance") is not None]
    told = ", ".join(f"{name} {_number(error)}" for name, error in worst.items())
    return told + (f"; allowed {_number(max(allowed))}" if allowed else "")


def verdict(proof: Sequence[Proof], dtype: str) -> list[Hint]:
    """What the proof comes to, a sentence a line: what was proved, then what could not be and what to do about it."""
    proved = [part for part in proof if is_proved(part)]
    lines: list[Hint] = []
    if proved:
        lines.append(f"{_parts(proved)} proved: the largest errors are {worst_errors(proved)}.")
    unproved = [part for part in proof if not is_proved(part)]
    if unproved:
        numbers = layer_ranges(part.get("layer", -1) for part in unproved)
        dtypes = other_dtypes(dtype)
        problem = f"{_parts(unproved)} not proved (layers {numbers}): activations are NaN or infinite in {dtype}."
        remedy = Advice.of(f"{problem} Load it with {{}}.", Setting("dtype", dtypes)) if dtypes else ""
        lines.append(remedy or f"{problem} The weights may be damaged.")
    if lost := [part.get("layer", -1) for part in proved if _way(part) == LOST]:
        lines.append(
            f"What layers {layer_ranges(lost)} contribute is lost in rounding in {dtype}, so its removal shows nothing."
        )
    if any(part.get("expected_width", 0) is None for part in proof):
        lines.append(f"{_UNSAID} The config does not say how many neurons there should be.")
    return lines


def other_dtypes(dtype: str) -> str:
    """The number formats to try where activations overflow in one; empty where there is none that reaches further."""
    return {"float32": "", "bfloat16": "float32"}.get(dtype, "bfloat16 or float32")


def _parts(proof: Sequence[Proof]) -> str:
    """``54 parts of 27 layers``; ``30 layers`` where each has one part."""
    layers = len({part.get("layer") for part in proof})
    named = quantity(layers, "layer")
    return named if len(proof) == layers else f"{len(proof)} parts of {named}"


def _way(part: Proof) -> str:
    """How the contribution reaches the block's output."""
    if part.get("removal_error") is None:
        return NONE
    if part.get("through"):
        return f"through {', '.join(part['through'])}"
    scale = part.get("scale")
    if scale is not None:
        return "added" if abs(scale - 1) < 1e-3 else f"times {scale:.4g}"
    times = part.get("times")
    return LOST if times == "number" else f"gated by {times}" if times else "gated"


def _number(error: float | None) -> str:
    if error is None:
        return NONE
    return "0" if error == 0 else f"{error:.1e}"
