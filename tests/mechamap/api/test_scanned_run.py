"""A run in Python: neurons, tables, frames, exports, checks; each the same as on the command line."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

import numpy as np
import pytest

import mechamap as mm
from mechamap.checks.causes.ablation import strongest
from mechamap.errors import QueryError, RunError, UsageError
from mechamap.figures.findings import finding

WORDS = {"food": ["apple", "bread", "soup", "cheese", "cake"], "animal": ["dog", "cat", "cow", "pig", "wolf"]}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> mm.ScannedRun:
    folder = tmp_path_factory.mktemp("api") / "demo-run"
    return mm.scan("demo", categories=WORDS, out=folder, second_text="never", progress=False)


def test_the_best_neurons_of_a_category_are_those_of_the_figure(run: mm.ScannedRun) -> None:
    top = run.top("food", 5)
    ap = run.data.column("ap", "food")
    best = np.argsort(-ap, kind="stable")[:5]
    assert top["neuron"] == run.data.neuron_names(best)
    assert len(top) == 5 and len(top.frame()) == 5
    with pytest.raises(UsageError, match="fod"):
        run.top("fod")


def test_a_neuron_is_found_by_name_and_by_place(run: mm.ScannedRun) -> None:
    neuron = run["L2.N7"]
    assert (neuron.name, neuron.layer, neuron.index, neuron.expert) == ("L2.N7", 2, 7, None)
    assert run[2, 7].row == neuron.row
    assert neuron.transformer_lens == ("blocks.2.mlp.hook_post", 7)
    with pytest.raises(UsageError, match="Layer 9"):
        run["L9.N0"]


def test_a_neurons_figures_are_those_of_the_run(run: mm.ScannedRun) -> None:
    neuron = run["L2.N7"]
    table = neuron.figures
    assert table["category"] == ["food", "animal"]
    assert table["selectivity"] == pytest.approx(run.data.figure("selectivity")[neuron.row].tolist())
    assert neuron.value("max") == run.data.figure("max")[neuron.row]
    assert neuron.finding("food").reads == finding(run.data, neuron.row, "food").reads
    with pytest.raises(RunError, match="no figure"):
        neuron.value("maximum")


def test_tokens_stand_in_their_text(run: mm.ScannedRun) -> None:
    tokens = run["L2.N7"].tokens
    hits = run.data.top_tokens(run["L2.N7"].row)
    assert tokens["token"][: len(hits)] == [hit.piece for hit in hits]
    before, token, after = (tokens[column][0] for column in ("before", "token", "after"))
    assert f"{before}{token}{after}".strip() in " ".join(run.config.texts)


def test_a_wide_frame_has_the_columns_and_values_of_the_export(run: mm.ScannedRun, tmp_path: Path) -> None:
    frame = run.frame("reads.food > .3", wide=True, sort="-reads.food")
    done = run.export(tmp_path / "wide.csv", wide=True, where="reads.food > .3", sort="-reads.food")
    assert done.rows == len(frame) > 3
    with (tmp_path / "wide.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert set(rows[0]) <= {*frame.columns}
    assert [row["name"] for row in rows] == frame["name"].tolist() == frame.index.tolist()
    for column in ("selectivity.food", "ap.animal", "max"):
        assert frame[column].tolist() == pytest.approx([float(row[column]) for row in rows], rel=1e-4)


def test_a_long_frame_is_the_original_layout(run: mm.ScannedRun, tmp_path: Path) -> None:
    frame = run.frame(limit=200, threshold=0.5)
    run.export(tmp_path / "long.csv", limit=200, threshold=0.5)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "long.csv").read_text(encoding="utf-8"))))
    assert frame.columns.tolist() == [*rows[0]]
    assert frame["category"].fillna("").tolist() == [row["category"] for row in rows]
    means = [math.nan if row["avg_activation"] == "" else float(row["avg_activation"]) for row in rows]
    assert frame["avg_activation"].tolist() == pytest.approx(means, nan_ok=True)


def test_a_filter_that_cannot_be_understood_says_where(run: mm.ScannedRun) -> None:
    with pytest.raises(QueryError, match="character"):
        run.frame("reads.food >")


def test_reports_are_tables_by_key(run: mm.ScannedRun) -> None:
    report = run.interpret(top=2)
    assert "categories" in report.tables
    assert report["categories"]["category"] == ["food", "animal"]
    with pytest.raises(UsageError, match="Unknown table"):
        report["catgories"]
    compared = run.compare(mm.open(str(run.path)))
    assert compared["settings"].columns
    with pytest.raises(KeyError, match="the columns are"):
        report["categories"]["nothing"]


def test_closest_neurons_of_a_run_and_itself_are_themselves(run: mm.ScannedRun) -> None:
    report = run.compare(mm.open(str(run.path)), match=True, words=40, relation="different", baseline="none")
    matches = report["matches"]
    assert len(matches) > 100
    same = [one == other for one, other in zip(matches["neuron"], matches["closest"], strict=True)]
    assert sum(same) > len(same) / 2
    with pytest.raises(UsageError, match="takes two or more"):
        run.compare()
    with pytest.raises(UsageError, match="those of two runs"):
        run.compare(run, run, match=True)


def test_tables_print_in_words_of_python_and_escape_html(run: mm.ScannedRun) -> None:
    text = repr(run.top("food", 2))
    assert text.startswith("Strongest neurons of food") and "run.confirm()" in text and "mechamap confirm" not in text
    html = run["L2.N7"]._repr_html_()
    assert html.count("<table>") == html.count("</table>") == 2
    hostile = mm.DisplayedTable(_table("<script>\x1b[31m"))._repr_html_()
    assert "<script>" not in hostile and "\x1b" not in hostile and "&lt;script&gt;" in hostile


def _table(text: str) -> object:
    from mechamap.tables.table import Column, Table

    return Table("hostile", text, (Column("a", text),), ((text,),), about=text)


def test_checks_are_kept_in_the_run_and_the_model_can_be_given_back(run: mm.ScannedRun) -> None:
    copy = mm.open(str(run.path), progress=False)
    ablated = copy["L2.N7"].ablate(controls=2)
    assert set(ablated["neuron"]) == {"L2.N7"} and set(ablated["category"]) <= set(copy.categories)
    assert copy.data.has("cause_measured")
    lens = copy["L2.N7"].lens(3)
    assert len(lens.promoted) == len(lens.suppressed) == 3
    loaded = copy.model()
    copy.release()
    assert copy.model() is not loaded
    assert copy.confirm(permutations=20).data.has("p")
    assert mm.open(str(run.path)).data.has("p")
    before = copy.data.figure("p").copy()
    looked = copy.confirm(
        text={"a story": "The dog ate bread and soup. A cat had cheese, a cow an apple."}, candidates=2
    )
    assert looked.data.record.second_looks[-1].text == "a story" and (looked.data.figure("p") == before).all()
    with pytest.raises(UsageError, match="Unknown way 'wieghts'"):
        copy.confirm(randomize=["wieghts"])


def test_without_names_the_neurons_that_a_category_needs_most_are_ablated(run: mm.ScannedRun) -> None:
    ablated = mm.open(str(run.path), progress=False).ablate(category="food", top=1, controls=1)
    again = mm.open(str(run.path))
    assert again.data.has("cause") and len(set(ablated["neuron"])) == 1
    assert strongest(again.data, "food", 1) == [again[ablated["neuron"][0]].row]
    with pytest.raises(UsageError, match="each choose what is ablated"):
        run.ablate(["L2.N7"], category="food")


def test_a_csv_opens_and_says_that_it_has_no_model(run: mm.ScannedRun, tmp_path: Path) -> None:
    run.export(tmp_path / "run.csv")
    opened = mm.open(tmp_path / "run.csv")
    assert opened.top("food", 2)["neuron"]
    with pytest.raises(RunError, match="no model behind it"):
        opened.model()
