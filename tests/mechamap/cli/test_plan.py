"""``mechamap scan --plan``: a table or a line of JSON, and nothing done; and the warning before a scan."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from mechamap.cli.main import main
from mechamap.plan import places
from mechamap.runs.run import Run

Said = Callable[..., tuple[int, str, str]]


@pytest.fixture
def mechamap(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs ``mechamap`` with these words: its exit code, what it wrote, and what it said beside."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a hundred megabytes to spare: no process with torch in it fits."""
    monkeypatch.setattr(places, "free_memory", lambda: 100_000_000)
    monkeypatch.setattr(places, "_own_memory", lambda: 0)


def test_the_plan_is_a_table_and_nothing_is_done(mechamap: Said, tmp_path: Path) -> None:
    code, out, err = mechamap("scan", "demo", "--device", "cpu", "--layers", "0-1", "--plan")
    assert (code, err) == (0, "")
    rows = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert "gpt2, decoder, 1,606,080 parameters, 4 layers of 640 neurons" in rows["model"]
    assert rows["scanned"] == "2 of 4 layers, 1,280 of 2,560 neurons"
    assert rows["weights"].startswith("4.0 MB of 6.4 MB in float32")
    assert "free" in rows["memory"] and "estimate" in rows["time"]
    assert out.splitlines()[-1] == "It fits."
    assert [entry.name for entry in (tmp_path / "home").iterdir()] == ["log"]


def test_the_plan_counts_what_is_done_after_the_scan(mechamap: Said) -> None:
    _, out, _ = mechamap("scan", "demo", "--device", "cpu", "--layers", "0-1", "--plan", "--confirm")
    assert "weights   6.4 MB in float32" in out


def test_the_plan_is_a_line_of_json_among_the_events(mechamap: Said) -> None:
    code, out, _ = mechamap("scan", "demo", "--device", "cpu", "--plan", "--events", "jsonl")
    (line,) = out.splitlines()
    told = json.loads(line)
    assert (code, told["event"], told["fits"]) == (0, "plan", True)
    assert (told["neurons_scanned"], told["parameters"]) == (2560, 1_606_080)


def test_a_scan_that_does_not_fit_says_so_first_and_fails(mechamap: Said, little_memory: None) -> None:
    code, out, _ = mechamap("scan", "demo", "--device", "cpu", "--plan")
    assert code == 1
    assert re.match(r"This scan does not fit: it needs about \d+\.\d MB on cpu, where 100\.0 MB are free\.\n", out)
    assert "No setting makes it fit" in out
    assert "It fits" not in out


def test_a_scan_that_may_not_fit_is_begun_all_the_same(mechamap: Said, little_memory: None, tmp_path: Path) -> None:
    code, out, err = mechamap("scan", "demo", "--device", "cpu", "--layers", "0", "--out", tmp_path / "run")
    assert code == 0
    assert err.startswith("This scan may not fit: it needs about ")
    assert out == f"{tmp_path / 'run'}\n"
    assert Run.open(tmp_path / "run").record.state == "complete"


def test_a_scan_that_fits_is_not_warned_of(mechamap: Said, tmp_path: Path) -> None:
    _, _, err = mechamap("scan", "demo", "--device", "cpu", "--layers", "0", "--out", tmp_path / "run")
    assert "may not fit" not in err and "demo scored" in err


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["no/such\\model"], 1, "No such file or folder:"),
        (["demo", "--layers", "9"], 2, "Layer 9 does not exist"),
        (["demo", "--device", "cuda:77"], 2, "no device"),
        (["demo", "--dtype", "int3"], 2, "int3"),
        (["demo", "--text", "no-such-text.txt"], 1, "no-such-text.txt"),
    ],
)
def test_what_cannot_be_planned_is_an_error_as_it_is_for_a_scan(
    mechamap: Said, words: list[str], code: int, says: str
) -> None:
    found, out, err = mechamap("scan", *words, "--plan")
    assert (found, out) == (code, "") and says in err


@pytest.mark.parametrize("words", [["--keep-activations", "demo"], ["demo", "--keep-activations"]])
def test_keeping_activations_needs_no_word_and_the_plan_says_what_they_take(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["scan", *words, "--plan", "--layers", "0"]) == 0
    kept = capsys.readouterr().out
    assert "of it activations" in kept
    assert main(["scan", "--keep-activations", "never", "demo", "--plan", "--layers", "0"]) == 0
    assert "of it activations" not in capsys.readouterr().out
