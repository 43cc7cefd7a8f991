"""Reports as text: aligned for a terminal of any width, and read back whole by pandas and by any reader of JSON."""

from __future__ import annotations

import ast
import io
import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mechamap.errors import UsageError
from mechamap.protocol.messages import decode, plain
from mechamap.tables.formats import FORMATS, format_of, written
from mechamap.tables.numbers import cell_text
from mechamap.tables.table import Column, Report, Table, Values

WORDS = ("animal", "proper noun", "x.y", "宝石の名前", 'say "hi", she', "a\x1b[31mred\nfoo", "pipe|d")
MIXED = Table(
    "mixed",
    "Neurons of each category",
    (
        Column("category", "category"),
        Column("neurons", "neurons", "count"),
        Column("share", "share", "share"),
        Column("best", "best", "neuron"),
        Column("reads", "reads", "correlation"),
        Column("p", "p", "p"),
        Column("tokens", "top tokens", "tokens"),
    ),
    tuple(
        (word, 1_234_567 + at, 0.004, "L1.N7", -0.97, None, (" apple", "宝石", "\x1b[0m", " ", "x" * 50))
        for at, word in enumerate(WORDS)
    ),
    about="What it says, " + "and how " * 20,
)
MATRIX = Table(
    "matrix",
    "Layer by layer",
    (Column("layer", "layer", "number"), *(Column(f"c{at}", f"category {at}", "count") for at in range(24))),
    tuple((layer, *(layer * 100 + at for at in range(24))) for layer in range(12)),
    heat=True,
)
FACTS = Table("facts", "The run", (Column("fact", "fact"), Column("value", "value")), (("path", "/x/" + "y" * 150),))
EMPTY = Table("empty", "Nothing", (Column("a", "a"), Column("b", "b", "count")), ())
REPORT = Report("Of a model", (MIXED, MATRIX, FACTS, EMPTY), ("Known with the numbers.",), main="mixed")


@pytest.mark.parametrize("width", [40, 60, 80, 100, 160, 240])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    lines = written(REPORT, "table", width=width, limit=0).splitlines()
    assert max(map(cell_len, lines)) <= width


@pytest.mark.parametrize("width", [40, 80, 160])
def test_every_number_is_there_however_narrow_the_terminal(width: int) -> None:
    text = written(REPORT, "table", width=width, limit=0, tables=["matrix"])
    numbers = [int(number) for number in re.findall(r"\d+", text.replace(",", ""))]
    for row in MATRIX.rows:
        assert set(row) <= set(numbers)


def test_a_broken_matrix_repeats_its_first_column() -> None:
    lines = written(REPORT, "table", width=60, tables=["matrix"]).splitlines()
    blocks = "\n".join(lines).split("\n\n")[1:]
    assert len(blocks) > 1
    assert all("layer" in block for block in blocks)
    assert all(re.search(r"^ +11 ", block, re.MULTILINE) for block in blocks)


def test_nothing_in_a_token_or_a_name_steers_the_terminal() -> None:
    for form in ("table", "md"):
        text = written(REPORT, form, limit=0, width=200)
        assert all(ch.isprintable() for ch in text.replace("\n", ""))
        assert "x1b" in text


def test_columns_stand_under_one_another_also_below_wide_characters() -> None:
    lines = written(REPORT, "table", width=160, tables=["mixed"]).splitlines()
    ends = {cell_len(line[: line.index("L1.N7")]) for line in lines if "L1.N7" in line}
    assert len(ends) == 1
    assert sum("L1.N7" in line for line in lines) == len(WORDS)


def test_what_is_cut_says_so() -> None:
    text = written(REPORT, "table", width=80, tables=["mixed"])
    assert sum("…" in line for line in text.splitlines() if "L1.N7" in line) == len(WORDS)
    assert "x" * 50 in written(REPORT, "table", width=200, tables=["mixed"])


def test_a_long_fact_is_wrapped_and_not_cut() -> None:
    text = written(REPORT, "table", width=60, tables=["facts"])
    assert text.count("y") == 150
    assert "…" not in text


def test_an_explanation_is_whole() -> None:
    text = " ".join(written(REPORT, "table", width=50).split())
    assert MIXED.about.strip() in text
    assert "note: Known with the numbers." in text


LONG = Table("long", "Many", (Column("n", "n", "number"), Column("x", "x")), tuple((n, "x") for n in range(1, 1245)))


def test_a_long_list_says_how_much_is_left_out_and_how_to_have_it() -> None:
    report = Report("r", (LONG, MATRIX))
    for form in ("table", "md"):
        text = written(report, form)
        assert "… and 1,234 more (--limit 0 for all)" in text
        assert "and 2 more" not in text  # a matrix is whole
        assert "more (" not in written(report, form, limit=0)
        assert "… and 1,241 more" in written(report, form, limit=3)
        assert "more (" not in written(report, form, whole=("long",))
    assert len(written(report, "csv", tables=["long"]).splitlines()) == 1245
    assert len(written(report, "csv", tables=["long"], limit=7).splitlines()) == 8
    assert len(json.loads(written(report, "json"))["tables"]["long"]["rows"]) == 1244


