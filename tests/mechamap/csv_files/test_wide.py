"""The wide layout of a CSV, read back: every figure, and how cells that make no sense are named."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import Shape, checked_run, recorded_run
from support.small_csv import refused, remarks_of, written

from mechamap.csv_files.run import read_csv
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.figures.of_run import figures_of, judged_figure
from mechamap.query.evaluate import matching
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run

HEADER = "layer,neuron,name,max,selectivity.food,selectivity.animal,mean.food,mean.animal,top_tokens,bottom_tokens\n"


def figures(folder: Path, run: Run, name: str = "wide.csv") -> dict[str, np.ndarray]:
    """The figures of a run's wide export as pandas or anybody else would read them: row by row, as written."""
    export_run(run, folder / name, ExportRequest("csv", wide=True))
    with (folder / name).open(newline="") as file:
        rows = list(csv.DictReader(file))
    naming = ("layer", "neuron", "name", "expert", "side", "top_tokens", "bottom_tokens")
    return {
        column: np.array([float(row[column]) if row[column] else np.nan for row in rows], np.float32)
        for column in rows[0]
        if column not in naming
    }


@pytest.mark.parametrize("shape", [Shape(), Shape(experts=3, shared=2), Shape(encoders=1), Shape(step=2)])
def test_every_figure_of_a_wide_export_comes_back(tmp_path: Path, shape: Shape) -> None:
    run = recorded_run(tmp_path / "run", width=4, shape=shape)
    written_digits = figures(tmp_path, run)
    read, remarks = remarks_of(tmp_path / "wide.csv")
    assert remarks == ("The file names no model; it is called wide, after the file.",)
    assert [read.neuron_name(row) for row in range(read.neurons)] == [
        run.neuron_name(row) for row in range(run.neurons)
    ]
    assert (read.categories, read.layers) == (run.categories, run.layers)
    assert sorted(read.record.figures) == sorted(run.record.figures)
    for column, values in written_digits.items():
        figure, _, category = column.partition(".")
        assert np.array_equal(read.column(figure, category or None), values, equal_nan=True), column
    for row in range(run.neurons):
        for lowest in (False, True):
            tokens = [(hit.piece, np.float32(round(hit.value, 4))) for hit in run.top_tokens(row, lowest=lowest)]
            assert [(hit.piece, hit.value) for hit in read.top_tokens(row, lowest=lowest)] == tokens
    export_run(read, tmp_path / "again.csv", ExportRequest("csv", wide=True))
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "wide.csv").read_text()


def test_what_was_confirmed_and_caused_comes_back_and_can_be_asked_for(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "run")
    export_run(run, tmp_path / "wide.csv", ExportRequest("csv", wide=True))
    read = read_csv(tmp_path / "wide.csv")
    assert [kind.name for kind in figures_of(read)] == [kind.name for kind in figures_of(run)]
    assert judged_figure(read, "causes").name == "cause"
    for question in ("reads.food > 0.9 and confirmed.food", "causes.food < -0.2", "best == color and max > 1"):
        assert np.array_equal(matching(read, question), matching(run, question)), question


def test_rows_may_be_filtered_and_sorted(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    chosen = np.array([40, 3, 17, 2])
    export_run(run, tmp_path / "some.csv", ExportRequest("csv", wide=True, rows=chosen))
    read = read_csv(tmp_path / "some.csv")
    order = np.sort(chosen)
    assert [str(read.neuron_name(row)) for row in range(4)] == [str(run.neuron_name(row)) for row in order]
    assert np.allclose(read.figure("selectivity"), run.figure("selectivity")[order], rtol=1e-5)


def test_names_of_categories_keep_their_case_dots_and_spaces(tmp_path: Path) -> None:
    header = "Layer,NEURON,Selectivity.U.S. cities,selectivity.u.s. cities,Mean.U.S. cities\n"
    run, remarks = remarks_of(written(tmp_path, "1,2,0.5,-0.5,0.25\n", header))
    assert run.categories == ("U.S. cities", "u.s. cities")
    assert run.figure("selectivity").tolist() == [[0.5, -0.5]]
    assert "Figures that the file does not have: mean.u.s. cities." in remarks


def test_without_means_the_figures_that_there_are_can_be_used(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "0,1,3.5,x\n", "layer,neuron,write.food,comment\n"))
    assert judged_figure(run, "writes").name == "write"
    assert np.isnan(run.column("mean", "food")).all() and run.top_tokens(0) == []
    assert remarks == (
        "Without a column top_tokens, no neuron has top tokens.",
        "The file names no model; it is called some, after the file.",
        "Columns that were not read: comment.",
        "Figures that the file does not have: mean.",
    )


def test_an_empty_cell_is_not_computed_and_infinity_is_said(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "0,1,L0.N1,,0.5,,inf,nan,[],[]\n", HEADER))
    assert np.isnan(run.figure("max")[0]) and np.isnan(run.figure("selectivity")[0, 1])
    assert run.column("mean", "food")[0] == np.inf
    assert "Figures that are not finite numbers: 2, first 'inf' in row 2; nan means not computed." in remarks


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("x,1,L0.N1,1,1,1,1,1,[],[]", "row 3, column layer: 'x' is not a whole number"),
        ("0,1,L0.N2,1,1,1,1,1,[],[]", "row 3, column name: L0.N2 is not neuron 1 of layer 0"),
        ("0,1,L0.N1,large,1,1,1,1,[],[]", "row 3, column max: 'large' is not a number"),
        ("0,1,L0.N1,1,1,yes,1,1,[],[]", "row 3, column selectivity.animal: 'yes' is not a number"),
        ("0,1,L0.N1,1,1,1,1,1,apple,[]", "row 3, column top_tokens: 'apple' is not a list"),
        ("0,1,L0.N1,1,1,1,1,1,[],apple", "row 3, column bottom_tokens: 'apple' is not a list"),
        ("0,0,L0.N0,1,1,1,1,1,[],[]", "row 3, column neuron: L0.N0 is already in row 2"),
        ("0,1,L0.N1,1,1,1", "row 3: 6 cells under 10 columns"),
    ],
)
def test_a_wrong_cell_is_named_by_row_and_column(tmp_path: Path, row: str, said: str) -> None:
    message, hint = refused(written(tmp_path, f"0,0,L0.N0,1,1,1,1,1,[],[]\n{row}\n", HEADER))
    assert message.startswith(said)
    assert hint


def test_sides_and_experts_that_contradict_are_named(tmp_path: Path) -> None:
    header = "layer,neuron,name,expert,side,mean.food\n"
    first = "1,2,L1.E0.N0,0,encoder,0.5\n"
    for row, said in (
        ("1,3,L1.E0.N1,0,decoder,0.5", "column side: layer 1 is encoder in row 2"),
        ("2,3,L2.E0.N1,0,left,0.5", "column side: 'left' is neither encoder nor decoder"),
        ("1,3,L1.E0.N1,4,encoder,0.5", "column expert: '4' is not the expert of L1.E0.N1"),
        ("1,9,L1.E0.N0,0,encoder,0.5", "column neuron: L1.E0.N0 has another number in row 2"),
    ):
        assert refused(written(tmp_path, f"{first}{row}\n", header))[0].startswith(f"row 3, {said}")
    run = read_csv(written(tmp_path, f"{first}1,0,L1.N0,,encoder,0.5\n", header))
    assert run.layers == (LayerRows(1, 0, 2, 3, experts=1, complete=True, shared=2, side="encoder"),)
