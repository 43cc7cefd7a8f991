"""Whatever MechaMap writes as CSV it reads back identical, and whatever it reads it reads as others do."""

from __future__ import annotations

import ast
import csv
import io
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mechamap.csv_files.run import read_csv
from mechamap.csv_files.token_list import TokenLists
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord, TokenRecord
from mechamap.runs.run import Run

# What may stand in a category's name, by the rules of configs, and in a token: anything that is text.
PRINTABLE = st.text(st.characters(blacklist_categories=("C", "Z"), whitelist_characters=" \",;'[]().\\"), min_size=1)
NAMES = PRINTABLE.map(str.strip).filter(lambda name: name and name.isprintable())
TOKENS = st.text(st.characters(blacklist_categories=("Cs",)), max_size=8) | st.sampled_from(
    ["", "'", '"', "'\"", "\n", "\r\n", ",", "), ('", "', ", "[]", "\\", "\\'", "0.5", "\x00", "\u2028", " \t"]
)
FIGURES = st.floats(-1e4, 1e4, width=32) | st.sampled_from([float("nan"), float("inf"), 0.0, -0.0, 0.2])
LIGHT = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Runs of a few neurons, with any names, tokens and figures."""
    categories = tuple(draw(st.lists(NAMES, min_size=1, max_size=3, unique=True)))
    widths = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    pieces = tuple(draw(st.lists(TOKENS, min_size=1, max_size=6)))
    neurons, k = sum(widths), draw(st.integers(1, 3))

    def table(columns: int) -> np.ndarray:
        cells = draw(st.lists(FIGURES, min_size=neurons * columns, max_size=neurons * columns))
        return np.array(cells, np.float32).reshape(neurons, columns)

    places = st.integers(-1, len(pieces) - 1)
    positions = np.array(draw(st.lists(places, min_size=neurons * k, max_size=neurons * k)), np.int32).reshape(
        neurons, k
    )
    values = np.where(positions < 0, np.nan, table(k)).astype(np.float32)
    name = draw(NAMES)
    record = RunRecord(
        model=ModelRecord(name, "label", name, None, "gpt2", 1, "float32", "cpu", len(widths)),
        categories=categories,
        layers=tuple(
            LayerRows(layer * 2, sum(widths[:layer]), width, width, complete=True) for layer, width in enumerate(widths)
        ),
        figures=("mean", "selectivity", "max", "top_values", "top_positions", "bottom_values", "bottom_positions"),
        tokens=TokenRecord(ids=(0,) * len(pieces), pieces=pieces),
    )
    arrays = {
        "mean": table(len(categories)), "selectivity": table(len(categories)), "max": table(1)[:, 0],
        "top_values": values, "top_positions": positions, "bottom_values": -values, "bottom_positions": positions,
    }  # fmt: skip
    return Run(record, arrays)


def tokens_of(run: Run, row: int, lowest: bool = False) -> list[tuple[str, str]]:
    """A neuron's tokens, values to the digits that are written; those that are no finite number are not told apart."""
    hits = run.top_tokens(row, lowest=lowest)
    return [(hit.piece, f"{hit.value:.4f}" if np.isfinite(hit.value) else "-") for hit in hits]


def rows_of(path: Path) -> list[list[str]]:
    """Rows in an order of their own: categories are read in the order that they come in."""
    with path.open(encoding="utf-8", newline="") as file:
        return sorted(csv.reader(file))


