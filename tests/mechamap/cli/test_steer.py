"""``mechamap steer`` and ``mechamap sets``, on the bundled model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mechamap.cli.main import main
from mechamap.protocol.messages import decode
from mechamap.protocol.steering import Ladder
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run

PROMPT = "She went to the market and bought a"
STEER = ("--text", PROMPT, "--strengths", "-2:2:3", "--controls", "2", "--generate", "3")


@pytest.fixture
def run(demo_run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A run of the test's own."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    assert demo_run.path is not None
    shutil.copytree(demo_run.path, tmp_path / "run")
    return str(tmp_path / "run")


def told(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> tuple[str, str]:
    assert main(words) == code
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_the_tables_say_what_became_of_each_strength(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, err = told(capsys, "steer", run, "--neuron", "L3.N509", *STEER)
    assert out.startswith("L3.N509 added to at all tokens: ")
    for title in ("Ladder", "Most probable next tokens", "Categories", "What follows (greedy)", "Neurons"):
        assert f"\n{title}\n" in out
    assert all(step in out for step in ("untouched", "-2", "+0", "+2"))
    assert "Traceback" not in err


def test_json_is_the_ladder_and_csv_a_row_for_each_category(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = told(capsys, "steer", run, "--neuron", "L3.N509", *STEER, "--format", "json")
    ladder = decode(json.loads(out), Ladder)
    assert [row.strength for row in ladder.rows] == [-2, 0, 2]
    out, _ = told(capsys, "steer", run, "--neuron", "L3.N509", *STEER, "--format", "csv")
    head, *rows = out.splitlines()
    assert head == "strength,category,change,specific,turned,beyond,controls,kl,kl_mean,top_token,top_p,apart,text"
    assert len(rows) == 3 * 8


def test_a_step_is_taken_away_and_a_control_vector_written(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gguf import GGUFReader

    words = ("steer", run, "--neuron", "L3.N509", *STEER)
    out, _ = told(capsys, *words, "--as", "command", "--strength", "1.5")
    assert out.startswith(f"mechamap steer {run} --neuron L3.N509") and "--strengths=1.5" in out
    file = tmp_path / "vector.gguf"
    _, err = told(capsys, *words, "--control-vector", str(file), "--strength", "0.5")
    assert "control vector of strength 0.5" in err
    assert [tensor.name for tensor in GGUFReader(file).tensors] == ["direction.3"]
    _, err = told(capsys, *words, "--control-vector", str(file), code=1)
    assert "already exists" in err
    _, err = told(capsys, *words, "--control-vector", str(file), "--from", "last", code=2)
    assert "A control vector adds at all tokens" in err


def test_a_model_alone_is_steered(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    out, _ = told(capsys, "steer", "demo", "--neuron", "L1.N3", *STEER, "--mode", "zero", "--sample", "0.8")
    assert "held at zero" in out and "temperature 0.8" in out
    _, err = told(capsys, "steer", "demo", "--set", "x", *STEER, code=2)
    assert "--set needs a run, and demo is none" in err


def test_sets_are_made_listed_steered_ablated_and_carried(
    run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told(capsys, "sets", run, "add", "fruit", "--neuron", "L3.N509", "--neuron", "L2.N194", "--note", "reads fruit")
    out, _ = told(capsys, "sets", run)
    assert out.split()[:4] == ["fruit", "2", "L3.N509", "L2.N194"] and "reads fruit" in out
    out, _ = told(capsys, "sets", run, "show", "fruit")
    assert out.splitlines() == ["# reads fruit", "L3.N509", "L2.N194"]
    out, _ = told(capsys, "steer", run, "--set", "fruit", *STEER)
    assert out.startswith("fruit added to at all tokens")
    out, err = told(capsys, "ablate", run, "--set", "fruit", "--controls", "2")
    assert out.startswith("fruit held at zero; controls: 2 sets") and "food" in out
    told(capsys, "sets", run, "export", "--out", str(tmp_path / "sets.json"))
    told(capsys, "sets", run, "remove", "fruit")
    assert Notes(Path(run)).sets == ()
    told(capsys, "sets", run, "import", "--in", str(tmp_path / "sets.json"))
    assert [each.name for each in Notes(Path(run)).sets] == ["fruit"]
    _, err = told(capsys, "sets", run, "import", "--in", str(tmp_path / "sets.json"), code=2)
    assert "There is a set named 'fruit' already" in err


def test_sets_are_made_of_a_filter_and_of_marks(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    told(capsys, "sets", run, "add", "best", "--where", "reads.food > 0.5 and layer == 3")
    assert all(neuron.layer == 3 for neuron in Notes(Path(run)).named_set("best").neurons)
    Notes(Path(run)).mark("L1.N7")
    told(capsys, "sets", run, "add", "mine", "--marked")
    assert [str(neuron) for neuron in Notes(Path(run)).named_set("mine").neurons] == ["L1.N7"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--neuron", "L1.N99999"), "L1.N99999 is not in this run"),
        (("--neuron", "L1.N3", "--strengths", "x"), "'x' is not a ladder of strengths"),
        (("--neuron", "L1.N3", "--from", "middle"), "'middle' does not say where to steer"),
        (("--neuron", "L1.N3", "--from", "99"), "The prompt has no token 99"),
        (("--neuron", "L1.N3", "--sample", "-1"), "--sample is -1"),
        (("--set", "none"), "The run has no sets of neurons"),
        (("--where", "reads.food > 3"), "The filter is true for no neuron"),
        (("--marked",), "has no marked neurons"),
        ((), "No neuron was named"),
    ],
)
def test_what_is_wrong_is_said(run: str, words, message, capsys: pytest.CaptureFixture[str]) -> None:
    _, err = told(capsys, "steer", run, "--text", PROMPT, *words, code=2)
    assert message in err


def test_a_set_with_neurons_that_the_run_lacks_is_told(run: str, capsys: pytest.CaptureFixture[str]) -> None:
    notes = json.dumps({"neurons": {}, "sets": {"odd": {"neurons": ["L3.N509", "L3.N99999", "L77.N1"]}}})
    (Path(run) / "notes.json").write_text(notes)
    for command in (("steer", run, "--set", "odd", *STEER), ("ablate", run, "--set", "odd")):
        _, err = told(capsys, *command, code=2)
        assert "The set odd has neurons that run lacks (2 neurons of 3): L3.N99999 is not in this run" in err


def test_a_run_whose_model_is_gone_says_so(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    record = json.loads((Path(run) / "run.json").read_text())
    record["model"]["name"] = str(tmp_path / "gone")
    (Path(run) / "run.json").write_text(json.dumps(record))
    _, err = told(capsys, "steer", run, "--neuron", "L3.N509", *STEER, code=1)
    assert "gone" in err and "Traceback" not in err
