"""The capture proof in words and columns, from what runs keep of it, older ones included."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mechamap.runs.proof_record import other_dtypes, proof_table, verdict, worst_errors
from mechamap.runs.scanned import LayerProof
from mechamap.system.plain_values import from_plain_values, to_plain_values

KEYS = {"layer": 0, "path": "h.0.fc2", "width": 80, "expected_width": 80, "tokens": 8, "rebuild_error": 2e-7,
        "zero_error": 0.0, "tolerance": 1e-4}  # fmt: skip
OLD = from_plain_values(LayerProof, KEYS, "proof[0]")


def part(layer: int = 0, **members: Any) -> LayerProof:
    return replace(OLD, **{"layer": layer, "path": f"h.{layer}.fc2", "removal_error": 1e-8, "scale": 1.0, **members})


EXPERTS = part(1, path="h.1.experts", width=24, experts=4, own_error=3e-6)
UNPROVED = part(2, finite=False, rebuild_error=None, zero_error=None, removal_error=None, scale=None)


def test_the_table_has_a_row_for_each_part_in_columns() -> None:
    rows = proof_table([part(), EXPERTS, UNPROVED])
    assert [cell.strip() for cell in rows[0]] == [
        "layer", "neurons", "rebuild", "own code", "zero", "removal", "allowed", "reaches the block", "at",
    ]  # fmt: skip
    cells = [[cell.strip() for cell in row] for row in rows[1:]]
    assert cells[0] == ["0", "80", "2.0e-07", "-", "0", "1.0e-08", "1.0e-04", "added", "h.0.fc2"]
    assert cells[1] == ["1", "4x24", "2.0e-07", "3.0e-06", "0", "1.0e-08", "1.0e-04", "added", "h.1.experts"]
    assert cells[2] == ["2", "80", "-", "-", "-", "-", "1.0e-04", "-", "h.2.fc2"]
    for column in zip(*(row[:-1] for row in rows), strict=True):
        assert len({len(cell) for cell in column}) == 1, "cells of a column are as wide as one another"


def test_only_what_was_looked_at_has_a_column() -> None:
    assert "own code" not in " ".join(proof_table([part()])[0])
    old = [cell.strip() for cell in proof_table([OLD])[0]]
    assert "removal" not in old
    assert [cell.strip() for cell in proof_table([OLD])[1]] == ["0", "80", "2.0e-07", "0", "1.0e-04", "-", "h.0.fc2"]
    assert "allowed" not in [cell.strip() for cell in proof_table([part()], allowed=False)[0]]


def test_a_model_with_two_sides_has_a_column_for_them() -> None:
    rows = proof_table([part(0), part(1)], {0: "enc 0", 1: "dec 0"})
    assert [row[1].strip() for row in rows] == ["side", "enc 0", "dec 0"]


@pytest.mark.parametrize(
    ("members", "way"),
    [
        ({}, "added"),
        ({"scale": 0.99999994}, "added"),
        ({"scale": 0.22}, "times 0.22"),
        ({"scale": None}, "gated"),
        ({"scale": None, "times": "token"}, "gated by token"),
        ({"scale": None, "times": "element"}, "gated by element"),
        ({"scale": None, "times": "number", "removal_error": 0.0}, "lost in rounding"),
        ({"scale": None, "through": ["drop", "norm"]}, "through drop, norm"),
        ({"removal_error": None}, "-"),
    ],
)
def test_how_a_contribution_reaches_its_block(members: dict[str, Any], way: str) -> None:
    assert proof_table([part(**members)])[1][-2].strip() == way


def test_the_verdict_says_the_largest_error_of_each_kind() -> None:
    assert (
        worst_errors([part(), EXPERTS]) == "rebuild 2.0e-07, own code 3.0e-06, zero 0, removal 1.0e-08; allowed 1.0e-04"
    )
    assert verdict([part(0), part(1)], "float32") == [
        "2 layers proved: the largest errors are rebuild 2.0e-07, zero 0, removal 1.0e-08; allowed 1.0e-04."
    ]
    assert verdict([part(1), EXPERTS], "float32")[0].startswith("2 parts of 1 layer proved: ")
    assert verdict([OLD], "float32")[0].startswith("1 layer proved: the largest errors are rebuild 2.0e-07, zero 0; ")


def test_what_is_not_proved_is_named_with_what_to_do() -> None:
    proved, unproved = verdict([part(), UNPROVED, replace(UNPROVED, layer=3)], "float16")
    assert str(proved).startswith("1 layer proved")
    assert str(unproved) == (
        "2 layers not proved (layers 2-3): activations are NaN or infinite in float16. "
        "Load it with --dtype bfloat16 or float32."
    )
    assert "--dtype float32." in str(verdict([UNPROVED], "bfloat16")[0])
    assert str(verdict([UNPROVED], "float32")[0]).endswith("in float32. The weights may be damaged.")


def test_what_is_lost_in_rounding_is_said_to_show_nothing() -> None:
    lost = part(1, removal_error=0.0, scale=None, times="number")
    assert verdict([part(), lost], "bfloat16")[1:] == [
        "What layers 1 contribute is lost in rounding in bfloat16, so its removal shows nothing."
    ]
    assert len(verdict([part()], "bfloat16")) == 1


def test_a_width_that_the_config_does_not_tell_is_marked() -> None:
    unsaid = part(expected_width=None)
    assert proof_table([unsaid])[1][1].strip() == "80*"
    assert verdict([unsaid], "float32")[-1] == "* The config does not say how many neurons there should be."


def test_what_an_older_version_did_not_write_is_not_added() -> None:
    assert to_plain_values(OLD) == KEYS
    assert to_plain_values(replace(OLD, finite=False)) == KEYS | {"finite": False}


def test_formats_that_reach_further() -> None:
    assert [other_dtypes(dtype) for dtype in ("float16", "bfloat16", "float32")] == [
        "bfloat16 or float32",
        "float32",
        "",
    ]