@LIGHT
@given(run=runs())
def test_a_table_of_neurons_comes_back_from_the_long_layout(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    export_run(run, path, ExportRequest("csv"), overwrite=True)
    read = read_csv(path)
    assert read.record.model.name == run.record.model.name
    assert [read.neuron_name(row) for row in range(read.neurons)] == [
        run.neuron_name(row) for row in range(run.neurons)
    ]
    for at, category in enumerate(run.categories):
        mean = run.figure("mean")[:, at]
        with np.errstate(invalid="ignore"):
            listed = mean >= 0.2
        if category not in read.categories:
            assert not listed.any()
            continue
        expected = np.where(listed, [np.float32(f"{value:.4f}") for value in mean.astype(np.float64)], np.nan)
        assert np.array_equal(read.column("mean", category), expected.astype(np.float32), equal_nan=True)
    for row in range(run.neurons):
        assert tokens_of(read, row) == tokens_of(run, row)
    export_run(read, tmp_path / "again.csv", ExportRequest("csv"), overwrite=True)
    assert rows_of(tmp_path / "again.csv") == rows_of(path)


@LIGHT
@given(run=runs())
def test_a_table_of_neurons_comes_back_from_the_wide_layout(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    export_run(run, path, ExportRequest("csv", wide=True), overwrite=True)
    read = read_csv(path)
    assert read.categories == run.categories
    for figure in ("mean", "selectivity", "max"):
        written = np.vectorize(lambda value: np.float32(f"{value:.6g}"))(run.figure(figure).astype(np.float64))
        assert np.array_equal(read.figure(figure), written, equal_nan=True)
    for row in range(run.neurons):
        for lowest in (False, True):
            assert tokens_of(read, row, lowest) == tokens_of(run, row, lowest)
    export_run(read, tmp_path / "again.csv", ExportRequest("csv", wide=True), overwrite=True)
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


# Every pair at most once: of two, pandas' pivot would take the mean.
PAIRS = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 5), st.sampled_from(["a", "b,c", 'd"e', "f\ng", "é "])),
    min_size=1, max_size=30, unique=True,
)  # fmt: skip
SPELLINGS = st.sampled_from(["{:.4f}", "{:g}", "{:e}", " {:.2f} ", "{:+.3f}"])


@LIGHT
@given(pairs=PAIRS, data=st.data())
def test_a_table_is_read_as_pandas_reads_it(
    pairs: list[tuple[int, int, str]], data: st.DataObject, tmp_path: Path
) -> None:
    order = data.draw(st.permutations(["model", "layer", "neuron", "category", "avg_activation", "top_tokens"]))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=data.draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerow(order)
    for layer, neuron, category in pairs:
        mean = data.draw(SPELLINGS).format(data.draw(st.floats(-100, 100)))
        whole = data.draw(st.sampled_from(["{}", "{}.0"]))
        cells = {"model": "m", "layer": whole.format(layer), "neuron": whole.format(neuron), "category": category,
                 "avg_activation": mean, "top_tokens": "[('t', 1.0)]"}  # fmt: skip
        writer.writerow([cells[column] for column in order])
    path = tmp_path / "some.csv"
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    run = read_csv(path)
    table = pd.read_csv(path, keep_default_na=False, dtype={"avg_activation": str})
    table["avg_activation"] = table["avg_activation"].astype(float)
    pivot = table.pivot(index=["layer", "neuron"], columns="category", values="avg_activation")[list(run.categories)]
    assert [(name.layer, name.index) for name in map(run.neuron_name, range(run.neurons))] == [*pivot.index]
    assert np.array_equal(run.figure("mean"), pivot.to_numpy(np.float32), equal_nan=True)


@settings(max_examples=300, deadline=None)
@given(
    pairs=st.lists(st.tuples(TOKENS, st.floats(-9, 9).map(lambda value: round(value, 2))), max_size=3),
    edits=st.lists(st.tuples(st.integers(0, 60), st.sampled_from([*"'\"\\,()[] 0.", ""])), max_size=3),
)
def test_a_list_of_tokens_that_was_tampered_with_is_read_as_python_reads_it_or_not_at_all(
    pairs: list[tuple[str, float]], edits: list[tuple[int, str]]
) -> None:
    cell = repr(pairs)
    for at, char in edits:
        cell = cell[:at] + char + cell[at + 1 :] if not char else cell[:at] + char + cell[at:]
    lists = TokenLists()
    try:
        lists.add(cell)
    except ValueError:
        return
    numbers, values = (its[0].tolist() for its in lists.arrays())
    read = [(lists.pieces[at], value) for at, value in zip(numbers, values, strict=True) if at >= 0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes that Python does not know
            expected = ast.literal_eval(cell.strip() or "[]")
    except SyntaxError:
        assert re.search(r"\b0\d", cell), "of numbers, only those with zeros in front are no Python"
    else:
        assert read == [(token, float(np.float32(value))) for token, value in expected]
