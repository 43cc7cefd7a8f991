"""``mechamap compare``: what it prints, which formats, what it says where something cannot be compared."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest
from support.recorded_run import CATEGORIES, PLANTED, Shape, recorded_run

from mechamap.cli.main import main
from mechamap.compare.closest.closest import Closest
from mechamap.compare.comparison import Comparison
from mechamap.compare.report import compare_runs
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap.tables.table import Report

Mechamap: TypeAlias = "Callable[..., tuple[int, str, str]]"

CONFIG = """
texts: ["The cat sat on the mat and ate an apple. A dog and a horse went to Paris by train, and bread was eaten."]
categories:
  animal: [cat, dog, horse]
  food: [apple, bread]
device: cpu
second_text: never
"""


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two runs of one model (``a``, ``b``), one of another (``wide``) and a CSV of ``a``."""
    folder = tmp_path_factory.mktemp("recorded")
    run = recorded_run(folder / "a")
    recorded_run(folder / "b", seed=1)
    recorded_run(folder / "wide", layers=4, width=20)
    export_run(run, folder / "a.csv", ExportRequest("csv", threshold=0.2))
    header = "model,layer,neuron,category,avg_activation\n"
    (folder / "two.csv").write_text(header + "m,0,0,food,0.5\nother,0,0,food,0.5\n")
    (folder / "one.csv").write_text(header + f"{run.record.model.name},0,0,food,0.5\n")
    return folder


@pytest.fixture
def mechamap(recorded: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mechamap:
    """The command in that folder."""
    monkeypatch.chdir(recorded)
    monkeypatch.setenv("MECHAMAP_HOME", str(recorded / "home"))
    monkeypatch.setenv("COLUMNS", "100")
    return lambda *words: _said(capsys, *words)


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory, tiny_models: Callable[..., Path]) -> Path:
    """A folder with two models: ``gpt2`` that kept its activations, ``llama`` twice, with and without them."""
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "mine.yaml").write_text(CONFIG)
    for name, model, keep in (("gpt2", "gpt2", "always"), ("llama", "llama", "always"), ("bare", "llama", "never")):
        config = folder / f"{name}.yaml"
        config.write_text(CONFIG + f"keep_activations: {keep}\n")
        words = ["scan", str(tiny_models(model)), "--config", str(config), "--out", str(folder / name)]
        assert main(words) == 0
    return folder


def test_two_runs_of_one_model_are_compared_neuron_by_neuron(mechamap: Mechamap) -> None:
    code, out, told = mechamap("compare", "a", "b")
    assert code == 0
    assert out.startswith("A a, B b: 48 neurons, the same in both\n")
    titles = (
        "What stayed",
        "Largest changes",
        "Appeared",
        "Vanished",
        "Rank agreement by ap",
        "How far every figure",
    )
    places = [out.index(title) for title in titles]
    assert places == sorted(places)
    assert "not shown: overlap, differences" in told
    assert len(out.splitlines()) <= 100


def test_no_line_is_wider_than_the_terminal(mechamap: Mechamap, monkeypatch: pytest.MonkeyPatch) -> None:
    for width in (80, 160):
        monkeypatch.setenv("COLUMNS", str(width))
        for names in (("a", "b"), ("a", "wide"), ("a", "b", "wide")):
            _, out, _ = mechamap("compare", *names)
            assert max(map(len, out.splitlines())) <= width


def test_json_holds_every_table(mechamap: Mechamap) -> None:
    _, out, _ = mechamap("compare", "a", "b", "--format", "json")
    tables = json.loads(out)["tables"]
    assert {"settings", "categories", "changes", "appeared", "vanished", "layers", "overlap", "figures"} == set(tables)
    assert [row["category"] for row in tables["categories"]["rows"]] == list(CATEGORIES)


def test_csv_holds_what_stayed_and_a_folder_every_table(mechamap: Mechamap, tmp_path: Path) -> None:
    _, out, _ = mechamap("compare", "a", "b", "--format", "csv")
    assert [row["category"] for row in _csv(out)] == list(CATEGORIES)
    assert mechamap("compare", "a", "b", "--out", f"{tmp_path}/tables/")[0] == 0
    assert {path.stem for path in (tmp_path / "tables").iterdir()} >= {"settings", "changes", "figures"}


