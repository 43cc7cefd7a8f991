"""Frequency tables: every count is that of the filter beside it, whatever is counted by."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import Shape, checked_run, recorded_run

import mechamap as mm
from mechamap.counts.frequency import count_neurons
from mechamap.csv_files.run import read_csv
from mechamap.errors import MechaMapError, QueryError, UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.strongest import strongest_category
from mechamap.query.evaluate import chosen_rows, matching
from mechamap.runs.run import Run

BY_ANY = (
    "layer",
    "neuron",
    "best",
    "first_token",
    "reads.food",
    "-reads.food",
    "ap.animal",
    "max",
    "abs(reads.food) - 0.5",
    "mean_all / std_all",
    "dead",
    "food > 0.2 or animal > 0.2",
    "not layer == 1",
    '"apple"',
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def runs(run: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("runs")
    return {
        "plain": run,
        "checked": checked_run(folder / "checked"),
        "unfinished": recorded_run(folder / "unfinished", complete=2),
        "experts": recorded_run(folder / "experts", shape=Shape(experts=3, shared=2)),
        "corpus": recorded_run(folder / "corpus", shape=Shape(corpus=True)),
    }


def counts_hold(run: Run, by: str, where: str | None = None, **settings: object) -> None:
    """Each row has as many neurons as its filter keeps, and no neuron is in no row or in two."""
    table = count_neurons(run, by, where=where, **settings).table("counts")  # type: ignore[arg-type]
    assert table is not None
    keys = [column.key for column in table.columns]
    total = 0
    for row in table.rows:
        cells = dict(zip(keys, row, strict=True))
        count, condition = cells["neurons"], cells["where"]
        assert isinstance(count, int) and count > 0
        assert isinstance(condition, str) and condition, cells
        assert len(chosen_rows(run, condition)) == count, condition
        total += count
    assert total == len(chosen_rows(run, where))


@pytest.mark.parametrize("kind", ["plain", "checked", "unfinished", "experts", "corpus"])
def test_each_count_is_that_of_the_filter_beside_it(runs: dict[str, Run], kind: str) -> None:
    more = {
        "plain": (),
        "checked": ("p.food", "confirmed.food", "causes.food", "held.animal", "specific.color"),
        "unfinished": (),
        "experts": ("expert", "tokens", "occurrences.food"),
        "corpus": ("skew", "second_held.food") if runs[kind].has("second_held") else ("skew",),
    }[kind]
    for by in (*BY_ANY, *more):
        counts_hold(runs[kind], by)


@pytest.mark.parametrize("by", ["layer, best", "best, reads.food", "first_token, layer", "layer, layer", "max, min"])
def test_each_pair_is_counted_by_the_filter_beside_it(runs: dict[str, Run], by: str) -> None:
    for kind in ("plain", "experts", "unfinished"):
        counts_hold(runs[kind], by)
        counts_hold(runs[kind], by, "reads.food > 0 or layer == 1")


@pytest.mark.parametrize("cut", ["round", "quantile"])
@pytest.mark.parametrize("bins", [2, 7, 60])
def test_however_numbers_are_cut(run: Run, bins: int, cut: str) -> None:
    for by in ("reads.food", "max", "neuron", "layer"):
        counts_hold(run, by, bins=bins, cut=cut)


def test_a_value_on_an_edge_is_counted_where_the_filter_has_it(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    edges = np.array([-0.6, -0.2, -0.1, 0.1, 0.2, 0.3, 0.7, 0.9], np.float32)
    values = np.array(run.figure("selectivity"))
    values[:, 0] = np.resize(edges, len(values))  # stored as float32, where 0.7 is not what Python has
    run._arrays["selectivity"] = values
    counts_hold(run, "reads.animal", bins=20)
    assert len(chosen_rows(run, "reads.animal == -0.1")) == len(values) // len(edges)


def test_a_csv_is_counted_by_what_it_has(run: Run, tmp_path: Path) -> None:
    export_run(run, tmp_path / "old.csv", ExportRequest("csv"))
    csv = read_csv(tmp_path / "old.csv")
    for by in ("layer", "mean.food", "mean.food, layer", "first_token", "mean.food > 0.3", "max"):
        if by == "max" and not csv.has("max"):
            continue
        counts_hold(csv, by)
    with pytest.raises(QueryError, match="selectivity"):
        count_neurons(csv, "best")


def test_what_is_not_known_has_a_row_of_its_own(runs: dict[str, Run]) -> None:
    run = runs["checked"]
    table = mm.ScannedRun(run).counts("cause_measured.food")
    unknown = np.isnan(run.column("cause_measured", "food")).sum()
    assert 0 < unknown < run.neurons
    assert list(table)[-1][:2] == (None, unknown) or list(table)[-1][:2] == ("none", unknown)
    counts_hold(run, "cause_measured.food")


def test_the_crossed_table_has_the_pairs_counts(run: Run) -> None:
    report = count_neurons(run, "layer, best")
    cross, pairs = report.table("cross"), report.table("counts")
    assert cross is not None and pairs is not None
    crossed = {
        (row[0], column.key): cell
        for row in cross.rows
        for column, cell in zip(cross.columns[1:], row[1:], strict=True)
        if cell
    }
    assert crossed == {(str(row[0]), row[1]): row[2] for row in pairs.rows}
    first = pairs.rows[0]
    in_layer = sum(row[2] for row in pairs.rows if row[0] == first[0])  # type: ignore[misc]
    in_best = sum(row[2] for row in pairs.rows if row[1] == first[1])  # type: ignore[misc]
    assert first[4] == pytest.approx(in_layer * in_best / run.neurons, abs=1e-3)
    assert first[5] == pytest.approx(first[2] / (in_layer * in_best / run.neurons), abs=1e-3)  # type: ignore[operator]
    link = cross.link(0, 1)
    assert link is not None and len(chosen_rows(run, link.where)) == cross.rows[0][1]


def test_the_best_category_is_that_of_the_largest_value_on_either_side() -> None:
    values = np.array([[0.2, -0.9, 0.5], [np.nan, 0.1, -0.1], [np.nan] * 3, [-0.3, 0.3, 0.3]], np.float32)
    assert strongest_category(values).tolist() == [1, 1, -1, 0]


def test_a_first_token_is_compared_without_case_and_spaces(run: Run) -> None:
    mask = matching(run, 'first_token == " THE "')
    assert mask.any()
    assert {run.top_tokens(int(row))[0].piece.strip().lower() for row in np.flatnonzero(mask)} == {"the"}
    alphabet = [run.top_tokens(int(row))[0].piece.strip().lower() for row in chosen_rows(run, sort="first_token")]
    assert alphabet == sorted(alphabet)


@pytest.mark.parametrize(
    ("by", "message"),
    [
        ("layr", "Did you mean layer"),
        ("reads", "Say which"),
        ("layer, best, max", "Name one, or a pair"),
        ("", "ends"),
        ("layer,", "ends"),
        ("cause_measured.food", "works it out"),
    ],
)
def test_what_cannot_be_counted_by_is_told(run: Run, by: str, message: str) -> None:
    with pytest.raises(MechaMapError) as caught:
        count_neurons(run, by)
    assert message in f"{caught.value.message} {caught.value.hint}"
    assert isinstance(caught.value, QueryError | UsageError)


def test_bins_out_of_range_are_refused(run: Run) -> None:
    for bins in (1, 0, -3, 10_000):
        with pytest.raises(UsageError, match="between 2 and 200"):
            count_neurons(run, "max", bins=bins)


def test_in_python_a_pair_is_a_table_of_rows_or_crossed(run: Run) -> None:
    named = mm.ScannedRun(run)
    assert sum(named.counts("layer, best")["neurons"]) == run.neurons
    assert named.counts("layer, best", cross=True).columns[0] == "layer"
    assert sum(named.counts("best", where="layer == 1")["neurons"]) == 16
