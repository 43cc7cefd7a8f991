"""The capture proof in words and columns, also as older versions recorded it, with fewer errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mechamap.runs.scanned import LayerProof, TokenProof
from mechamap.wording.advice import Advice, Hint, Setting
from mechamap.wording.amounts import layer_ranges, quantity

__all__ = ["WAYS", "other_dtypes", "proof_table", "token_note", "token_verdict", "verdict", "worst_errors"]


NONE, LOST = "-", "lost in rounding"
WAYS = (
    "added as it is, times a number, gated by a factor per token or element, or through modules of the block; "
    "lost in rounding where it is smaller than what the number format keeps of the sum"
)
"""How a contribution can reach the output of its block, as the table has it."""

_UNSAID = "*"  # after a number of neurons that the config does not give


def proof_table(
    proof: Sequence[LayerProof], sides: Mapping[int, str] | None = None, *, allowed: bool = True
) -> list[tuple[str, ...]]:
    """The table: its header, then one row for each part; all cells but the paths at the end as wide as their column.

    Args:
        sides: which side a layer is on, by its number, in a model that has two.
        allowed: with the error that is allowed; :func:`verdict` says it too.
    """
    checked = _worst(proof)
    rows = [
        (
            "layer",
            *(("side",) if sides else ()),
            "neurons",
            *checked,
            *(("allowed",) * allowed),
            "reaches the block",
            "at",
        )
    ]
    for part in proof:
        width = f"{part.experts}x{part.width}" if part.experts else str(part.width)
        errors = part.errors
        rows.append(
            (
                str(part.layer),
                *((sides.get(part.layer, ""),) if sides else ()),
                width + (_UNSAID if part.expected_width is None else ""),
                *(_number(errors[name]) for name in checked),
                *((_number(part.tolerance),) * allowed),
                _way(part),
                part.path,
            )
        )
    *widths, way, _ = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        (*(cell.rjust(width) for cell, width in zip(row, widths, strict=False)), row[-2].ljust(way), row[-1])
        for row in rows
    ]


def worst_errors(proof: Sequence[LayerProof]) -> str:
    """The largest error of each kind: ``rebuild 1.1e-07, zero 0, removal 3.0e-08; allowed 1.0e-04``."""
    if not (worst := _worst(proof)):
        return ""
    errors = ", ".join(f"{name} {_number(error)}" for name, error in worst.items())
    return f"{errors}; allowed {_number(max(part.tolerance for part in proof))}"


def verdict(proof: Sequence[LayerProof], dtype: str, *, damaged: bool = False) -> list[Hint]:
    """The result of the proof, one sentence per line: what was proved, what could not be, and what to do about it.

    Args:
        damaged: whether weights hold NaN or infinity, which another number format does not cure.
    """
    proved = [part for part in proof if part.finite]
    lines: list[Hint] = []
    if proved:
        lines.append(f"{_parts(proved)} proved: the largest errors are {worst_errors(proved)}.")
    unproved = [part for part in proof if not part.finite]
    if unproved:
        numbers = layer_ranges(part.layer for part in unproved)
        dtypes = "" if damaged else other_dtypes(dtype)
        problem = f"{_parts(unproved)} not proved (layers {numbers}): activations are NaN or infinite in {dtype}."
        remedy = Advice.of(f"{problem} Load it with {{}}.", Setting("dtype", dtypes)) if dtypes else ""
        lines.append(remedy or f"{problem} The weights {'are' if damaged else 'may be'} damaged.")
    if lost := [part.layer for part in proved if _way(part) == LOST]:
        lines.append(
            f"What layers {layer_ranges(lost)} contribute is lost in rounding in {dtype}, so its removal shows nothing."
        )
    if any(part.expected_width is None for part in proof):
        lines.append(f"{_UNSAID} The config does not say how many neurons there should be.")
    return lines


def token_verdict(proof: TokenProof | None) -> str:
    """The result of the comparison with tokenizer.json, in a sentence; also of a record that lacks it."""
    if proof is None:
        return "Tokens: whether they are those of the model's tokenizer.json was not recorded."
    if not proof.compared:
        unknown = f" {token_note(proof)}" if proof.unknown_pre_tokenizer else ""
        return (
            f"Tokens: as transformers' {proof.tokenizer} gives them, not compared with a tokenizer.json: "
            f"{proof.remark}.{unknown}"
        )
    if not proof.replaced:
        return (
            f"Tokens: those of tokenizer.json; transformers' {proof.tokenizer} has the same vocabulary and rules, and "
            f"gives the same {proof.tokens:,} tokens for a probe text."
        )
    return f"Tokens: those of tokenizer.json, read as it is; {_unlike(proof)}."


def token_note(proof: TokenProof) -> str:
    """What is to be known where transformers gives other tokens than the model's own, or may; else empty."""
    if proof.unknown_pre_tokenizer:
        return (
            f"The file names the pre-tokenizer {proof.unknown_pre_tokenizer} (tokenizer.ggml.pre), which the installed "
            "transformers does not know: it splits the text as GPT-2 does, so some tokens, of digits and line ends "
            "most of all, may be others than the model was trained on."
        )
    if not proof.replaced or not (proof.differing or proof.remark):
        return ""
    return f"The text is cut as tokenizer.json says; {_unlike(proof)}."


def _unlike(proof: TokenProof) -> str:
    """Why transformers' own tokenizer was not used."""
    other = "the tokenizer that transformers builds by the configs beside it"
    if proof.remark:
        return f"{other} cannot be used ({proof.remark})"
    differences = f"differs in {', '.join(proof.differences)}" if proof.differences else ""
    if not proof.differing:
        return f"{other}, {proof.tokenizer}, gives the same {proof.tokens:,} tokens for a probe text, but {differences}"
    return (
        f"{other}, {proof.tokenizer}, gives others in place of {proof.differing:,} of the {proof.tokens:,} tokens of a "
        f"probe text{f' and {differences}' if differences else ''}"
    )


def other_dtypes(dtype: str) -> str:
    """The number formats to try where activations overflow in one; empty where there is none that reaches further."""
    return {"float32": "", "bfloat16": "float32"}.get(dtype, "bfloat16 or float32")


def _parts(proof: Sequence[LayerProof]) -> str:
    """``54 parts of 27 layers``; ``30 layers`` where each has one part."""
    layers = len({part.layer for part in proof})
    named = quantity(layers, "layer")
    return named if len(proof) == layers else f"{len(proof)} parts of {named}"


def _worst(proof: Sequence[LayerProof]) -> dict[str, float]:
    """The largest error of each kind that was checked anywhere."""
    errors = [part.errors for part in proof]
    kinds = errors[0] if errors else ()
    checked = {kind: [error for each in errors if (error := each[kind]) is not None] for kind in kinds}
    return {kind: max(values) for kind, values in checked.items() if values}


def _way(part: LayerProof) -> str:
    """How the contribution reaches the block's output."""
    if part.removal_error is None:
        return NONE
    if part.through:
        return f"through {', '.join(part.through)}"
    if part.scale is not None:
        return "added" if abs(part.scale - 1) < 1e-3 else f"times {part.scale:.4g}"
    if part.times == "number":
        return LOST
    return f"gated by {part.times}" if part.times else "gated"


def _number(error: float | None) -> str:
    if error is None:
        return NONE
    return "0" if error == 0 else f"{error:.1e}"
