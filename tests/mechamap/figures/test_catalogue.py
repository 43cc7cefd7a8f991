"""How figures are judged: the same neurons by array and by filter, on either side, and where nothing can be judged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import CATEGORIES, Shape, checked_run, recorded_run

from mechamap.csv_files.run import read_csv
from mechamap.errors import QueryError, RunError, UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.catalogue import FEW_OCCURRENCES, FIGURES, figure_names, judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, figures_of, judged_figure
from mechamap.figures.values import category_values
from mechamap.interpret.report import interpret_run
from mechamap.query.evaluate import matching, sorted_rows
from mechamap.query.filters import counting_filter, known_filter
from mechamap.runs.figure_names import (
    CATEGORY_FIGURES,
    CONTEXT_FIGURES,
    CORPUS_CATEGORY_FIGURES,
    CORPUS_FIGURES,
    CORPUS_NEURON_FIGURES,
    CORPUS_TABLES,
    LATER_FIGURES,
    NEURON_FIGURES,
    ROUTED_FIGURES,
    TOKEN_FIGURES,
)
from mechamap.runs.run import Run
from mechamap_tui.browse.table.columns import category_columns
from mechamap_tui.data.figures import detail_figures
from scripts import write_cli_docs, write_figure_docs


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return checked_run(tmp_path / "run")


@pytest.mark.parametrize("name", [*judged_figures()])
@pytest.mark.parametrize("threshold", [None, 0.0, 0.3, 0.7])
def test_a_filter_means_the_neurons_that_an_array_counts(run: Run, name: str, threshold: float | None) -> None:
    kind = judged_figure(run, name)
    limit = kind.threshold(run) if threshold is None else threshold
    values = category_values(run, kind.name)
    for at, category in enumerate(run.categories):
        by_filter = matching(run, counting_filter(kind, run, category, limit))
        assert (by_filter == kind.holds(values[:, at], limit)).all()
        assert (kind.positive(values, limit) | kind.negative(values, limit) == kind.holds(values, limit)).all()


def test_every_figure_kind_is_met_in_the_run_that_was_checked(run: Run) -> None:
    assert {kind.name for kind in figures_of(run)} == set(judged_figures())


def test_a_value_stored_with_fewer_digits_is_at_its_own_threshold(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    means = np.full((run.neurons, 3), 0.7, np.float32)  # 0.699999988 as a float64
    it = Run(run.record, {"mean": means}, run.path)
    kind = judged_figure(it, "mean")
    assert kind.holds(category_values(it, "mean"), 0.7).all()
    assert matching(it, "mean.food >= 0.7").all()
    assert matching(it, "0.7 <= mean.food <= 0.7").all()
    assert matching(it, "mean.food == 0.7").all()
    assert not matching(it, "mean.food > 0.7").any()


def test_both_sides_count_where_far_below_the_centre_says_as_much(run: Run) -> None:
    auroc, reads, mean = (judged_figures()[name] for name in ("auroc", "selectivity", "mean"))
    assert auroc.holds(np.array([0.03, 0.05, 0.06, 0.95, 0.5], np.float32), 0.95).tolist() == [1, 1, 0, 1, 0]
    assert reads.negative(np.array([-0.95, 0.95], np.float32), 0.9).tolist() == [True, False]
    assert mean.holds(np.array([-5.0, 5.0], np.float32), 0.2).tolist() == [False, True]
    np.testing.assert_allclose(auroc.strength(np.array([0.1, 0.6, np.nan], np.float32)), [0.4, 0.1, np.nan], atol=1e-6)


def test_a_small_p_is_a_strong_one(run: Run) -> None:
    kind = judged_figure(run, "p")
    values = np.array([0.005, 0.05, 0.2, np.nan], np.float32)
    assert kind.holds(values, 0.05).tolist() == [True, True, False, False]
    assert np.nanargmax(kind.strength(values)) == 0


def test_an_expert_that_few_words_came_to_is_not_judged(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", shape=Shape(experts=4, shared=2))
    few = run.figure("occurrences") < FEW_OCCURRENCES
    assert few.any()
    assert np.isnan(category_values(run, "selectivity")[few]).all()
    assert not np.isnan(category_values(run, "mean")[few]).any()
    kind = judged_figure(run, "reads")
    for at, category in enumerate(CATEGORIES):
        counted = kind.holds(category_values(run, "selectivity")[:, at], 0.1)
        assert (matching(run, counting_filter(kind, run, category, 0.1)) == counted).all()


def test_layers_that_are_not_scanned_yet_are_not_judged(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run", complete=2)
    values = category_values(run, "selectivity")
    assert np.isnan(values[run.layers[2].rows]).all()
    assert not np.isnan(values[run.layers[1].rows]).any()


def test_judging_leaves_the_run_as_it_is(run: Run) -> None:
    before = run.figure("selectivity").copy()
    category_values(run, "selectivity")[:] = 0
    assert (run.figure("selectivity") == before).all()


@pytest.mark.parametrize("category", ["proper noun", 'so "called"', "x.y", "back\\slash", "naïve", "a>=b"])
def test_any_name_of_a_category_can_stand_in_a_filter(tmp_path: Path, category: str) -> None:
    run = recorded_run(tmp_path / "run")
    it = Run(replace(run.record, categories=("animal", category, "color")), path=run.path)
    kind = judged_figure(it, "reads")
    found = matching(it, counting_filter(kind, it, category, 0.3))
    assert (found == kind.holds(category_values(it, "selectivity")[:, 1], 0.3)).all()
    assert found.any()


def test_a_figure_that_is_not_there_is_refused_with_what_there_is(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    with pytest.raises(UsageError, match="Unknown figure 'selectvity'") as unknown:
        judged_figure(run, "selectvity")
    assert "reads" in str(unknown.value.hint)
    with pytest.raises(UsageError, match="has no figure held") as absent:
        judged_figure(run, "held")
    assert "mechamap confirm" in str(absent.value.hint)
    it = Run(replace(run.record, undefined={"write": "An encoder predicts nothing."}), path=run.path)
    with pytest.raises(UsageError, match="writes is not defined") as undefined:
        judged_figure(it, "writes")
    assert undefined.value.hint == "An encoder predicts nothing."
    assert "write" not in {kind.name for kind in figures_of(it)}


def test_each_kind_of_run_has_a_figure_that_neurons_are_listed_by(run: Run, tmp_path: Path) -> None:
    def lacking(*names: str) -> Run:
        return Run(replace(run.record, figures=tuple(name for name in run.record.figures if name not in names)))

    scanned = recorded_run(tmp_path / "scanned")
    files = {layout: tmp_path / f"{layout}.csv" for layout in ("long", "wide")}
    for layout, file in files.items():
        export_run(run, file, ExportRequest("csv", wide=layout == "wide"))
    export_run(scanned, tmp_path / "unconfirmed.csv", ExportRequest("csv", wide=True))
    kinds = (
        ("confirmed", run, "strength"),
        ("scanned", scanned, "ap"),
        ("confirmed by an earlier version", lacking("strength"), "ap"),
        ("of a version without average precision", lacking("strength", "ap"), "selectivity"),
        ("of experts", recorded_run(tmp_path / "experts", shape=Shape(experts=4, shared=2)), "ap"),
        ("of two sides", recorded_run(tmp_path / "sides", shape=Shape(encoders=1)), "ap"),
        ("a long CSV", read_csv(files["long"]), "mean"),
        ("a wide CSV of a confirmed run", read_csv(files["wide"]), "strength"),
        ("a wide CSV of a scan", read_csv(tmp_path / "unconfirmed.csv"), "ap"),
        ("no layer yet", recorded_run(tmp_path / "begun", complete=0), "ap"),
    )
    for name, kind_of_run, figure in kinds:
        assert default_figure(kind_of_run) == figure, name
    assert default_figure(run, scanned) == "ap"
    assert default_figure(run, lacking("strength", "ap")) == "selectivity"
    assert default_figure(scanned, read_csv(files["long"])) == "mean"
    assert {judged_figures()[name].threshold(run) for name in ("strength", "ap")} == {0.5}
    assert judged_figures()["mean"].threshold(run) == 0.2


def test_layers_that_were_scanned_after_a_confirmation_are_listed_too(run: Run) -> None:
    strength = np.array(run.figure("strength"))
    strength[run.layers[2].rows] = np.nan
    resumed = Run(run.record, {"strength": strength}, run.path)
    assert default_figure(resumed) == "ap"
    begun = tuple(replace(layer, complete=layer.layer != 2) for layer in run.layers)
    assert default_figure(Run(replace(run.record, layers=begun), {"strength": strength}, run.path)) == "strength"


@pytest.mark.parametrize("name", [*judged_figures()])
def test_a_filter_tells_the_neurons_that_have_a_value(run: Run, name: str) -> None:
    kind = judged_figure(run, name)
    values = category_values(run, kind.name)
    for at, category in enumerate(run.categories):
        assert (matching(run, known_filter(kind, run, category)) == ~np.isnan(values[:, at])).all()


# --- one row each ---


def test_the_format_of_a_run_and_the_catalogue_name_the_same_figures() -> None:
    scanned = {*CATEGORY_FIGURES, *NEURON_FIGURES, *TOKEN_FIGURES}
    lists = {*CONTEXT_FIGURES, *CORPUS_TABLES}
    assert set(FIGURES) == {*scanned, *LATER_FIGURES, *ROUTED_FIGURES, *CORPUS_FIGURES, *lists}
    assert {name for name in FIGURES if FIGURES[name].made_by == "scan"} == scanned
    assert set(figure_names("category", "neuron", made_by="experts")) == set(ROUTED_FIGURES)
    assert set(figure_names("category", "neuron", made_by="corpus")) == set(CORPUS_FIGURES)
    assert set(figure_names("category")) == {
        *CATEGORY_FIGURES, *LATER_FIGURES, *CORPUS_CATEGORY_FIGURES, "occurrences"
    }  # fmt: skip
    assert set(figure_names("neuron")) == {*NEURON_FIGURES, *CORPUS_NEURON_FIGURES, "tokens"}
    assert set(figure_names("tokens")) == set(TOKEN_FIGURES)
    assert set(figure_names("list")) == lists


def test_a_figure_has_its_names_alone() -> None:
    names = [name for figure in FIGURES.values() for name in {figure.name, figure.label, *figure.aliases}]
    assert len(names) == len(set(names))


def test_a_row_more_is_a_figure_everywhere(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = JudgedFigure(
        name="novelty", aliases=("new",), about="a made-up figure", usual=0.8, written="probability", in_table=True,
        in_detail=True,
    )  # fmt: skip
    monkeypatch.setitem(FIGURES, "novelty", made_up)
    values = np.zeros((run.neurons, len(run.categories)), np.float32)
    values[run.row_of("L2.N3"), 0] = 0.9
    arrays = {name: run.figure(name) for name in run.record.figures} | {"novelty": values}
    wider = Run(replace(run.record, figures=(*run.record.figures, "novelty")), arrays, run.path)
    category = run.categories[0]

    assert matching(wider, f"new.{category} > 0.8").sum() == matching(wider, f"novelty.{category} > 0.8").sum() == 1
    assert wider.neuron_name(int(sorted_rows(wider, f"-new.{category}")[0])) == wider.neuron_name(run.row_of("L2.N3"))
    top = interpret_run(wider, "new").table("top")
    assert top is not None
    assert [row for row in top.rows if category in row and "L2.N3" in row]
    assert "new" in [column.title for column in top.columns]
    export_run(wider, tmp_path / "wide.csv", ExportRequest("csv", wide=True))
    assert f"novelty.{category}" in (tmp_path / "wide.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
    again = read_csv(tmp_path / "wide.csv")
    assert again.column("novelty", category)[again.row_of("L2.N3")] == pytest.approx(0.9)
    assert "new" in [column.key for column in category_columns(wider, category)]
    assert "new" in [figure.label for figure in detail_figures()]
    assert ", hard, new (default: " in write_cli_docs.text()
    assert "| `novelty`, `new` | a made-up figure |" in write_figure_docs.text()


def test_the_figures_of_a_corpus_can_be_filtered_sorted_and_exported(run: Run, tmp_path: Path) -> None:
    read = recorded_run(tmp_path / "corpus", shape=Shape(corpus=True))
    errors, skew = np.asarray(read.column("ap_se", "food")), np.asarray(read.figure("skew"))
    assert (matching(read, "ap_se.food < 0.1 and skew > 0") == ((errors < 0.1) & (skew > 0))).all()
    assert sorted_rows(read, "-kurtosis")[0] == np.argmax(read.figure("kurtosis"))
    assert sorted_rows(read, "auroc_se.color")[0] == np.argmin(read.column("auroc_se", "color"))
    export_run(read, tmp_path / "wide.csv", ExportRequest("csv", wide=True))
    again = read_csv(tmp_path / "wide.csv")
    for name in CORPUS_FIGURES:
        np.testing.assert_allclose(again.figure(name), read.figure(name), rtol=1e-4)
    with pytest.raises(QueryError, match="this run has no ap_se") as absent:
        matching(run, "ap_se.food < 0.1")
    assert "Only scans over a corpus" in str(absent.value.hint)


@pytest.mark.parametrize(("name", "shape"), [("ap_se", (48,)), ("ap_se", (48, 2)), ("skew", (48, 3)), ("skew", (47,))])
def test_a_figure_of_a_corpus_that_is_not_of_the_size_of_the_run_is_refused(
    tmp_path: Path, name: str, shape: tuple[int, ...]
) -> None:
    folder = tmp_path / "corpus"
    recorded_run(folder, shape=Shape(corpus=True))
    np.save(folder / f"{name}.npy", np.zeros(shape, np.float32))
    with pytest.raises(RunError, match=f"{name}.npy has "):
        Run.open(folder).figure(name)


def test_the_page_about_the_figures_is_not_stale() -> None:
    assert write_figure_docs.FILE.read_text(encoding="utf-8") == write_figure_docs.text(), "run: make docs"
