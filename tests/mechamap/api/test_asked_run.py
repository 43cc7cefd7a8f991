"""What a run's model is asked in Python gives what the command line gives: probes, steering, sets, similar neurons."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import mechamap as mm
from mechamap.cli.main import main
from mechamap.errors import ExportError, UsageError
from mechamap.runs.run import Run

NEURON = "L3.N509"
SENTENCE = "She ate bread and cheese."


@pytest.fixture(scope="module")
def run(demo_run: Run, tmp_path_factory: pytest.TempPathFactory) -> mm.ScannedRun:
    assert demo_run.path is not None
    folder = tmp_path_factory.mktemp("asked") / "demo"
    shutil.copytree(demo_run.path, folder)
    return mm.open(folder, progress=False)


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, list[dict[str, object]]]:
    """What a command prints as JSON."""
    capsys.readouterr()
    assert main([*words, "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_a_probe_has_the_rows_of_the_command_line(run: mm.ScannedRun, capsys: pytest.CaptureFixture[str]) -> None:
    report = run.probe(SENTENCE, neurons=[NEURON], token=-1, top=3, next=2)
    assert report.tables == ("tokens", "outliers", "next")
    command = ("probe", str(run.path), "--neuron", NEURON, f"--text={SENTENCE}", "--token=-1", "--top=3", "--next=2")
    plain = printed(capsys, *command)["tables"]
    assert [row["neuron"] for row in plain["outliers"]["rows"]] == report["outliers"]["neuron"]
    assert run[NEURON].probe(SENTENCE)["tokens"][NEURON] == report["tokens"][NEURON]
    moved = run.probe(SENTENCE, "She ate wood and stones.", compare=True, top=4, neurons=[NEURON])
    assert len(moved["moves"]) == 4 and moved["pairs"][NEURON]


@pytest.mark.parametrize(
    ("texts", "asked", "told"),
    [
        ((), {"next": 3}, "No text is given"),
        ((SENTENCE,), {}, "Nothing is asked"),
        ((SENTENCE,), {"compare": True}, "compares two texts; 1 given"),
        ((SENTENCE,), {"token": 0, "top": 0}, "at least 1"),
        ((SENTENCE,), {"neurons": ["L9.N0"]}, "Layer 9"),
    ],
)
def test_a_probe_that_asks_nothing_is_refused(run: mm.ScannedRun, texts, asked, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        run.probe(*texts, **asked)


def test_similar_neurons_are_those_of_the_command_line(run: mm.ScannedRun, capsys: pytest.CaptureFixture[str]) -> None:
    similar = run[NEURON].similar(3)["similar"]
    plain = printed(capsys, "similar", str(run.path), "--neuron", NEURON, "--top", "3")
    assert similar["neuron"] == [row["neuron"] for row in plain["tables"]["similar"]["rows"]]
    with pytest.raises(UsageError, match="at least 1"):
        run.similar(NEURON, 0)


def test_steering_gives_the_ladder_of_the_command_line_and_its_code(
    run: mm.ScannedRun, capsys: pytest.CaptureFixture[str]
) -> None:
    ladder = run[NEURON].steer("She went to the", strengths=[-1, 2], controls=2, generate=3)
    words = ["steer", str(run.path), "--neuron", NEURON, "--text=She went to the", "--strengths=-1,2"]
    assert main([*words, "--controls=2", "--generate=3", "--format=json"]) == 0
    plain = json.loads(capsys.readouterr().out)
    assert [row.text for row in ladder.ladder.rows] == [row["text"] for row in plain["rows"]]
    assert ladder["rows"]["strength"][-1] == 2
    assert "register_forward_pre_hook" in ladder.code() and "TransformerBridge" in ladder.code("transformer_lens", 0.5)
    with pytest.raises(UsageError, match="Unknown form 'tensorflow'"):
        ladder.code("tensorflow")


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "No neuron was named"),
        ({"neurons": [NEURON], "mode": "multiply"}, "Unknown mode 'multiply'"),
        ({"neurons": [NEURON], "strengths": "much"}, "not a ladder"),
        ({"neurons": [NEURON], "controls": -1}, "controls is -1"),
        ({"neurons": [NEURON], "from_": "middle"}, "where to steer"),
        ({"where": "reads.food > 3"}, "true for no neuron"),
        ({"neurons": [NEURON], "from_": "last", "control_vector": "v.gguf"}, "adds at all tokens"),
    ],
)
def test_steering_that_makes_no_sense_is_refused_before_the_model_is_needed(
    run: mm.ScannedRun, settings, told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        mm.open(run.path, progress=False).steer("The", **settings)


def test_sets_are_kept_steered_ablated_and_carried(run: mm.ScannedRun, tmp_path: Path) -> None:
    assert not run.sets
    with pytest.raises(UsageError, match=r"run\.sets\.add\(NAME"):
        run.ablate(set="food")
    assert run.sets.add("food", [NEURON, "L1.N5"], note="<b>two</b>") == (NEURON, "L1.N5")
    with pytest.raises(UsageError, match="add overwrite=True"):
        run.sets.add("food", [NEURON])
    assert dict(run.sets) == {"food": (NEURON, "L1.N5")} == dict(mm.open(run.path).sets)
    assert "L1.N5" in repr(run.sets) and "<b>" not in run.sets._repr_html_()
    ladder = run.steer("The", set="food", strengths="1", controls=1, generate=0)
    assert ladder.ladder.name == "food" and [n.neuron for n in ladder.ladder.neurons] == [NEURON, "L1.N5"]
    assert set(run.ablate(set="food", controls=1)["neuron"]) == {"food"}
    with pytest.raises(UsageError, match="each choose what is ablated"):
        run.ablate([NEURON], set="food")
    file = run.sets.export(tmp_path / "sets.json")
    with pytest.raises(ExportError, match="overwrite=True"):
        run.sets.export(file)
    run.sets.remove("food")
    with pytest.raises(KeyError):
        run.sets["food"]
    assert run.sets.import_(file) == ("food",) and len(run.sets) == 1
    with pytest.raises(UsageError, match="holds no set named 'animals'"):
        run.sets.import_(file, "animals")
