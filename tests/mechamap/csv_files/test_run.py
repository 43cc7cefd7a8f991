"""A CSV opened as a run, whoever wrote it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.recorded_run import CATEGORIES, recorded_run

from mechamap.csv_files.run import open_run, read_csv
from mechamap.csv_files.token_list import TokenLists
from mechamap.errors import RunError, UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.query.evaluate import matching, sorted_rows

HEADER = "model,layer,neuron,category,avg_activation,top_tokens\n"


def written(folder: Path, rows: str, header: str = HEADER) -> Path:
    path = folder / "some.csv"
    path.write_text(header + rows, encoding="utf-8", newline="")
    return path


def test_a_run_comes_back_from_its_csv(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    read = read_csv(tmp_path / "out.csv")
    assert read.neurons == run.neurons
    assert sorted(read.categories) == sorted(CATEGORIES)
    assert (read.label, read.record.source, read.record.state) == ("tiny", "csv", "complete")
    for category in CATEGORIES:
        mean = np.asarray(run.column("mean", category))
        expected = np.where(mean >= 0.2, mean, np.nan)
        assert np.allclose(read.column("mean", category), expected, atol=1e-4, equal_nan=True)
    for row in range(run.neurons):
        assert read.neuron_name(row) == run.neuron_name(row)
        expected_tokens = [(hit.piece, pytest.approx(hit.value, abs=1e-4)) for hit in run.top_tokens(row)]
        assert [(hit.piece, hit.value) for hit in read.top_tokens(row)] == expected_tokens
    assert not read.has_context
    assert not read.has("selectivity")


def test_what_was_read_can_be_exported_filtered_and_sorted(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    export_run(run, tmp_path / "one.csv", ExportRequest("csv", threshold=0.1))
    read = read_csv(tmp_path / "one.csv")
    export_run(read, tmp_path / "two.csv", ExportRequest("csv"))
    assert (tmp_path / "one.csv").read_text() == (tmp_path / "two.csv").read_text()
    assert matching(read, "mean.food > 0.3 and layer == 1").any()
    assert read.layer_of[sorted_rows(read, "-mean.food")[0]] >= 0
    assert export_run(read, tmp_path / "wide.csv", ExportRequest("csv", wide=True)).rows == 48


def test_columns_may_stand_in_any_order_and_others_are_ignored(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        "\"[('a', 1.0)]\",x,0.5,food,3,note,7\n",
        header="top_tokens,model,avg_activation,category,neuron,Comment, Layer\n",
    )
    run = read_csv(path)
    assert str(run.neuron_name(0)) == "L7.N3"
    assert run.column("mean", "food")[0] == 0.5
    assert run.record.problems == ("Columns that were not read: Comment.",)


def test_rows_in_any_order_make_one_row_per_neuron_in_layer_order(tmp_path: Path) -> None:
    run = read_csv(
        written(tmp_path, "m,2,10,food,1.5,[]\nm,0,5,,,\"[('x', 2)]\"\nm,2,9,,,\nm,2,10,animal,-0.5,[]\n\nm,0,4,,,[]\n")
    )
    assert [str(run.neuron_name(row)) for row in range(4)] == ["L0.N4", "L0.N5", "L2.N9", "L2.N10"]
    assert [(layer.layer, layer.first_row, layer.width) for layer in run.layers] == [(0, 0, 2), (2, 2, 2)]
    assert run.row_of("L2.N10") == 3
    assert run.categories == ("food", "animal")
    assert np.array_equal(run.figure("mean")[3], np.array([1.5, -0.5], np.float32))
    assert np.isnan(run.figure("mean")[:3]).all()
    assert [(hit.piece, hit.value) for hit in run.top_tokens(1)] == [("x", 2.0)]
    assert run.top_tokens(0) == []
    assert run.threshold == -0.5


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("[(' apple', 1.5), ('b', -2)]", [(" apple", 1.5), ("b", -2.0)]),
        ("[('a', 1e-05), ('b', 2.5e+20)]", [("a", float(np.float32(1e-05))), ("b", float(np.float32(2.5e20)))]),
        ("""[("it's", 1.0), ('say "x"', 2.0)]""", [("it's", 1.0), ('say "x"', 2.0)]),
        (r"""[('\n', 1.0), ('\'), (', 2.0), ('\\', 3.0)]""", [("\n", 1.0), ("'), (", 2.0), ("\\", 3.0)]),
        ("[('日本', 1.0), ('\\u200b', 2)]", [("日本", 1.0), ("\u200b", 2.0)]),
        ("[ ( 'a' ,1 ) , ]", [("a", 1.0)]),
        ("(('a', 1), ('b', 2))", [("a", 1.0), ("b", 2.0)]),
        ("[['a', 1.5], ['b', 2]]", [("a", 1.5), ("b", 2.0)]),
        ("""[["it's", 1.5], ["\\u65e5", null]]""", [("it's", 1.5), ("日", None)]),
        ("[('a', np.float32(1.5)), ('b', tensor(2.0)), ('c', -np.float64(3))]", [("a", 1.5), ("b", 2.0), ("c", -3.0)]),
        ("[('a', tensor(1.5, device='cuda:0'))]", [("a", 1.5)]),
        ("[('a', nan), ('b', -inf)]", [("a", None), ("b", -np.inf)]),
        ("[('a', None)]", [("a", None)]),
        ("[]", []),
        ("", []),
        ("  ", []),
    ],
)
def test_top_tokens_are_read_in_every_spelling(cell: str, expected: list[tuple[str, float | None]]) -> None:
    assert pairs_of(cell) == expected


def pairs_of(cell: str) -> list[tuple[str, float | None]]:
    lists = TokenLists()
    lists.add(cell)
    positions, values = lists.arrays()
    its = zip(positions[0].tolist(), values[0].tolist(), strict=True)
    return [(lists.pieces[at], None if np.isnan(value) else value) for at, value in its if at >= 0]


@given(st.lists(st.tuples(st.text(max_size=6), st.floats(allow_nan=False, allow_infinity=False, width=32)), max_size=4))
def test_whatever_python_writes_is_read_back(pairs: list[tuple[str, float]]) -> None:
    assert pairs_of(repr(pairs)) == pairs


@pytest.mark.parametrize(
    "cell",
    [
        "apple",
        "[('a', 1.0)",
        "[('a', 1.0)] x",
        "[('a', 1.0),, ('b', 2)]",
        "['apple', 'pear']",
        "[('a', 'b')]",
        "[(1, 2)]",
        "[('a', 1, 2)]",
        "[('a', True)]",
        "{'a': 1}",
        "[['a', \"b\"]]",
        "'('a', 0.5)]",
        "[('a', 0.(5))]",
        "[('a', 1.0) ('b', 2.0)]",
        "[('a', __import__('os').getcwd())]",
        "[('\\x', 1.0)]",
        "[" * 10_000,
    ],
)
def test_a_cell_that_is_no_list_of_pairs_is_named_by_row_and_column(tmp_path: Path, cell: str) -> None:
    quoted = '"' + cell.replace('"', '""') + '"'
    with pytest.raises(RunError, match=r"row 3, column top_tokens") as caught:
        read_csv(written(tmp_path, f"m,0,0,,,[]\nm,0,1,,,{quoted}\n"))
    assert len(caught.value.message) < 500


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        ("m,0,0,food,much,[]\n", "row 2, column avg_activation: 'much'"),
        ("m,0,0,food,,[]\n", "row 2, column avg_activation: ''"),
        ("m,0,0,food,0.5,[]\nm,one,0,food,0.5,[]\n", "row 3, column layer: 'one'"),
        ("m,0,-1,food,0.5,[]\n", "row 2, column neuron: '-1'"),
        ("m,0,1.5,food,0.5,[]\n", "row 2, column neuron: '1.5'"),
        ("m,0,99999999999,food,0.5,[]\n", "row 2, column neuron"),
        ("m,0,0,,0.5,[]\n", "row 2, column category"),
        ("m,0,0\n", "row 2: 3 cells under 6 columns"),
        ("m,0,0,food,0.5,[('a', 1)]\n", "row 2: 7 cells under 6 columns"),
        ("m,0,0,,,[]\nother,0,1,,,[]\n", "several models: 'm', and 'other' from row 3"),
        ('m,0,0,,,"[]\n', "row 2: a quotation mark is not closed"),
        ('m,0,0,fo"od,0.5,"[]"x\n', "row 2, is not valid CSV"),
        ("", "a header and no rows"),
    ],
)
def test_a_mistake_is_named_by_row_and_column(tmp_path: Path, rows: str, match: str) -> None:
    with pytest.raises(RunError, match=match) as caught:
        read_csv(written(tmp_path, rows))
    assert caught.value.hint


def test_byte_order_marks_line_ends_and_semicolons_of_spreadsheets_are_read(tmp_path: Path) -> None:
    path = tmp_path / "sheet.csv"
    content = "model;layer;neuron;category;avg_activation;top_tokens\r\nm;0;0;food;0.5;[('a;b', 1.0)]\r\n"
    path.write_bytes(content.replace("[('a;b', 1.0)]", "\"[('a;b', 1.0)]\"").encode("utf-8-sig"))
    run = read_csv(path)
    assert run.column("mean", "food")[0] == 0.5
    assert run.top_tokens(0)[0].piece == "a;b"


def test_line_ends_inside_quotes_belong_to_the_token(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, 'm,0,0,,,"[[""a\\nb"", 1.0],\n [""c"", 0.5]]"\nm,0,1,,,[]\n'))
    assert [hit.piece for hit in run.top_tokens(0)] == ["a\nb", "c"]
    assert run.neurons == 2


def test_a_neuron_and_category_given_twice_is_told(tmp_path: Path) -> None:
    run = read_csv(written(tmp_path, "m,0,0,food,0.5,[]\nm,0,0,food,0.7,[]\n"))
    assert run.column("mean", "food")[0] == np.float32(0.7)
    assert "second time" in run.record.problems[0]


def test_what_a_user_names_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    run = recorded_run(tmp_path / "runs" / "tiny-1")
    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    assert open_run(tmp_path / "runs" / "tiny-1").neurons == 48
    assert open_run("tiny-1").name == "tiny-1"
    assert open_run(tmp_path / "runs" / "tiny-1" / "run.json").neurons == 48
    assert open_run(str(tmp_path / "out.csv")).record.source == "csv"
    with pytest.raises(UsageError, match="tiny-1 is a run, which has one model, tiny"):
        open_run("tiny-1", model="other")
    with pytest.raises(RunError, match="tiny-2"):
        open_run("tiny-2")
    with pytest.raises(RunError, match=r"No such file: .*missing\.csv\.gz"):
        open_run("missing.csv.gz")
    with pytest.raises(RunError, match="is a folder without a run") as caught:
        open_run(tmp_path)
    assert caught.value.hint == f"Did you mean {tmp_path / 'out.csv'}?"
