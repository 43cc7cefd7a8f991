"""A run explored by lines: what is meant is kept from one to the next, mistakes end nothing, and no cursor moves."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.recorded_run import checked_run
from support.repository import ROOT

from mechamap.cli.lines.line_narration import LineNarration
from mechamap.cli.lines.place import Place
from mechamap.cli.lines.words import as_command, words_of
from mechamap.cli.main import build_parser, main
from mechamap.errors import UsageError
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run

Asked = Callable[..., tuple[int, list[str], str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return checked_run(tmp_path / "home" / "runs" / "checked-1")


@pytest.fixture
def asked(run: Run, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Asked:
    """Give lines, of the run or of what is named; the exit code, the lines of the answer, and what was told beside."""

    def asked(*lines: str, about: str | None = "checked-1") -> tuple[int, list[str], str]:
        monkeypatch.setattr(sys, "stdin", io.StringIO("\n".join(lines) + "\n"))
        code = main(["plain", *([about] if about else [])])
        captured = capfd.readouterr()
        assert "\x1b" not in captured.out + captured.err and "\r" not in captured.out + captured.err
        return code, captured.out.splitlines(), captured.err

    return asked


def test_filter_order_and_category_are_kept_for_what_follows(run: Run, asked: Asked) -> None:
    code, lines, told = asked("category food", "filter layer == 1", "sort -mean.food", "neurons 2", "layers")
    assert code == 0 and "checked-1" not in lines[0] and f"{run.neurons:,} neurons" in told
    in_layer = len(range(run.neurons)[run.layer_rows(1).rows])
    assert lines[:3] == ["category: food", f"{in_layer} neurons of {run.neurons:,}", "sorted by -mean.food"]
    mean = run.column("mean", "food")
    best = max(range(run.neurons), key=lambda row: (run.neuron_name(row).layer == 1, float(mean[row])))
    rows = [line for line in lines if line.startswith("1. neuron ")]
    assert rows[0].startswith(f"1. neuron {run.neuron_name(best)}; ")
    assert any(line.startswith("1. layer 1; neurons ") for line in lines)


def test_what_is_set_can_be_named_and_begun_with(run: Run, asked: Asked, capfd: pytest.CaptureFixture[str]) -> None:
    asked("category food", "filter layer == 1", "sort -mean.food", "views add mine")
    code, lines, _ = asked("view mine", "neurons 1")
    assert code == 0 and lines[0] == "filter layer == 1; category food; sorted by -mean.food"
    assert "; by food" not in lines[1] and any(line.startswith("1. neuron L1.") for line in lines)
    assert main(["plain", "checked-1", "--view", "mine", "--neuron", "L1.N2"]) == 0
    begun = capfd.readouterr().out.splitlines()
    assert begun[0] == lines[0] and begun[1].startswith("L1.N2 of ")


def test_the_neuron_that_was_shown_is_meant_by_marks_and_notes(run: Run, asked: Asked) -> None:
    code, lines, _ = asked("show L1.N2", "mark", "note fires on bread", "show")
    assert code == 0 and lines[0].startswith("L1.N2 of ")
    assert any(line.startswith("1. category ") and "; reads " in line for line in lines)
    assert lines[-1] == "marked. fires on bread"
    assert run.path is not None
    assert Notes(run.path).marked == ("L1.N2",)
    asked("unmark L1.N2")
    assert Notes(run.path).marked == ()


def test_a_mistake_is_told_and_the_next_line_answered(asked: Asked) -> None:
    code, lines, told = asked("filtr x", "filter reads >", "show L99.N1", "note x", 'compare "a', "categories")
    assert code == 2
    assert "Did you mean filter?" in told and "the expression ends" in told and "Layer 99" in told
    assert "No neuron is named." in told and "quotation mark" in told
    assert "food" in lines


def test_help_lists_every_command_and_quit_leaves_the_rest(asked: Asked) -> None:
    code, lines, _ = asked("help", "help filter", "help lens", "quit", "categories")
    assert code == 0
    assert {"confirm: check a run's findings", "quit: end"} <= set(lines)
    assert any(line.startswith("usage: mechamap lens") for line in lines) and "food" not in lines


def test_without_a_run_it_says_how_to_open_one(asked: Asked) -> None:
    code, lines, told = asked("neurons", "open checked-1", "categories", about=None)
    assert code == 2 and "No run is open." in told and "food" in lines
    code, _, told = asked("categories", about="nothing-of-the-kind")
    assert code and "nothing-of-the-kind" in told


def test_words_of_the_command_line_are_filled_in_from_what_is_kept() -> None:
    place = Place("run", where="layer > 1", sort="-ap", category="food", neuron="L1.N2")
    commands = {name: parser for name, (parser, _) in build_parser().commands().items()}

    def words(name: str, text: str = "") -> list[str]:
        return as_command(name, words_of(name, text), place, commands[name])

    assert words("probe", "It's a banana.") == [
        *("probe", "run", "--text=It's a banana.", "--neuron", "L1.N2", "--format", "lines")
    ]
    assert words("probe", '--neuron L0.N1 --text "a b"') == [
        *("probe", "run", "--neuron", "L0.N1", "--text", "a b", "--format", "lines")
    ]
    assert words("export", "--out f.csv") == [
        *("export", "run", "--out", "f.csv", "--where=layer > 1", "--category=food", "--sort=-ap")
    ]
    assert words("neurons", "5 --marked") == [
        *("neurons", "run", "--limit", "5", "--marked", "--category=food", "--sort=-ap", "--format", "lines")
    ]
    assert words("interpret", "--format json") == ["interpret", "run", "--format", "json"]
    assert words("confirm") == ["confirm", "run"]
    assert words("doctor", "demo") == ["doctor", "demo"]
    with pytest.raises(UsageError):
        as_command("confirm", [], Place(), commands["confirm"])


def test_progress_is_lines_of_their_own_once_it_takes_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 7.0, 8.0, 14.0])
    monkeypatch.setattr("mechamap.cli.lines.line_narration.time.monotonic", lambda: next(clock))
    stream = io.StringIO()
    told = LineNarration(stream)
    for text in ("reading 1", "reading 2", "reading 3", "reading 4"):
        told.progress(text)
    assert stream.getvalue() == "reading 2\nreading 4\n"


def test_the_explorer_started_plainly_answers_through_pipes(run: Run, tmp_path: Path) -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "mechamap_tui", "checked-1", "--plain"],
        input="categories\nneurons 1\n",
        capture_output=True,
        check=False,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
        cwd=tmp_path,
    )
    assert shown.returncode == 0, shown.stderr
    assert "food" in shown.stdout.splitlines() and "1. neuron L" in shown.stdout and "\x1b" not in shown.stdout
