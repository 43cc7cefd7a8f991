"""A table as lines: each value behind the name of its column, what is not known left out, nothing that steers."""

from __future__ import annotations

from mechamap.tables.formats import written
from mechamap.tables.table import Column, Report, Table, Values


def test_each_row_is_a_line_with_the_name_in_front_of_each_value() -> None:
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("reads", "reads", "signed"),
        Column("p", "p", "p"),
        Column("tokens", "highest at", "tokens"),
        Column("both", "both", "text"),
    )
    rows = (
        ("L0.N1", 0.5, None, ("apple", " ", "\x1b[2J"), Values((0.25, None), "probability")),
        ("L0.N2", None, 0.02, (), True),
        ("L0.N3", -1.0, 0.5, ("x",), None),
    )
    table = Table("neurons", "Neurons", columns, rows, about="As they come.", total=7)
    text = written(Report("run-1", (table,), ("few words",)), "lines", limit=2)
    assert text.splitlines() == [
        "run-1",
        "note: few words",
        "Neurons: 2 rows of 7",
        "1. neuron L0.N1; reads +0.50; highest at apple, space, \\x1b[2J; both .25 · —",
        "2. neuron L0.N2; p .020; both yes",
        "As they come.",
    ]


def test_an_empty_table_says_so() -> None:
    table = Table("neurons", "Neurons", (Column("neuron", "neuron", "neuron"),), (), about="As they come.")
    assert written(Report("run-1", (table,)), "lines") == "run-1\nNeurons: 0 rows\n"