def test_a_list_that_was_cut_as_it_was_made_counts_what_is_not_in_it_as_left_out_too() -> None:
    cut = replace(LONG, total=21_452)
    report = Report("r", (cut,))
    for form in ("table", "md"):
        assert "… and 21,442 more (--limit 0 for all)" in written(report, form)
        assert "… and 20,208 more\n" in written(report, form, limit=0)  # of which it has 1,244
    assert decode(json.loads(json.dumps(plain(cut))), Table) == cut
    with pytest.raises(ValueError, match="1244 rows are more than the 1000"):
        replace(LONG, total=1000)


def test_markdown_has_as_many_cells_in_every_line() -> None:
    text = written(REPORT, "md", tables=["mixed"])
    lines = [line for line in text.splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(WORDS)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {len(MIXED.columns) + 1}
    assert text.startswith("# Of a model\n")
    assert "None." in written(REPORT, "md", tables=["empty"])


# JSON and CSV may hold any text but lone halves of characters, which no file can.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
cells = st.tuples(
    texts,
    st.none() | st.integers(-(10**9), 10**9),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.lists(texts, max_size=4).map(tuple),
)
rows = st.lists(cells, max_size=8).map(tuple)
COLUMNS = (
    Column("text, here", "t"),
    Column("whole", "w", "count"),
    Column("real", "r", "signed"),
    Column("k", "k", "tokens"),
)


@given(rows)
def test_pandas_reads_a_csv_back(rows: tuple[tuple[str, int | None, float | None, tuple[str, ...]], ...]) -> None:
    text = written(Report("r", (Table("t", "t", COLUMNS, rows),)), "csv")
    read = pd.read_csv(
        io.StringIO(text), keep_default_na=False, na_values={"whole": [""], "real": [""]}, dtype={0: str}
    )
    assert list(read.columns) == [column.key for column in COLUMNS]
    assert len(read) == len(rows)
    for row, its in zip(rows, read.itertuples(index=False), strict=True):
        name, whole, real, tokens = row
        assert its[0] == name
        assert (whole is None and math.isnan(its[1])) or its[1] == whole
        assert (real is None and math.isnan(its[2])) or its[2] == pytest.approx(real, rel=1e-12)
        assert tuple(ast.literal_eval(its[3])) == tokens


@given(rows)
def test_json_is_read_back_to_the_last_digit(
    rows: tuple[tuple[str, int | None, float | None, tuple[str, ...]], ...],
) -> None:
    text = written(Report('a "title"', (Table("t", "in\nlines", COLUMNS, rows, "about"), EMPTY), ("so",)), "json")
    plain = json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    keys = [column.key for column in COLUMNS]
    assert plain["title"] == 'a "title"'
    assert plain["remarks"] == ["so"]
    assert plain["tables"]["t"]["title"] == "in\nlines"
    assert plain["tables"]["empty"]["rows"] == []
    read = [tuple(row[key] for key in keys) for row in plain["tables"]["t"]["rows"]]
    assert read == [(name, whole, real, list(tokens)) for name, whole, real, tokens in rows]


@given(rows, st.integers(24, 200))
def test_any_table_fits_any_terminal(
    rows: tuple[tuple[str, int | None, float | None, tuple[str, ...]], ...], width: int
) -> None:
    text = written(Report("r", (Table("t", "t", COLUMNS, rows),)), "table", width=width, limit=0)
    assert all(cell_len(line) <= width for line in text.splitlines())


def test_a_share_that_is_not_all_does_not_read_as_all_nor_a_small_one_as_none() -> None:
    shares = [0.0, 0.0001, 0.006, 0.994, 0.9996, 1.0]
    assert [cell_text(share, "share") for share in shares] == ["0%", "<1%", "1%", "99%", ">99%", "100%"]


def test_values_of_a_cell_are_short_for_people_and_whole_for_programs() -> None:
    cell = Values((0.9684945344924927, -0.25, None), "correlation")
    report = Report("r", (Table("t", "t", (Column("n", "n"), Column("v", "v", "tokens")), (("L0.N1", cell),)),))
    for form in ("table", "md"):
        assert "+.97 · -.25 · —" in written(report, form)
    assert json.loads(written(report, "json"))["tables"]["t"]["rows"][0]["v"] == [0.9684945344924927, -0.25, None]
    assert written(report, "csv") == 'n,v\nL0.N1,"[0.9684945344924927, -0.25, None]"\n'
    assert decode(json.loads(json.dumps(plain(report))), Report) == report


def test_what_cannot_be_written_is_refused() -> None:
    with pytest.raises(UsageError, match="Unknown table 'mixd'") as wrong:
        written(REPORT, "md", tables=["mixd"])
    assert wrong.value.hint == "Did you mean mixed?"
    with pytest.raises(UsageError, match="CSV holds one table"):
        written(REPORT, "csv", tables=["mixed", "facts"])
    with pytest.raises(UsageError, match="Unknown format"):
        written(REPORT, "xml")
    with pytest.raises(UsageError, match="limit is -1"):
        written(REPORT, "table", limit=-1)


def test_a_csv_is_the_table_that_stands_for_the_whole() -> None:
    assert written(REPORT, "csv").startswith("category,neurons,")
    assert written(Report("r", (MATRIX, MIXED)), "csv").startswith("layer,c0,")


def test_a_suffix_means_a_format() -> None:
    assert [format_of(f"x.{suffix}") for suffix in ("txt", "json", "csv", "md")] == [
        format
        for format in FORMATS
        if format != "lines"  # which only people ask for
    ]
    assert format_of("x.dat") is None
