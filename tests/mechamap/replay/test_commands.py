"""Each action of the explorer as a command that the command line takes, a log may have, and does the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import Struct
from support.recorded_run import recorded_run

from mechamap.cli.main import build_parser, main
from mechamap.cli.parser import joined_words
from mechamap.protocol.requests import (
    AblateParams,
    CausesParams,
    CompareParams,
    ConfirmParams,
    ExportParams,
    InterpretParams,
    LensParams,
    MatchParams,
    MovesParams,
    ProbeParams,
    SimilarParams,
)
from mechamap.protocol.steer_requests import ControlVectorParams, SteerParams
from mechamap.protocol.steering import parse_strengths, parse_where
from mechamap.query.evaluate import chosen_rows
from mechamap.replay import actions
from mechamap.replay.allowed import refuse_others
from mechamap.replay.line import command_line, words_of
from mechamap.replay.requests import command_of, run_of
from mechamap.replay.view import View
from mechamap.runs.run import Run

RUN, OTHER = Path("/runs/tiny-1"), Path("/runs/tiny-2")
ODD = '-it\'s\n"odd" $HOME; '


def parsed(words: list[str] | None) -> dict[str, object]:
    """The arguments that a line of a log is parsed to; it is one that a log may have."""
    assert words is not None
    back, _ = words_of(command_line(words))
    assert back == words and words[0] == "mechamap"
    args = build_parser().parse_args(joined_words(words[1:]))
    refuse_others(words[1:], args)
    return vars(args)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        (ConfirmParams(run=RUN, randomize=("weights", "basis")), {"randomize": ["weights", "basis"]}),
        (CausesParams(run=RUN), {"neuron": None, "top": 0}),
        (AblateParams(run=RUN, neurons=("L1.N7",), mode="mean"), {"neuron": ["L1.N7"], "mean": True}),
        (InterpretParams(run=RUN, by="ap", threshold=0.25), {"by": "ap", "threshold": 0.25}),
        (InterpretParams(run=RUN), {"by": None, "threshold": None}),
        (SimilarParams(run=RUN, neuron="L1.N7", top=200), {"neuron": "L1.N7", "top": 200}),
        (
            MovesParams(run=RUN, first=ODD, second="b", neurons=("L1.N7",)),
            {"text": [ODD, "b"], "compare": True, "neuron": ["L1.N7"]},
        ),
    ],
)
def test_what_the_engine_is_asked_is_a_command(params: Struct, expected: dict[str, object]) -> None:
    args = parsed(command_of(params, View()))
    assert run_of(params) == RUN and args["source"] == str(RUN)
    assert {name: args[name] for name in expected} == expected


def test_runs_are_compared_and_matched_by_commands() -> None:
    args = parsed(command_of(CompareParams(runs=(RUN, OTHER), by="mean"), View()))
    assert args["runs"] == [str(RUN), str(OTHER)] and args["by"] == "mean" and not args["match"]
    args = parsed(command_of(MatchParams(runs=(RUN, OTHER), words=400), View()))
    assert args["match"] and args["words"] == 400
    assert parsed(command_of(MatchParams(runs=(RUN, OTHER)), View()))["words"] == 0


def test_a_ladder_and_a_control_vector_are_commands() -> None:
    params = SteerParams(
        run=RUN, neurons=("L1.N7", "L0.N3"), text=ODD, strengths=(-1.5, 0.0, 2.0), mode="set", where=3, category="food",
        controls=4, generate=7, temperature=0.75, seed=9,
    )  # fmt: skip
    args = parsed(command_of(params, View()))
    assert args["neuron"] == ["L1.N7", "L0.N3"] and args["text"] == ODD and args["mode"] == "set"
    assert parse_strengths(str(args["strengths"])) == params.strengths and parse_where(str(args["place"])) == 3
    assert (args["category"], args["controls"], args["generate"], args["sample"], args["seed"]) == (
        "food",
        4,
        7,
        0.75,
        9,
    )
    assert command_of(SteerParams(run=RUN, neurons=("L1.N7",), text="-"), View()) is None
    args = parsed(command_of(SteerParams(run=RUN, neurons=("L1.N7",), text="a", name="my set"), View()))
    assert args["set"] == "my set" and parse_strengths(str(args["strengths"])) == parse_strengths("-2:2:9")
    vector = ControlVectorParams(run=RUN, neurons=("L1.N7",), strength=-2.0, path=Path("/x/a.gguf"))
    args = parsed(command_of(vector, View()))
    assert args["control_vector"] == "/x/a.gguf" and args["strength"] == -2.0


def test_what_explores_nothing_is_no_action() -> None:
    for params in (None, ProbeParams(text="typed", run=RUN), LensParams(run=RUN, neuron="L1.N7")):
        assert command_of(params, View()) is None and run_of(params) is None


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return recorded_run(tmp_path / "home" / "runs" / "tiny-1")


def test_a_run_among_all_runs_is_called_by_its_name(run: Run, tmp_path: Path) -> None:
    assert actions.source_of(run.path) == "tiny-1"
    other = recorded_run(tmp_path / "elsewhere" / "tiny-1")
    assert actions.source_of(other.path) == str(other.path)


def test_views_counts_marks_notes_sets_and_pages_are_commands(run: Run) -> None:
    view = View("reads.food > 0 and layer == 1", "-ap.food,layer", "food", marked=True)
    args = parsed(actions.viewed(run, view))
    assert (args["where"], args["sort"], args["category"], args["marked"]) == (view.where, view.sort, "food", True)
    assert parsed(actions.counted(run, "layer, best", view))["by"] == "layer, best"
    assert parsed(actions.marked(run, ("L1.N7",), True))["action"] == "mark"
    assert parsed(actions.marked(run, ("L1.N7", "L0.N3"), False))["neuron"] == ["L1.N7", "L0.N3"]
    assert parsed(actions.noted(run, "L1.N7", ODD))["note"] == ODD
    args = parsed(actions.set_kept(run, "my set", ("L1.N7",), "why", replaced=True))
    assert (args["action"], args["name"], args["overwrite"]) == ("add", "my set", True)
    assert parsed(actions.probed(run, "L1.N7", ODD))["text"] == [ODD]
    assert actions.probed(run, "L1.N7", "-") is None
    assert parsed(actions.page_written(run, ("L1.N7",), "food", "md", Path("/a.md")))["out"] == "/a.md"


@pytest.mark.parametrize("scope", ["all", "filtered", "marked"])
def test_an_export_of_the_table_is_written_alike_by_its_command(run: Run, scope: str, tmp_path: Path) -> None:
    view = View("reads.food > 0", "-max", "food")
    main(["notes", "tiny-1", "mark", "--neuron", "1.7", "--neuron", "0.3"])
    rows = {
        "all": chosen_rows(run),
        "filtered": chosen_rows(run, view.where, view.sort),
        "marked": chosen_rows(run, "neuron == 7 and layer == 1 or neuron == 3 and layer == 0", view.sort),
    }[scope]
    out = tmp_path / "by_command.csv"
    assert run.path is not None
    words = command_of(ExportParams(run.path, out, "csv", wide=True, scope=scope), view)
    parsed(words)
    assert words is not None and main(words[1:]) == 0
    lines = out.read_text(encoding="utf-8").splitlines()
    named = [line.split(",") for line in lines[1:]]
    name = lines[0].split(",").index("name")
    assert [cells[name] for cells in named] == run.neuron_names(rows)
