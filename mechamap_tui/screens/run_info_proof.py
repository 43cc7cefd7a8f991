"""What a run says about the capture proof: what it comes to, and what was seen at each part of each layer."""

from __future__ import annotations

from collections.abc import Iterator

from mechamap.layer_layout import side_labels
from mechamap.proof_table import WAYS, is_proved, proof_table, verdict
from mechamap.run_record import RunRecord

__all__ = ["part_lines", "verdict_lines"]

Line = tuple[str, str]  # ("title" | "text" | "trouble", line)

INDENT = "  "


def verdict_lines(record: RunRecord) -> Iterator[Line]:
    """What was proved, and what could not be and what to do about it."""
    if not record.proof:
        return
    proved, *others = verdict(record.proof, record.model.dtype)
    yield "title", "Proof that the hooks see the neurons"
    yield "text" if any(map(is_proved, record.proof)) else "trouble", INDENT + proved
    for line in others:
        yield "text" if all(map(is_proved, record.proof)) else "trouble", INDENT + line


def part_lines(record: RunRecord, width: int) -> Iterator[Line]:
    """The table, a line for each part, or two where there is no room for its path beside the numbers."""
    if not record.proof:
        return
    allowed = len({part.get("tolerance") for part in record.proof}) > 1
    header, *rows = proof_table(record.proof, side_labels(record.layers, record.proof), allowed=allowed)
    fits = max(len(INDENT.join(("", *row))) for row in (header, *rows)) <= width
    yield "title", "The proof, part by part"
    kinds = ["title", *("text" if is_proved(part) else "trouble" for part in record.proof)]
    for kind, row in zip(kinds, (header, *rows), strict=True):
        if fits:
            yield kind, INDENT.join(("", *row)).rstrip()
        else:
            yield kind, INDENT.join(("", *row[:-2])).rstrip()
            yield kind, f"{INDENT * 5}{row[-2].strip()} · {row[-1]}"
    yield "text", f"{INDENT}What neurons contribute reaches the output of their block: {WAYS}."