def test_every_neuron_is_written_where_asked_for(mechamap: Mechamap) -> None:
    for words, figure in ((["--by", "reads"], "selectivity"), ([], "ap")):
        _, out, _ = mechamap("compare", "a", "b", *words, "--table", "differences", "--format", "csv")
        rows = _csv(out)
        assert len(rows) == 48
        for run in ("a", "b"):
            expected = float(Run.open(run).column(figure, "food")[5])
            assert float(rows[5][f"{figure}.food.{run}"]) == pytest.approx(expected, abs=1e-6)
    _, out, _ = mechamap("compare", "a", "b", "--table", "differences", "--all-figures", "--format", "csv")
    assert {"d.food.difference", "max.difference"} <= set(_csv(out)[0])


def test_a_limit_of_0_lists_all_changes(mechamap: Mechamap) -> None:
    _, out, _ = mechamap("compare", "a", "b", "--table", "changes", "--limit", "0", "--format", "csv")
    assert len(_csv(out)) == 48 * len(CATEGORIES) - len(PLANTED)  # which are the same in both


@pytest.mark.parametrize(
    "words",
    [
        ("--table", "changes", "--format", "csv"),
        ("--format", "csv", "--out", "{}"),
        ("--format", "json"),
        ("--format", "json", "--limit", "0"),
        ("--limit", "0"),
    ],
)
def test_no_row_is_left_out_of_what_other_programs_read(
    tmp_path_factory: pytest.TempPathFactory, tmp_path: Path, mechamap: Mechamap, words: tuple[str, ...]
) -> None:
    large = [tmp_path_factory.getbasetemp() / f"large{seed}" for seed in (0, 1)]
    for seed, folder in enumerate(large):
        if not folder.exists():
            recorded_run(folder, layers=2, width=300, seed=seed)
    _, out, _ = mechamap("compare", *map(str, large), "--by", "reads", *(word.format(tmp_path) for word in words))
    a, b = (np.load(folder / "selectivity.npy") for folder in large)
    every = np.count_nonzero(a != b)
    assert every > 1000
    if "json" in words:
        assert len(json.loads(out)["tables"]["changes"]["rows"]) == every
    elif "csv" in words:
        assert len(_csv(out or (tmp_path / "changes.csv").read_text(encoding="utf-8"))) == every
    else:
        assert len(out.split("Largest changes")[1].split("  By reads")[0].splitlines()) - 2 == every


