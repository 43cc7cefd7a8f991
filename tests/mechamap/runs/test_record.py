"""The members of ``run.json``: those of any version are read, checked, and written again as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.recorded_run import recorded_run

from mechamap.errors import RunError
from mechamap.runs.additions import add_to_run
from mechamap.runs.checked import SecondText
from mechamap.runs.run import Run

PART = {"layer": 0, "path": "h.0.fc2", "width": 16, "expected_width": None, "tokens": 8, "rebuild_error": 2e-7,
        "zero_error": 0.0, "tolerance": 1e-4}  # fmt: skip
UNEMBEDDING = {"head": "lm_head", "norm": "norm", "centred": False, "normalized_output": True, "vocabulary": 99,
               "softcap": None, "error": 1e-6, "tolerance": 0.002}  # fmt: skip
ABLATION = {"neuron": "L0.N3", "mode": "zero", "controls": ["L0.N5"], "categories": {
            "animal": {"effect": -0.25, "error": None, "occurrences": 12, "controls": [0.01, None]},
            "food": {"effect": None, "error": None, "occurrences": 0, "controls": []}}}  # fmt: skip


def with_members(folder: Path, members: dict[str, Any]) -> Path:
    """A run whose record has other members."""
    recorded_run(folder)
    file = folder / "run.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | members))
    return folder


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"proof": [PART | {"width": "16"}]}, r"proof\[0\]\.width is '16'; expected a whole number"),
        ({"proof": [PART, {"layer": 0}]}, r"proof\[1\] has no path"),
        ({"unembedding": UNEMBEDDING | {"softcap": "30"}}, r"unembedding\.softcap is '30'; expected a number"),
        ({"exclusions": {"front": "<s>"}}, r"exclusions\.front is '<s>'; expected a list"),
        ({"causes": {"log_p": {"food": None}}}, r"causes\.log_p\.food is None; expected a number"),
        ({"causes": {"ablations": {"L0.N3 zero": {}}}}, r"causes\.ablations\.L0\.N3 zero has no neuron"),
        ({"proof": [PART | {"through": "norm"}]}, r"proof\[0\]\.through is 'norm'; expected a list"),
    ],
)
def test_a_member_of_another_type_is_refused_by_its_name(tmp_path: Path, members: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError, match=message):
        Run.open(with_members(tmp_path, members))


@pytest.mark.parametrize(
    "members",
    [
        {"proof": [PART, PART | {"experts": 0, "own_error": None}]},
        {"unembedding": UNEMBEDDING, "confirmation": {}},
        {"unembedding": {}, "exclusions": {}, "causes": {}},
        {"causes": {"positions": "here", "ablations": {"L0.N3 zero": ABLATION}}},
        {"exclusions": {"exclude_first_position": True, "bos": None, "positions": 0}},
    ],
)
def test_members_of_an_older_version_are_written_again_as_they_were(tmp_path: Path, members: dict[str, Any]) -> None:
    with_members(tmp_path, members)
    add_to_run(tmp_path, {}, second_looks=(SecondText("other.txt", 5, ()),))
    record = json.loads((tmp_path / "run.json").read_text())
    assert [look["text"] for look in record["second_looks"]] == ["other.txt"]
    assert {name: record[name] for name in members} == members
