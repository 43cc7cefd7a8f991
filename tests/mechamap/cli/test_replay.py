"""``mechamap replay``: a log's steps done with another run, each told; nothing done that a log may not have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.recorded_run import recorded_run

from mechamap.cli.main import main
from mechamap.replay.line import command_line
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run

HEAD = "# MechaMap session log, format 1\n# run: first-1\n# model: tiny\n"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return recorded_run(tmp_path / "home" / "runs" / "second-1")


def replayed(log: str, *flags: str) -> tuple[int, list[tuple[str, str]]]:
    """The exit code, and of each step whether it was done and what is told of it."""
    Path("a.log").write_text(HEAD + log, encoding="utf-8")
    code = main(["replay", "a.log", "second-1", "--out", "told", *flags])
    steps = json.loads(Path("told/steps.json").read_text(encoding="utf-8"))["steps"]
    return code, [(step["state"], step["result"]) for step in steps]


def test_each_step_is_done_with_the_other_run_and_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, steps = replayed(
        "mechamap neurons first-1 '--where=reads.food > 0.9' --category food  # 03:31:02, 5 neurons\n"
        "mechamap notes first-1 mark --neuron L1.N7 --neuron L0.N3  # 03:31:09\n"
        "mechamap notes first-1 write --neuron L1.N7 --note $'two\\nlines'\n"
        "mechamap sets first-1 add 'of both' --marked --note why\n"
        "mechamap count first-1 --by layer,best\n"
        "mechamap export first-1 --marked --format csv --out /somewhere/else/my.csv\n"
        "mechamap interpret first-1 --by ap --format json\n"
    )
    assert code == 0 and {state for state, _ in steps} == {"done"}
    assert steps[0][1] == "1 neuron (in the log: 5 neurons)"
    notes = Notes(run.path)
    assert notes.marked == ("L1.N7", "L0.N3") and notes.note("L1.N7") == "two\nlines"
    assert [str(neuron) for neuron in notes.named_set("of both").neurons] == ["L1.N7", "L0.N3"]
    written = {path.name for path in Path("told").iterdir()}
    assert written == {"001-neurons.txt", "005-count.txt", "006-my.csv", "007-interpret.json", "steps.json"}
    assert "categories" in json.loads(Path("told/007-interpret.json").read_text(encoding="utf-8"))["tables"]
    assert "7 of 7 steps were done" in capsys.readouterr().err


def test_a_step_that_cannot_be_done_says_why_and_the_others_are(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    code, steps = replayed(
        "mechamap notes first-1 mark --neuron L9.N7 --neuron L1.N7\n"
        "mechamap neurons first-1 --category numeric\n"
        "mechamap neurons first-1 '--where=confirmed.food'\n"
        "mechamap sets first-1 show nothing\n"
        "mechamap neurons first-1 --marked\n"
        "mechamap compare first-1 third-1\n"
        "mechamap interpret first-1 --by strength\n"
        "mechamap notes first-1 mark --neuron L1.N7\n"
    )
    assert code == 1 and [state for state, _ in steps] == ["not done"] * 7 + ["done"]
    told = [result for _, result in steps]
    parts = ("1 of 2 neurons", "numeric", "confirm", "nothing", "no marked neurons", "third-1", "strength")
    assert [part for part, result in zip(parts, told, strict=False) if part not in result] == []
    assert Notes(run.path).marked == ("L1.N7",)
    assert "not those of the lines 4, 5, 6, 7, 8, 9, 10" in capsys.readouterr().err


def test_a_dry_run_does_nothing_and_knows_what_the_steps_before_would_have_kept(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.log").write_text(
        HEAD + "mechamap notes first-1 mark --neuron L1.N7\n"
        "mechamap sets first-1 add fruit --marked\n"
        "mechamap sets first-1 show fruit\n"
        "mechamap steer first-1 --set fruit --text hello\n"
        "mechamap steer first-1 --set others --text hello\n"
        "mechamap export first-1 --out my.csv\n",
        encoding="utf-8",
    )
    before = sorted(path.name for path in (run.path or Path()).rglob("*"))
    assert main(["replay", "a.log", "second-1", "--dry-run"]) == 1
    out, err = capsys.readouterr()
    assert out.count("can be done") == 5 and out.count("not done") == 1
    assert "5 of 6 steps can be done; not those of the lines 8" in err
    assert sorted(path.name for path in (run.path or Path()).rglob("*")) == before


HOSTILE = (
    "rm -rf /",
    "mechamap runs rm second-1 -y",
    "mechamap scan demo",
    "mechamap scan demo --trust-remote-code",
    "mechamap neurons first-1; touch pwned",
    "mechamap neurons first-1 $(touch pwned)",
    "mechamap neurons first-1 > pwned",
    'mechamap neurons first-1 "`touch pwned`"',
    "mechamap config init pwned",
    "mechamap replay a.log second-1",
    "mechamap --offline neurons first-1",
    "mechamap",
    "mechamap neurons first-1 --help",
    "mechamap neurons first-1 --no-such-flag",
    "mechamap neurons first-1 --model /etc/passwd",
    "mechamap sets first-1 import --in /etc/passwd",
    "mechamap ablate first-1 --text /etc/passwd",
    "mechamap confirm first-1 --text /etc/passwd",
    "mechamap compare first-1 /etc/passwd",
    "mechamap probe first-1 --neuron L1.N7 --text -",
    "mechamap probe second-1 --neuron L1.N7 --text hi --model ./evil",
    "mechamap export first-1 --out pwned --overwrite",
    "mechamap steer first-1 --neuron L1.N7 --text hi --control-vector pwned --overwrite",
    "mechamap neurons first-1 --limit " + "9" * 5000,
    "mechamap count first-1 --by " + "(" * 3000,
    "mechamap count first-1 --by layer --bins 99999999999",
    "mechamap notes first-1 mark --neuron \x1b[31m\x07",
)


def test_nothing_is_done_that_a_log_may_not_have_and_no_step_ends_the_others(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    code, steps = replayed("\n".join([*HOSTILE, "mechamap notes first-1 mark --neuron L0.N3"]) + "\n")
    assert code == 1
    assert [state for state, _ in steps] == ["not done"] * len(HOSTILE) + ["done"]
    assert all(result for _, result in steps[:-1])
    assert not any("that should not have" in result for _, result in steps)
    assert run.path is not None and run.path.is_dir() and not list(Path().rglob("*pwned*"))
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err and "Traceback" not in out + err


@pytest.mark.parametrize("out", ["../../up.csv", "/etc/up.csv", "..", "~/up.csv", ".hidden", "a/b/", "x\ny"])
def test_files_are_written_into_the_folder_alone(run: Run, out: str, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    replayed(command_line(["mechamap", "export", "first-1", "--format", "csv", "--out", out]) + "\n")
    new = set(tmp_path.rglob("*")) - before
    files = {path for path in new if path.is_file() and path.suffix != ".log"}
    assert {path.parent for path in files} == {tmp_path / "told"} and len(files) == 2


def test_without_a_folder_a_step_that_writes_a_file_is_not_done(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.log").write_text(
        HEAD + "mechamap export first-1 --out my.csv\nmechamap count first-1 --by best\n", encoding="utf-8"
    )
    assert main(["replay", "a.log", "second-1"]) == 1
    out, _ = capsys.readouterr()
    assert "Add --out DIR" in out and not Path("my.csv").exists()
    assert "Neurons by best" in out  # what steps print is shown
    assert main(["replay", "a.log", "second-1", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [step["state"] for step in told["steps"]] == ["not done", "done"]


def test_a_log_of_another_model_says_so(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.log").write_text(
        "# run: first-1\n# model: gpt2 at abc\nmechamap count first-1 --by best\n", encoding="utf-8"
    )
    assert main(["replay", "a.log", "second-1"]) == 0
    assert "The log is of gpt2" in capsys.readouterr().err


def test_what_cannot_be_replayed_at_all_is_told(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    Path("empty.log").write_text("# nothing\n", encoding="utf-8")
    assert main(["replay", "empty.log", "second-1"]) == 2
    assert main(["replay", "none.log", "second-1"]) == 2
    Path("a.log").write_text("mechamap count x --by best\n", encoding="utf-8")
    assert main(["replay", "a.log", "no-run"]) == 1
    replayed("mechamap count x --by best\n")
    assert main(["replay", "a.log", "second-1", "--out", "told"]) == 1  # which holds another replay
    assert "Choose another folder" in capsys.readouterr().err


def test_marks_and_notes_are_kept_and_listed(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notes", "second-1"]) == 0
    assert "no marks" in capsys.readouterr().err
    assert main(["notes", "second-1", "mark", "--where", "abs(reads.food) > 0.9 or abs(reads.animal) > 0.9"]) == 0
    assert main(["notes", "second-1", "write", "--neuron", "1.7", "--note", "reads food"]) == 0
    assert main(["notes", "second-1", "unmark", "--neuron", "L0.N3"]) == 0
    capsys.readouterr()
    assert main(["notes", "second-1", "list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["neurons"]
    assert listed == {"L1.N7": {"marked": True, "note": "reads food"}}
    assert main(["notes", "second-1", "write", "--neuron", "1.7", "--note", ""]) == 0
    assert main(["notes", "second-1", "unmark", "--marked"]) == 0
    assert Notes(run.path).neurons == ()
    for wrong in (["mark"], ["write", "--neuron", "1.7"], ["mark", "--neuron", "1.7", "--note", "x"]):
        assert main(["notes", "second-1", *wrong]) == 2
    assert main(["neurons", "second-1", "--marked"]) == 2


def test_neurons_are_listed_as_the_explorers_table_shows_them(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["neurons", "second-1", "--where", "abs(food) > .9", "--category", "food", "--format", "csv"]) == 0
    header, line = capsys.readouterr().out.strip().splitlines()
    assert header.startswith("neuron,ap,selectivity,") and header.endswith(",tokens")
    assert line.startswith("L1.N7,")
    assert main(["neurons", "second-1", "--sort", "-max", "--format", "json", "--limit", "3"]) == 0
    table = json.loads(capsys.readouterr().out)["tables"]["neurons"]["rows"]
    assert len(table) == 3 and table[0]["max"] >= table[1]["max"] >= table[2]["max"]
    row = run.row_of(table[0]["neuron"])
    selectivity = run.figure("selectivity")[row]
    assert table[0]["best"] == run.categories[int(abs(selectivity).argmax())]
