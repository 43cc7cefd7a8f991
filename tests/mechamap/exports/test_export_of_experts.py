"""Exports of models with experts, and of models with two sides: every row says which neuron it is about."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.recorded_run import Shape, recorded_run

from mechamap.csv_files.run import read_csv
from mechamap.errors import RunError
from mechamap.exports.registry import FORMATS, ExportRequest, export_run
from mechamap.exports.table import LONG_COLUMNS
from mechamap.query.evaluate import matching
from mechamap.runs.run import Run


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return recorded_run(tmp_path_factory.mktemp("experts") / "run", width=4, shape=Shape(experts=3, shared=2))


def test_the_original_columns_of_experts_are_as_ever_with_name_and_tokens_behind(experts: Run, tmp_path: Path) -> None:
    export_run(experts, tmp_path / "out.csv", ExportRequest("csv"))
    lines = list(csv.reader((tmp_path / "out.csv").read_text().splitlines()))
    assert tuple(lines[0]) == (*LONG_COLUMNS, "name", "tokens")
    named = {(int(line[1]), int(line[2])): (line[6], line[7]) for line in lines[1:]}
    assert len(named) == experts.neurons, "layer and neuron are one neuron's only, whatever its expert"
    for row in range(experts.neurons):
        name = experts.neuron_name(row)
        number = name.index if name.expert < 0 else 2 + name.expert * 4 + name.index
        assert named[name.layer, number] == (str(name), f"{experts.figure('tokens')[row]:.0f}")


def test_the_numbers_of_experts_neurons_do_not_depend_on_a_limit(experts: Run, tmp_path: Path) -> None:
    kept = np.flatnonzero((experts.layer_of == 0) | (experts.index_of < 2))
    layers = (
        experts.layers[0],
        *(replace(rows, first_row=4 + 8 * place, width=8) for place, rows in enumerate(experts.layers[1:])),
    )
    figures = {name: experts.figure(name)[kept] for name in experts.record.figures}
    limited = Run(replace(experts.record, layers=layers), figures)
    for run, name in ((experts, "all.csv"), (limited, "some.csv")):
        export_run(run, tmp_path / name, ExportRequest("csv", wide=True))
    some = pd.read_csv(tmp_path / "some.csv").set_index("name")["neuron"]
    assert some.to_dict() == pd.read_csv(tmp_path / "all.csv").set_index("name")["neuron"][some.index].to_dict()


def test_every_format_says_which_expert_and_over_how_many_tokens(experts: Run, tmp_path: Path) -> None:
    row = experts.row_of("L1.E2.N3")
    tokens = int(experts.figure("tokens")[row])
    for name in FORMATS:
        for wide in (False, True):
            export_run(experts, tmp_path / f"{wide}.{name}", ExportRequest(name, wide=wide, rows=np.array([row, 0])))
    for wide, columns in ((False, ["name", "tokens"]), (True, ["name", "expert", "tokens"])):
        told = {"name": "L1.E2.N3", "expert": 2, "tokens": tokens}
        for read, name in ((pd.read_csv, "csv"), (pd.read_parquet, "parquet")):
            line = read(tmp_path / f"{wide}.{name}").iloc[0]
            assert [line[column] for column in columns] == [told[column] for column in columns]
            assert line["neuron"] == 2 + 2 * 4 + 3
        header, _, line, _ = (tmp_path / f"{wide}.md").read_text().splitlines()[-4:]
        cells = dict(zip(header.strip("| ").split(" | "), line.strip("| ").split(" | "), strict=True))
        assert (cells["name"], cells["tokens"]) == ("L1.E2.N3", str(tokens))
    long, wide = (json.loads((tmp_path / f"{wide}.json").read_text()) for wide in (False, True))
    assert long["experts"] == {str(layer): {"shared": 2, "experts": 3, "neurons_each": 4} for layer in (1, 2)}
    assert set(long["results"]) == {"(1,13)", "(0,0)"}
    assert set(long["results"]["(1,13)"]) == {"categories", "top_tokens"}, "keys stand beside, never inside"
    found = wide["results"]["(1,13)"]
    assert (found["name"], found["expert"], found["tokens"]) == ("L1.E2.N3", 2, tokens)
    assert wide["results"]["(0,0)"]["expert"] is None


def test_many_tokens_are_written_to_the_last_one(experts: Run, tmp_path: Path) -> None:
    figures = {name: experts.figure(name) for name in experts.record.figures}
    figures["tokens"] = np.full(experts.neurons, 1_234_567, np.float32)
    run = Run(experts.record, figures)
    for name in ("csv", "json", "md"):
        export_run(run, tmp_path / f"out.{name}", ExportRequest(name, wide=True))
        assert "1234567" in (tmp_path / f"out.{name}").read_text()
    export_run(run, tmp_path / "out.parquet", ExportRequest("parquet", wide=True))
    assert pd.read_parquet(tmp_path / "out.parquet")["tokens"].tolist() == [1_234_567] * run.neurons


def test_two_sides_have_a_column_and_a_model_with_one_has_none(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "plain")
    sides = recorded_run(tmp_path / "sides", shape=Shape(encoders=1))
    export_run(sides, tmp_path / "out.csv", ExportRequest("csv", wide=True))
    assert pd.read_csv(tmp_path / "out.csv")["side"].tolist() == ["encoder"] * 16 + ["decoder"] * 32
    export_run(sides, tmp_path / "out.json", ExportRequest("json"))
    assert json.loads((tmp_path / "out.json").read_text())["sides"] == {"0": "encoder", "1": "decoder", "2": "decoder"}
    export_run(run, tmp_path / "plain.csv", ExportRequest("csv", wide=True))
    header = (tmp_path / "plain.csv").read_text().splitlines()[0].split(",")
    assert header[:4] == ["layer", "neuron", "name", "max"]
    export_run(run, tmp_path / "plain.json", ExportRequest("json"))
    assert not {"sides", "experts"} & set(json.loads((tmp_path / "plain.json").read_text()))


# --- read back ---


@pytest.mark.parametrize(
    "where", [None, "expert == 2 or neuron < 2 and layer == 1", "expert == 1", "expert == 0 and neuron > 1"]
)
def test_a_run_with_experts_comes_back_from_its_csv(experts: Run, tmp_path: Path, where: str | None) -> None:
    rows = None if where is None else np.flatnonzero(matching(experts, where))
    export_run(experts, tmp_path / "out.csv", ExportRequest("csv", rows=rows, threshold=-9.0))
    read = read_csv(tmp_path / "out.csv")
    kept = np.arange(experts.neurons) if rows is None else rows
    assert [read.neuron_name(row) for row in range(read.neurons)] == [experts.neuron_name(row) for row in kept]
    assert np.array_equal(read.figure("tokens"), experts.figure("tokens")[kept])
    assert np.allclose(read.figure("mean"), experts.figure("mean")[kept], atol=1e-4)
    assert not read.record.problems
    export_run(read, tmp_path / "again.csv", ExportRequest("csv"))
    assert (tmp_path / "again.csv").read_text() == (tmp_path / "out.csv").read_text()


def test_the_layers_read_back_are_those_of_the_run(experts: Run, tmp_path: Path) -> None:
    export_run(experts, tmp_path / "out.csv", ExportRequest("csv"))
    assert read_csv(tmp_path / "out.csv").layers == tuple(replace(rows, side="") for rows in experts.layers)


def row(neuron: object, name: str, tokens: object = 7, layer: int = 1) -> str:
    return f"tiny,{layer},{neuron},food,0.5,\"[('apple', 0.5)]\",{name},{tokens}\n"


def written(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "some.csv"
    path.write_text(",".join((*LONG_COLUMNS, "name", "tokens")) + "\n" + "".join(rows))
    return path


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((row(2, "L1.E0.N0"), row(3, "L2.E0.N1")), "row 3, column name: L2.E0.N1 is not neuron 3 of layer 1"),
        ((row(2, "L1.N2"), row(3, "L1.N4")), "row 3, column name: L1.N4 is not neuron 3 of layer 1"),
        ((row(2, "L1.E0.N0"), row(3, "third")), "row 3, column name: 'third' is not the name of a neuron"),
        ((row(2, "L1.E0.N0", "many"),), "row 2, column tokens: 'many' is not a number"),
    ],
)
def test_a_name_that_contradicts_the_numbers_is_refused(tmp_path: Path, rows: tuple[str, ...], said: str) -> None:
    with pytest.raises(RunError, match=said.replace("(", r"\(")):
        read_csv(written(tmp_path, *rows))


def test_names_of_somebody_else_are_passed_over(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, row(2, "my favourite"), row(3, "L1.E0.N1")))
    assert [str(run.neuron_name(at)) for at in range(2)] == ["L1.N2", "L1.N3"]
    assert run.record.problems == ("Columns that were not read: name, tokens.",)


def test_numbers_that_no_layout_explains_do_not_matter_where_there_are_names(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, row(0, "L1.E0.N5"), row(1, "L1.E1.N5", ""), row(9, "L1.E3.N0")))
    assert [str(run.neuron_name(at)) for at in range(3)] == ["L1.E0.N5", "L1.E1.N5", "L1.E3.N0"]
    assert np.isnan(run.figure("tokens")[1])
    assert run.row_of("L1.E3.N0") == 2


def test_a_csv_without_any_category_is_exported_again(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    export_run(run, tmp_path / "out.csv", ExportRequest("csv", threshold=99.0))
    read = read_csv(tmp_path / "out.csv")
    for name in FORMATS:
        assert export_run(read, tmp_path / f"again.{name}", ExportRequest(name)).rows == run.neurons
