"""Whether what steering did is more than what any other neurons would have done.

What is compared is how far a category's words change beyond the words of other categories: any disturbance flattens the
prediction and raises all rare words, and that says nothing of a category. The change is *beyond its controls* where all
three hold:

1. It is larger, in size, than that of every control.
2. It is at least twice the root mean square of what the controls do to all categories: how widely they scatter counts,
   and a few of them say little of that for one category alone.
3. The sign turned round does not do the same: a change that comes with either sign is damage, not direction.

Of neurons into which nothing was planted, about one of 25 is beyond 8 controls so, for a category chosen
beforehand; docs/steering.md says how that was measured.

A ladder *writes* its category where more than half of its steps are beyond their controls and the words become more
probable in the direction of the strength; it *lowers* it where they become less probable. A neuron that reads the
category without any of that *reads only*.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mechamap.protocol.steering import LadderRow, Outcome

__all__ = ["READS", "Judged", "is_beyond", "judged"]


READS = 0.5  # |selectivity| from which a neuron that changes nothing is said to read
_TIMES = 2.0  # what the controls do to any category


@dataclass(frozen=True, slots=True)
class Judged:
    """What a ladder comes to, in a word and as a sentence."""

    outcome: Outcome
    statement: str


def is_beyond(change: float, controls: Sequence[float], turned: float | None, scatter: float) -> bool:
    """Whether a change is beyond its controls, see above; False without controls, and of what is not finite.

    Args:
        change: how far a category's words change beyond others, in nats.
        controls: the same of each control.
        turned: the same with the sign turned round; None where there is no such thing.
        scatter: root mean square of the same of all controls for all categories.
    """
    if not controls or not all(map(math.isfinite, (change, scatter, *controls))):
        return False
    if abs(change) <= max(map(abs, controls)) or abs(change) < _TIMES * scatter:
        return False
    if turned is None or not math.isfinite(turned):
        return True
    return change * turned <= 0 or abs(turned) < abs(change) / 2


def judged(rows: Sequence[LadderRow], category: str, *, controls: int, reads: float) -> Judged:
    """What a ladder comes to for a category.

    Args:
        rows: of the ladder.
        category: the category; empty: none.
        controls: how many there are.
        reads: selectivity of what is steered for the category; NaN where that is not known.
    """
    steps = [row for row in rows if row.strength is None or row.strength]
    whole = [row for row in steps if not row.apart]
    if reason := _why_not(category, controls, len(steps)):
        return Judged("not judged", reason)
    if not whole:
        return Judged("fell apart", "The text falls apart at every strength.")
    directions = [direction for row in whole if (direction := _direction(row, category)) is not None]
    up = sum(directions)
    known = rows[0].strength is not None  # else there is one step, which takes the neurons' activation away
    of = f"at {len(directions)} of {len(whole)} strengths" if known else ""
    if 2 * len(directions) > len(whole) and up:
        verb = "raises" if up > 0 else "lowers"
        if known:
            return Judged("writes" if up > 0 else "lowers", f"Steering {verb} {category} beyond the controls {of}.")
        return Judged("lowers" if up > 0 else "writes", f"Without it the model {verb} {category} beyond the controls.")
    behind = f" (beyond them {of})" if of else ""
    if abs(reads) >= READS:  # not so of NaN
        return Judged(
            "reads only", f"It reads {category}; steering moves {category} no further than controls do{behind}."
        )
    return Judged("shared", f"Controls move {category} as far{behind}: no finding.")


def _why_not(category: str, controls: int, steps: int) -> str:
    if not category:
        return "No category is looked at."
    if not controls:
        return "Without controls, what was changed says nothing about these neurons."
    return "" if steps else "Strength 0 changes nothing."


def _direction(row: LadderRow, category: str) -> float | None:
    """+1 where a step raises the category in the direction of its strength, -1 where it lowers it; None: not beyond."""
    shift = (row.categories or {}).get(category)
    if shift is None or shift.specific is None or not shift.beyond:
        return None
    return math.copysign(1.0, shift.specific * (1.0 if row.strength is None else row.strength))
