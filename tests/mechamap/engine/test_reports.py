"""Reports as the engine answers them: what a program asks for over the protocol is what Python gives."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.by_name import scan_request
from support.comparisons import compared
from support.made_report import keep_activations
from support.recorded_run import TEXT, WORDS, recorded_run

from mechamap.config.schema import config_from_dict
from mechamap.engine.calls import Request
from mechamap.engine.kept import Kept
from mechamap.engine.methods import METHODS
from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.interpret.report import interpret_run
from mechamap.protocol.messages import decode, plain
from mechamap.protocol.rpc import RpcFault
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.tables.table import Report


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("reports") / "run")


def asked(method: str, kept: Kept | None = None, **params: Any) -> Report:
    """The answer as it is after it went over the wire."""
    answer = METHODS.beside[method](Request(1, method, params, lambda *_: None, kept or Kept()))
    return over_the_wire(answer)


def over_the_wire(answer: object) -> Report:
    return decode(json.loads(json.dumps(plain(answer))), Report)


def test_an_interpretation_over_the_wire_is_the_one_in_python(run: Run) -> None:
    assert asked("interpret", run=str(run.path)) == interpret_run(run)
    assert asked("interpret", run=str(run.path), by="d", threshold=1, top=2) == interpret_run(run, "d", 1.0, 2)


def test_its_long_tables_can_be_cut(run: Run) -> None:
    cut = asked("interpret", run=str(run.path), threshold=0.3, most=2)
    assert cut == interpret_run(run, threshold=0.3, most=2)
    assert cut != asked("interpret", run=str(run.path), threshold=0.3)


def test_a_csv_is_interpreted_too(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "neurons.csv", ExportRequest("csv"))
    report = asked("interpret", run=str(tmp_path / "neurons.csv"))
    counts = report.table("categories")
    assert counts is not None
    assert {row[0] for row in counts.rows} == set(run.categories)


def test_what_cannot_be_interpreted_says_so(run: Run, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Unknown figure 'size'"):
        asked("interpret", run=str(run.path), by="size")
    with pytest.raises(MechaMapError):
        asked("interpret", run=str(tmp_path / "nothing"))


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("reports") / "other", seed=1)


def test_a_comparison_over_the_wire_is_the_one_in_python(run: Run, other: Run) -> None:
    paths = [str(run.path), str(other.path)]
    assert asked("compare", runs=paths) == compared([run, other])
    assert asked("compare", runs=paths, by="d", threshold=1, most=3) == compared([run, other], "d", 1.0, limit=3)
    assert asked("compare", runs=[*paths, paths[0]]) == compared([run, other, run])


def test_closest_neurons_are_found_and_stay_with_the_comparison_of_these_runs(tmp_path: Path, other: Run) -> None:
    """The two keep the same activations, so every neuron's closest one is itself."""
    runs = [recorded_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    for its in runs:
        keep_activations(its)
    told: list[dict[str, Any]] = []
    paths, kept = [str(its.path) for its in runs], Kept()
    answer = METHODS.queued["match"](
        Request(1, "match", {"runs": paths, "words": 12}, lambda _, it: told.append(dict(it)), kept)
    )
    report = over_the_wire(answer)
    matches = report.table("matches")
    assert matches is not None and len(matches.rows) == 48
    assert all(row[0] == row[1] for row in matches.rows)
    assert {"kept", "match"} <= {it["stage"] for it in told}
    by_another = asked("compare", kept, runs=paths, by="d")
    assert by_another.table("matches") is not None
    assert asked("compare", kept, runs=[paths[0], str(other.path)]).table("matches") is None
    assert asked("compare", runs=paths).table("matches") is None, "another engine has not looked"


def test_specialised_neurons_are_counted_from_the_threshold_that_is_asked_for(tmp_path: Path) -> None:
    """By the search and by every comparison after it, where it is one of selectivity; else from the usual one on."""
    runs = [recorded_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    for its in runs:
        keep_activations(its)
    params, kept = {"runs": [str(its.path) for its in runs]}, Kept()

    def matched(threshold: float) -> Report:
        call = Request(1, "match", {**params, "by": "reads", "threshold": threshold}, lambda *_: None, kept)
        return over_the_wire(METHODS.queued["match"](call))

    found = matched(0.6)
    for report, threshold in (
        (found, 0.6),
        (asked("compare", kept, **params, by="reads", threshold=0.3), 0.3),
        (asked("compare", kept, **params, threshold=0.3), 0.9),
        (asked("compare", kept, **params), 0.9),
        (asked("compare", kept, **params, by="d", threshold=1), 0.9),
        (asked("compare", kept, **params, by="reads", threshold=0.6), 0.6),
    ):
        table = report.table("specialised")
        assert table is not None and f"|reads| ≥ {threshold:g}," in table.about
    assert matched(0.3) == asked("compare", kept, **params, by="reads", threshold=0.3) != found


def test_what_was_found_is_not_shown_for_a_run_that_was_scanned_anew(tmp_path: Path) -> None:
    runs = [recorded_run(tmp_path / name, seed=seed) for seed, name in enumerate("ab")]
    for its in runs:
        keep_activations(its)
    params, kept = {"runs": [str(its.path) for its in runs]}, Kept()
    METHODS.queued["match"](Request(1, "match", params, lambda *_: None, kept))
    assert asked("compare", kept, **params).table("matches") is not None
    record = json.loads((tmp_path / "b" / "run.json").read_text(encoding="utf-8"))
    record["created"] = "2031-01-01T00:00:00+00:00"
    (tmp_path / "b" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    assert asked("compare", kept, **params).table("matches") is None


def test_models_are_run_again_where_their_runs_kept_nothing(
    tmp_path: Path, tiny_models: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    config = config_from_dict({"texts": [TEXT], "categories": WORDS, "keep_activations": "never", "device": "cpu"})
    scan(scan_request(str(tiny_models("gpt2")), config, tmp_path / "a"))
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    told: list[dict[str, Any]] = []
    params = {"runs": [str(tmp_path / "a"), str(tmp_path / "b")]}
    report = over_the_wire(METHODS.queued["match"](Request(1, "match", params, lambda _, it: told.append(dict(it)))))
    matches = report.table("matches")
    assert matches is not None and matches.rows
    assert all(row[0] == row[1] for row in matches.rows)
    assert {"pass", "match"} <= {it["stage"] for it in told}
    assert max(it["layers_done"] for it in told) == max(it["layers_total"] for it in told) > 0

    stopped = Request(2, "match", params, lambda *_: None)
    stopped.cancel.set()
    with pytest.raises(Cancelled):
        METHODS.queued["match"](stopped)


def test_what_cannot_be_matched_is_refused_before_a_model_is_looked_for(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "neurons.csv", ExportRequest("csv"))
    call = Request(1, "match", {"runs": [str(run.path), str(tmp_path / "neurons.csv")]}, lambda *_: None)
    with pytest.raises(UsageError) as refused:
        METHODS.queued["match"](call)
    assert "no model behind it" in refused.value.hint


@pytest.mark.parametrize("runs", [None, "a", ["a"], [1, 2], ["a", ""]])
def test_a_comparison_takes_two_runs_or_more(runs: object) -> None:
    for method in (METHODS.beside["compare"], METHODS.queued["match"]):
        with pytest.raises(RpcFault):
            method(Request(1, "compare", {"runs": runs}, lambda *_: None))


@pytest.mark.parametrize(
    "wrong", [{"by": 3}, {"by": ""}, {"threshold": "x"}, {"threshold": True}, {"top": 0}, {"most": 1.5}]
)
def test_parameters_of_another_kind_are_refused(run: Run, wrong: dict[str, Any]) -> None:
    with pytest.raises(RpcFault):
        asked("interpret", run=str(run.path), **wrong)