def test_json_holds_so_many_rows_of_long_tables_that_a_large_model_can_be_read_and_says_how_many_there_are(
    mechamap: Mechamap, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("mechamap.cli.compare.MOST_JSON", 5)
    every = 48 * len(CATEGORIES) - len(PLANTED)
    for words, rows in (((), 5), (("--table", "changes"), 5), (("--limit", "0"), every), (("--limit", "7"), 7)):
        _, out, _ = mechamap("compare", "a", "b", "--format", "json", *words)
        changes = json.loads(out)["tables"]["changes"]
        assert len(changes["rows"]) == rows
        assert (f"The 5 largest of {every} differences" in changes["about"]) == (rows == 5)
    _, out, _ = mechamap("compare", "a", "b", "--format", "json", "--table", "differences")
    assert len(json.loads(out)["tables"]["differences"]["rows"]) == 48
    mechamap("compare", "a", "b", "--out", str(tmp_path / "report.json"))
    assert len(json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["tables"]["changes"]["rows"]) == 5


def test_a_csv_and_its_run_are_compared(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("compare", "a.csv", "a")
    assert code == 0
    assert "A CSV has means" in " ".join(out.split())
    assert "by mean" in out


def test_one_neuron_in_common_is_counted_as_one(mechamap: Mechamap) -> None:
    _, out, _ = mechamap("compare", "a", "one.csv", "--as", "same")
    assert out.startswith("A a, B one.csv: 1 neuron, the same in both\n")
    assert "Of the 48 neurons of a, the other run has 1, in layer 0;" in " ".join(out.split())


@pytest.mark.parametrize("others", [("experts",), ("wide",), ("b", "wide")])
def test_what_too_few_words_came_to_is_counted(recorded: Path, mechamap: Mechamap, others: tuple[str, ...]) -> None:
    recorded_run(recorded / "experts", shape=Shape(experts=4, shared=2))
    _, out, _ = mechamap("compare", "experts", *others)
    said = " ".join(out.split())
    assert "experts: 444 of 444 pairs of neuron and category are left out: fewer than 5 of the category's" in said
    assert "b: " not in said.partition("Categories by model")[0]
    _, out, _ = mechamap("compare", "experts", *others, "--by", "mean")
    assert "are left out: fewer than 5" not in " ".join(out.split())


def test_an_empty_name_of_a_text_is_not_passed_over(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("compare", "a", "b", "--text", "")
    assert code == 1
    assert "is a folder, not a text file" in out


def test_different_models_and_how_to_find_their_closest_neurons(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("compare", "a", "wide")
    assert code == 0
    assert "different models" in out.splitlines()[0]
    assert "`--match` runs both models again" in out
    assert "`--match`" not in mechamap("compare", "a", "wide", "--no-match")[1]
    assert "How deep each category lies" in out


def test_a_model_that_is_gone_leaves_the_rest_and_exit_1(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("compare", "a", "wide", "--match")
    assert code == 1
    assert "Closest neurons were not found:" in out
    assert "If the model of a has moved, name it with --model-a." in " ".join(out.split())
    assert "How deep each category lies" in out
    code, out, told = mechamap("compare", "a", "wide", "--table", "matches")
    assert (code, out) == (2, "")
    assert "Unknown table 'matches'" in told
    assert "name it with --model-a." in " ".join(told.split())
    code, out, _ = mechamap("compare", "a.csv", "a", "--match")
    assert code == 1
    assert "a.csv is a CSV, with no model behind it." in " ".join(out.split())


@pytest.mark.parametrize(
    "words",
    [
        ("--both-ways",), ("--signed",), ("--draws", "3"), ("--seed", "0"), ("--baseline", "shuffle"),
        ("--device", "cpu"), ("--model-b", "elsewhere"),
    ],
)  # fmt: skip
def test_no_flag_of_the_search_is_passed_over(mechamap: Mechamap, words: tuple[str, ...]) -> None:
    """The models of these runs are gone, and to be told so closest neurons must have been looked for."""
    code, out, _ = mechamap("compare", "a", "b", *words)
    assert code == 1
    assert "Closest neurons were not found:" in out


def test_the_report_is_made_once(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(scanned)
    made: list[int] = []

    def counted(comparison: Comparison, limit: int, closest: Closest | None) -> Report:
        made.append(limit)
        return compare_runs(comparison, limit, closest)

    monkeypatch.setattr("mechamap.compare.report.compare_runs", counted)
    assert _said(capsys, "compare", "gpt2", "llama", "--format", "json")[0] == 0
    assert made == [10_000]
    made.clear()
    assert _said(capsys, "compare", "gpt2", "llama", "--no-match", "--format", "csv", "--table", "overview")[0] == 0
    assert len(made) == 1


def test_several_runs_are_one_table(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("compare", "a", "b", "wide", "a.csv")
    assert code == 0
    assert out.startswith("4 runs\n")
    assert "Every run against the first" in out
    _, out, _ = mechamap("compare", "a", "b", "wide", "--format", "csv")
    assert len(_csv(out)) == 3 * len(CATEGORIES)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("a",), "takes two or more"),
        (("a", "nowhere"), "Unknown run 'nowhere'"),
        (("a", "b", "--by", "beauty"), "Unknown figure 'beauty'"),
        (("a", "b", "--by", "held"), "mechamap confirm"),
        (("a", "b", "--threshold", "0"), "every neuron would count"),
        (("a", "b", "--as", "twins"), "choose auto, same or different"),
        (("a", "b", "--match", "--no-match"), "contradict"),
        (("a", "b", "--words", "9", "--no-match"), "--no-match and --words contradict"),
        (("a", "b", "--no-match", "--seed", "0"), "--no-match and --seed contradict"),
        (("a", "b", "wide", "--device", "cpu"), "between two runs"),
        (("a", "two.csv"), "read one of them on the command line with --model-b m."),
        (("a", "b", "two.csv"), "  Split it into one file per model."),
        (("a", "b", "wide", "--match"), "between two runs"),
        (("a", "b", "--words", "1"), "--words is 1"),
        (("a", "b", "--draws", "0"), "--draws is 0"),
        (("a", "b", "--table", "beauty"), "differences"),
        (("a", "wide", "--table", "differences"), "--as same"),
        (("a", "wide", "--all-figures"), "--as same"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_words(mechamap: Mechamap, words: tuple[str, ...], said: str) -> None:
    code, out, told = mechamap("compare", *words)
    assert code in (1, 2)
    assert out == ""
    assert said in told


def test_runs_that_share_no_neuron_are_told_so(mechamap: Mechamap) -> None:
    shutil.copytree("a", "stopped")
    record = json.loads(Path("stopped/run.json").read_text())
    for layer in record["layers"]:
        layer["complete"] = False
    Path("stopped/run.json").write_text(json.dumps(record))
    code, _, told = mechamap("compare", "a", "stopped")
    assert code == 2
    assert "No layer of stopped is complete" in told


def test_models_that_kept_their_activations_are_matched_by_themselves(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(scanned)
    code, out, _ = _said(capsys, "compare", "gpt2", "llama", "--format", "json")
    assert code == 0
    tables = json.loads(out)["tables"]
    assert {"matches_summary", "matches", "match_layers", "universal_categories"} <= set(tables)
    one, other = tables["matches_summary"]["rows"]
    assert (one["direction"], other["direction"]) == ("A in B", "B in A")
    assert one["neurons"] == Run.open("gpt2").neurons
    assert one["mutual"] == other["mutual"]
    shares = [sum(value for key, value in row.items() if key != "layer") for row in tables["match_layers"]["rows"]]
    assert shares == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("device", ["cuda:99", "gpu"])
def test_a_device_that_is_not_there_is_refused_also_where_no_model_is_loaded(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], device: str
) -> None:
    monkeypatch.chdir(scanned)
    code, out, told = _said(capsys, "compare", "gpt2", "llama", "--device", device)
    assert (code, out) == (2, "")
    assert device in told
    assert "should not have" not in told


def test_a_model_that_kept_nothing_is_run_again_where_asked(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(scanned)
    (scanned / "other.txt").write_text("A horse and a cat ate bread on the train to Paris, and the dog an apple.")
    assert "Closest neurons" in _said(capsys, "compare", "gpt2", "bare")[1].split("`--match`")[0]
    for words in ((), ("--text", "other.txt")):
        code, out, _ = _said(capsys, "compare", "llama", "bare", "--match", *words, "--format", "json")
        assert code == 0
        summary = json.loads(out)["tables"]["matches_summary"]["rows"][0]
        assert summary["itself"] >= 0.9 * summary["varying"] > 0


def test_a_model_of_another_architecture_is_not_taken_for_a_runs_own_although_its_layers_fit(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(scanned)
    other = Run.open("gpt2").record.model.name
    code, out, _ = _said(capsys, "compare", "bare", "gpt2", "--match", "--model-a", other)
    assert code == 1
    assert "is gpt2; bare was made from llama." in " ".join(out.split())


@pytest.mark.parametrize("words", [("confirm", "bare"), ("ablate", "bare", "--neuron", "L0.N0")])
def test_nor_is_it_by_other_commands_that_take_a_model(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    monkeypatch.chdir(scanned)
    code, _, told = _said(capsys, *words, "--model", Run.open("gpt2").record.model.name)
    assert code == 1
    assert "is gpt2; bare was made from llama." in " ".join(told.split())


def test_stopping_leaves_nothing(
    scanned: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(scanned)

    def stop(*words: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mechamap.compare.closest.closest.closest_neurons", stop)
    code, out, told = _said(capsys, "compare", "gpt2", "llama", "--out", str(tmp_path / "report.json"))
    assert (code, out) == (130, "")
    assert "cancelled" in told
    assert not (tmp_path / "report.json").exists()


def _said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main([*words])
    out, err = capsys.readouterr()
    assert "Traceback" not in out + err
    return code, out, err


def _csv(text: str) -> list[dict[str, str]]:
    return [*csv.DictReader(io.StringIO(text))]
