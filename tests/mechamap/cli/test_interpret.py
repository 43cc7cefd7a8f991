"""``mechamap interpret`` as it is typed: what comes out where, what is refused, and what has to be known beside it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.recorded_run import CATEGORIES, checked_run, recorded_run

from mechamap.cli.main import main
from mechamap.interpret.report import interpret_run
from mechamap.interpret.tables import TABLES
from mechamap.runs.run import Run

Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Typed:
    """``mechamap interpret`` with these words: code, stdout, stderr."""
    monkeypatch.setenv("COLUMNS", "100")

    def typed(*words: str | Path) -> tuple[int, str, str]:
        code = main(["interpret", *map(str, words)])
        out, err = capsys.readouterr()
        return code, out, err

    return typed


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = checked_run(tmp_path_factory.mktemp("checked") / "run").path
    assert path is not None
    return path


def test_a_run_in_a_page_of_a_terminal(typed: Typed, run: Path) -> None:
    code, out, err = typed(run)
    assert code == 0
    assert out.startswith("run: neurons of tiny by strength\n")
    for said in (
        "judged by               strength at or above 0.5",
        "count for any category  3",
        "Neurons of each category",
        "L1.N7",
        "dropped",
        "Up and down: reads on both sides",
        "Most specialised neurons",
    ):
        assert said in out
    assert "Correlation between categories" not in out
    assert "not shown: depth, specialisation, several, combinations, correlation" in err
    assert max(map(len, out.splitlines())) <= 100


def test_flags_of_their_own_show_more(typed: Typed, run: Path) -> None:
    plain = typed(run, "--threshold", "0.3")[1]
    for flag in ("--multi-category", "--multi_category"):
        _, out, _ = typed(run, "--threshold", "0.3", flag)
        assert "Neurons of several categories\n" in out
        assert "Categories that share neurons\n" in out
        assert out.startswith(plain)
    assert "Correlation between categories\n" in typed(run, "--correlation")[1]


def test_json_holds_everything(typed: Typed, run: Path) -> None:
    code, out, err = typed(run, "--format", "json")
    report = json.loads(out)
    assert (code, err) == (0, "")
    assert list(report["tables"]) == list(TABLES)
    confirmed = {row["category"]: row["confirmed"] for row in report["tables"]["categories"]["rows"]}
    assert confirmed == {"animal": 0, "food": 1, "color": 1}


@pytest.mark.parametrize(
    ("words", "first"),
    [
        ([], "category"),
        (["--multi-category"], "neuron"),
        (["--correlation"], "category"),
        (["--table", "layers", "--correlation"], "layer"),
    ],
)
def test_csv_is_one_table_for_pandas(typed: Typed, run: Path, words: list[str], first: str) -> None:
    code, out, _ = typed(run, "--format", "csv", "--by", "reads", "--threshold", "0.3", *words)
    table = pd.read_csv(io.StringIO(out))
    assert code == 0
    assert table.columns[0] == first
    assert len(table) > 2
    if words == ["--correlation"]:
        assert list(table.columns[1:]) == list(CATEGORIES)
        assert np.diag(table.set_index("category")).tolist() == [1, 1, 1]


def test_a_csv_is_interpreted_and_says_what_it_cannot_know(typed: Typed, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "neurons.csv"
    assert main(["export", str(run), "--out", str(file), "--threshold", "0.1"]) == 0
    code, out, err = typed(file, "--multi-category", "--correlation")
    assert code == 0
    assert "A CSV lists means at or above the threshold it was written with" in out
    assert "listed under both" in " ".join(out.split())
    assert "signs" not in err
    code, out, _ = typed(file, "--threshold", "0.05", "--format", "csv")
    assert code == 0
    listed = pd.read_csv(file).groupby("category")["avg_activation"].count()
    assert pd.read_csv(io.StringIO(out)).set_index("category")["neurons"].to_dict() == listed.to_dict()
    assert "are missing, so counts are too low" in typed(file, "--threshold", "0.05")[1].replace("\n      ", " ")
    assert "are missing" not in typed(file, "--threshold", "0.5")[1]


def test_a_csv_written_with_a_higher_threshold_does_not_pass_for_one_with_the_usual(
    typed: Typed, demo_run: Run, tmp_path: Path
) -> None:
    said = "so it was probably written with a threshold above {}: then neurons from there to"

    def told(*words: str | Path) -> str:
        return typed(*words, "--table", "categories")[1].replace("\n      ", " ")

    for threshold in ("0.2", "0.5"):
        file = tmp_path / f"{threshold}.csv"
        assert main(["export", str(demo_run.path), "--out", str(file), "--threshold", threshold]) == 0
        assert (said.format("0.2") in told(file)) is (threshold == "0.5")
    assert said.format("0.3") in told(file, "--threshold", "0.3")
    assert "are missing" not in told(file, "--threshold", "0.5")


def test_a_wide_csv_is_interpreted_as_the_run_is(typed: Typed, run: Path, tmp_path: Path) -> None:
    file = tmp_path / "wide.csv"
    assert main(["export", str(run), "--wide", "--out", str(file)]) == 0
    whole, read = (json.loads(typed(source, "--format", "json", "--threshold", "0.3")[1]) for source in (run, file))
    assert not any("lists means at or above" in remark for remark in read["remarks"])
    for key in ("layers", "depth", "combinations", "dead", "correlation_neurons"):
        assert read["tables"][key]["rows"] == whole["tables"][key]["rows"]
    for one, other in zip(*(its["tables"]["specialisation"]["rows"] for its in (read, whole)), strict=True):
        assert one == pytest.approx(other, abs=1e-5)  # the file has six digits


def test_a_csv_of_experts_may_leave_open_over_how_many_tokens_a_neuron_was_scored(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "experts.csv"
    header = "model,layer,neuron,category,avg_activation,top_tokens,name,tokens\n"
    file.write_text(f"{header}m,0,0,food,0.5,[],L0.E0.N0,\nm,0,1,food,0.4,[],L0.E0.N1,7\n")
    code, out, _ = typed(file, "--table", "top", "--format", "json")
    assert code == 0
    assert [row["routed"] for row in json.loads(out)["tables"]["top"]["rows"]] == [None, 7]


def test_of_a_csv_with_several_models_one_is_named(typed: Typed, tmp_path: Path) -> None:
    rows = [f'{model},{layer},{n},food,0.{n + 3},"[]"' for model in "ab" for layer in range(2) for n in range(4)]
    file = tmp_path / "two.csv"
    file.write_text("\n".join(["model,layer,neuron,category,avg_activation,top_tokens", *rows]))
    code, _, err = typed(file)
    assert code == 1
    assert "--model" in err
    code, out, _ = typed(file, "--model", "b")
    assert code == 0
    assert out.startswith("two.csv: neurons of b by mean\n")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "nan"], "must be a number"),
        (["--threshold=-inf"], "must be a number"),
        (["--by", "reads", "--threshold", "-0.5"], "every neuron would count"),
        (["--threshold", "0"], "every neuron would count"),
        (["--by", "reads", "--threshold", "0"], "Give one above 0"),
        (["--threshold", "2"], "must be between 0 and 1"),
        (["--by", "auroc", "--threshold", "0.5"], "Give one above 0.5"),
        (["--by", "p", "--threshold", "-1"], "must be between 0 and 1"),
        (["--by", "size"], "Unknown figure 'size'"),
        (["--by", "ap", "--threshold", "-0.1"], "must be between 0 and 1"),
        (["--top", "0"], "must be at least 1"),
        (["--table", "laiers"], "Did you mean layers?"),
        (["--by", "mean", "--table", "dead", "--table", "specialists", "--format", "csv"], "A CSV holds one table"),
        (["--limit", "-2"], "--limit is -2"),
        (["--correlations"], "Did you mean --correlation?"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(typed: Typed, run: Path, words: list[str], said: str) -> None:
    code, out, err = typed(run, *words)
    assert (code, out) == (2, "")
    assert said in err
    assert "Traceback" not in err


def test_a_table_that_a_run_has_nothing_for_says_why(typed: Typed, run: Path, tmp_path: Path) -> None:
    code, _, err = typed(run, "--by", "p", "--table", "specialisation")
    assert code == 2
    assert "not a strength that can be added up" in err
    main(["export", str(run), "--out", str(tmp_path / "n.csv")])
    assert "does not say which neurons are dead" in typed(tmp_path / "n.csv", "--table", "dead")[2]


def test_a_figure_that_was_not_worked_out_says_how_it_is(typed: Typed, tmp_path: Path) -> None:
    code, _, err = typed(str(recorded_run(tmp_path / "new").path), "--by", "p")
    assert code == 2
    assert "`mechamap confirm RUN` works it out" in err


def test_what_is_no_run_exits_1(typed: Typed, tmp_path: Path) -> None:
    code, out, err = typed(tmp_path / "nothing")
    assert (code, out) == (1, "")
    assert "error: The run cannot be opened" in err
    empty = recorded_run(tmp_path / "empty", complete=0).path
    code, _, err = typed(str(empty))
    assert code == 1
    assert "No layer of empty is complete yet" in err


def test_a_running_scan_is_interpreted_as_far_as_it_is(typed: Typed, tmp_path: Path) -> None:
    path = recorded_run(tmp_path / "half", complete=1).path
    code, out, _ = typed(str(path))
    assert code == 0
    assert "note: 1 of 3 layers are complete (scan cancelled)" in out
    assert "L0.N3" in out
    assert "L1.N7" not in out


def test_files_are_refused_before_anything_is_read(typed: Typed, tmp_path: Path) -> None:
    (tmp_path / "there.md").write_text("mine")
    code, _, err = typed(tmp_path / "no-such-run", "--out", tmp_path / "there.md")
    assert code == 1
    assert "already exists" in err


def test_a_limit_cuts_no_matrix_and_no_fact_for_programs_either(typed: Typed, run: Path, tmp_path: Path) -> None:
    words = ("--by", "reads", "--threshold", "0.3", "--format")
    report, cut = (json.loads(typed(run, *words, "json", *more)[1])["tables"] for more in ((), ("--limit", "2")))
    folder = tmp_path / "tables"
    assert typed(run, *words, "csv", "--limit", "2", "--out", f"{folder}/")[0] == 0
    for key in ("info", "categories", "layers", "correlation"):
        assert cut[key]["rows"] == report[key]["rows"]
        assert len(pd.read_csv(folder / f"{key}.csv")) == len(report[key]["rows"])
    assert len(report["several"]["rows"]) > len(cut["several"]["rows"]) == len(pd.read_csv(folder / "several.csv")) == 2


def test_a_folder_gets_every_table(typed: Typed, run: Path, tmp_path: Path) -> None:
    code, out, err = typed(run, "--out", f"{tmp_path}/all/")
    assert (code, out) == (0, "")
    assert sorted(file.stem for file in (tmp_path / "all").iterdir()) == sorted(TABLES)
    assert "13 tables" in err


# --- remarks ---


def test_a_threshold_that_nobody_reaches_names_the_strongest(typed: Typed, run: Path) -> None:
    for words, reaches, of_some in (
        (["--by", "reads"], "reads at or above 0.99, or at or below -0.99", "0.96"),
        ([], "strength at or above 0.99", "0.86"),
    ):
        _, out, _ = typed(run, *words, "--threshold", "0.99")
        assert f"No neuron counts ({reaches}): the strongest is L1.N7" in " ".join(out.split())
        _, out, _ = typed(run, *words, "--threshold", of_some)
        assert "No neuron counts for animal." in out


def test_a_neuron_that_is_always_on_is_told(typed: Typed, tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    assert run.path is not None
    means = np.array(run.figure("mean"))
    means[run.row_of("L2.N5")] = 50
    np.save(run.path / "mean.npy", means)
    out = " ".join(typed(run.path, "--by", "mean")[1].split())
    assert "L2.N5 is the strongest for 3 of 3 categories" in out
    assert "try --by reads" in out
    assert "try --by" not in typed(run.path)[1]


def test_opening_and_interpreting_loads_no_torch(run: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from mechamap.cli.main import main; main(sys.argv[1:]);"
        "print([m for m in ('torch', 'transformers', 'textual', 'mechamap_tui') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "interpret", str(run)], capture_output=True, text=True, check=True
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_category_of_which_the_text_has_hardly_a_word_is_named(typed: Typed, tmp_path: Path) -> None:
    text = tmp_path / "short.txt"
    text.write_text("A dog and a cat, a lion and a giraffe, a horse and a wolf came to Paris.")
    run = tmp_path / "run"
    assert main(["scan", "demo", "--text", str(text), "--out", str(run), "--no-second-text"]) == 0
    said = "The text has fewer than 5 words of location (1): for these, neurons reach any value of {} by chance."
    out = typed(run, "--format", "json")[1]
    assert said.format("ap") in json.loads(out[out.index("{") :])["remarks"]
    assert "Fewer than 5" not in typed(run, "--by", "mean")[1]


def test_a_run_without_categories_says_so(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    empty = np.zeros((run.neurons, 0), np.float32)
    none = Run(replace(run.record, categories=()), {"ap": empty, "selectivity": empty}, run.path)
    report = interpret_run(none)
    assert any("has no categories" in remark for remark in report.remarks)
    table = report.table("categories")
    assert table is not None
    assert table.rows == ()
