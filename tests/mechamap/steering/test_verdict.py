"""What counts as more than controls, and what a ladder comes to."""

from __future__ import annotations

import math

from mechamap.protocol.steering import LadderRow, Shift
from mechamap.steering.verdict import is_beyond, judged

CONTROLS = (0.1, -0.2, 0.05, 0.0, -0.1, 0.15, -0.05, 0.1)
SCATTER = 0.12  # of them


def rows(*changes: float, beyond: bool = True, apart: str = "") -> list[LadderRow]:
    """Steps from -2 to 2 with such changes."""
    strengths = (-2.0, -1.0, 0.0, 1.0, 2.0)
    return [
        LadderRow(
            strength,
            categories={"food": Shift(change, change, CONTROLS, -change, beyond and bool(change))},
            apart=apart,
        )
        for strength, change in zip(strengths, changes, strict=True)
    ]


def test_a_change_is_beyond_where_it_is_larger_than_every_control_and_far_from_them() -> None:
    assert is_beyond(1.0, CONTROLS, -0.9, SCATTER)
    assert is_beyond(-1.0, CONTROLS, 0.9, SCATTER)
    assert not is_beyond(0.15, CONTROLS, -0.15, SCATTER)
    assert not is_beyond(0.22, CONTROLS, -0.2, SCATTER)  # the largest, and not far from what controls do
    assert is_beyond(0.22, CONTROLS, -0.2, 0.1)
    assert not is_beyond(1.0, (*CONTROLS, -1.1), -0.9, SCATTER)


def test_a_change_that_both_signs_make_is_none() -> None:
    assert not is_beyond(-1.0, CONTROLS, -0.9, SCATTER)
    assert is_beyond(-1.0, CONTROLS, -0.4, SCATTER)
    assert is_beyond(-1.0, CONTROLS, None, SCATTER)


def test_nothing_is_beyond_without_controls_or_where_numbers_are_not_finite() -> None:
    assert not is_beyond(1.0, (), -1.0, SCATTER)
    assert not is_beyond(math.nan, CONTROLS, 0.0, SCATTER)
    assert not is_beyond(1.0, (0.1, math.nan), 0.0, SCATTER)
    assert not is_beyond(1.0, CONTROLS, 0.0, math.nan)


def test_a_ladder_that_rises_writes_and_one_that_falls_lowers() -> None:
    up = judged(rows(-2.0, -1.0, 0.0, 1.0, 2.0), "food", controls=8, reads=0.9)
    assert up.outcome == "writes" and "raises food" in up.statement and "4 of 4" in up.statement
    assert judged(rows(2.0, 1.0, 0.0, -1.0, -2.0), "food", controls=8, reads=0.9).outcome == "lowers"


def test_what_controls_share_is_reading_alone_or_nothing() -> None:
    shared = rows(-0.1, -0.1, 0.0, 0.1, 0.1, beyond=False)
    assert judged(shared, "food", controls=8, reads=-0.9).outcome == "reads only"
    assert judged(shared, "food", controls=8, reads=0.2).outcome == "shared"
    assert judged(shared, "food", controls=8, reads=math.nan).outcome == "shared"


def test_a_ladder_is_not_judged_without_a_category_controls_or_a_step() -> None:
    steps = rows(-2.0, -1.0, 0.0, 1.0, 2.0)
    assert judged(steps, "", controls=8, reads=0.9).outcome == "not judged"
    assert judged(steps, "food", controls=0, reads=0.9).outcome == "not judged"
    assert judged(steps[2:3], "food", controls=8, reads=0.9).outcome == "not judged"


def test_steps_that_fell_apart_do_not_count() -> None:
    broken = rows(-2.0, -1.0, 0.0, 1.0, 2.0, apart="not finite")
    assert judged(broken, "food", controls=8, reads=0.9).outcome == "fell apart"
    some = [*rows(-2.0, -1.0, 0.0, 1.0, 2.0)[:4], broken[4]]
    assert "3 of 3" in judged(some, "food", controls=8, reads=0.9).statement


def test_without_a_neuron_what_is_lost_was_written() -> None:
    lost = [LadderRow(None, categories={"food": Shift(-1.0, -1.0, CONTROLS, None, True)})]
    verdict = judged(lost, "food", controls=8, reads=0.9)
    assert verdict.outcome == "writes"
    assert "Without it the model lowers food" in verdict.statement
