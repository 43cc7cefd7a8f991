"""The table of kinds: what people report of files, words, tokens and terminals, and what is right for each.

Rows are in ``kinds/*.yaml``, by topic: ``what`` it is, its public ``source``, what is ``right``, and what was seen
``before`` ("fine" where nothing had to be mended). Each has at least one test, marked ``kind("its name")``.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml

HERE = Path(__file__).parent
FIELDS = {"what", "source", "right", "before"}


def rows() -> dict[str, dict[str, Any]]:
    table: dict[str, dict[str, Any]] = {}
    for file in sorted((HERE / "kinds").glob("*.yaml")):
        topic = yaml.safe_load(file.read_text(encoding="utf-8"))
        assert not set(topic) & set(table), f"{file.name} repeats a kind"
        table |= topic
    return table


def marked_kinds() -> set[str]:
    """The kinds that tests beside this one are marked with, read from their source."""
    names: set[str] = set()
    for file in HERE.glob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.kind":
                names |= {ast.literal_eval(argument) for argument in node.args}
    return names


def test_every_kind_has_a_test_and_every_test_a_kind() -> None:
    assert marked_kinds() == set(rows())


@pytest.mark.parametrize("name", sorted(rows()))
def test_a_row_says_what_it_is_where_it_comes_from_and_what_is_right(name: str) -> None:
    row = rows()[name]
    assert set(row) == FIELDS
    assert all(isinstance(text, str) and text.strip() for text in row.values())
    assert row["source"].startswith("https://")
