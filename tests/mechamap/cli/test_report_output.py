"""Where a command's report goes: standard output, a file written whole or not at all, a folder of CSV files."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mechamap.cli.narration import Narration
from mechamap.cli.parser import Parser
from mechamap.cli.report_options import ReportOptions, ReportTables, add_report_flags, report_options
from mechamap.cli.report_output import write_report
from mechamap.errors import ExportError, UsageError
from mechamap.tables.table import Column, Report, Table

COLUMNS = (Column("n", "number", "count"), Column("word", "word"))
REPORT = Report(
    "Of a model",
    (
        Table("first", "The first", COLUMNS, ((1, "one"), (2, "né|e"))),
        Table("second", "The second", COLUMNS, tuple((n, "w") for n in range(30))),
    ),
    ("Remarkable.",),
    main="second",
)
Put = Callable[..., str]


@pytest.fixture
def put() -> Put:
    """Write the report as these words ask; what is said on stderr."""

    def put(*words: str | Path, **tables: Sequence[str]) -> str:
        said = io.StringIO()
        among = ReportTables(**{"known": ["first", "second"], **tables})
        write_report(REPORT, options(*words), among, Narration(said))
        return said.getvalue()

    return put


def options(*words: str | Path) -> ReportOptions:
    parser = Parser(prog="mechamap test")
    add_report_flags(parser)
    return report_options(parser.parse_args([*map(str, words)]))


def test_standard_output_holds_the_report_and_nothing_else(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    assert put() == ""
    out = capsys.readouterr().out
    assert out.startswith("Of a model\nnote: Remarkable.\n")
    assert "… and 20 more" in out
    assert put("--format", "json") == ""
    assert list(json.loads(capsys.readouterr().out)["tables"]) == ["first", "second"]


def test_remarks_stand_beside_a_csv_not_in_it(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    assert put("--format", "csv") == "note: Remarkable.\n"
    assert len(pd.read_csv(io.StringIO(capsys.readouterr().out))) == 30
    put("--format", "csv", single="first")
    assert pd.read_csv(io.StringIO(capsys.readouterr().out))["word"].tolist() == ["one", "né|e"]
    put("--format", "csv", "--table", "second", "--limit", "4", single="first")
    assert len(capsys.readouterr().out.splitlines()) == 5


def test_what_is_not_shown_is_named(put: Put, capsys: pytest.CaptureFixture[str]) -> None:
    assert "not shown: second" in put(shown=["first"])
    assert "The second" not in capsys.readouterr().out
    assert "--format json holds all)" in put(shown=["first"])
    known = ["first", "second", "third"]
    said = put(shown=["first"], known=known, on_request=["third"])
    assert said == "not shown: second, third (--table KEY; --format json holds all but third)\n"
    assert put(known=known, shown=["first", "second"], on_request=["third"]) == "not shown: third (--table KEY)\n"
    capsys.readouterr()
    assert put("--table", "second", shown=["first"]) == ""
    assert "The first" not in capsys.readouterr().out
    assert put("--format", "json", shown=["first"]) == ""
    assert "second" in json.loads(capsys.readouterr().out)["tables"]


def test_the_suffix_of_a_file_says_the_format(put: Put, tmp_path: Path) -> None:
    said = put("--out", tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text())["title"] == "Of a model"
    assert f"2 tables to {tmp_path / 'a.json'}" in said
    put("--out", tmp_path / "a.md")
    assert (tmp_path / "a.md").read_text(encoding="utf-8").startswith("# Of a model")
    put("--out", tmp_path / "a.csv", "--table", "first")
    assert pd.read_csv(tmp_path / "a.csv")["word"].tolist() == ["one", "né|e"]
    put("--out", tmp_path / "a.dat")
    assert (tmp_path / "a.dat").read_text(encoding="utf-8").startswith("Of a model\n")
    put("--out", tmp_path / "b.md", "--format", "json")
    assert json.loads((tmp_path / "b.md").read_text(encoding="utf-8"))


def test_a_folder_holds_every_table_as_a_csv(put: Put, tmp_path: Path) -> None:
    said = put("--out", f"{tmp_path}/tables/")
    assert "2 tables to" in said
    assert "note: Remarkable." in said
    assert sorted(file.name for file in (tmp_path / "tables").iterdir()) == ["first.csv", "second.csv"]
    assert len(pd.read_csv(tmp_path / "tables" / "second.csv")) == 30
    other = tmp_path / "there"
    other.mkdir()
    put("--out", other, "--format", "csv", "--table", "first")
    assert [file.name for file in other.iterdir()] == ["first.csv"]


def test_a_file_that_is_there_stays_unless_it_may_go(put: Put, tmp_path: Path) -> None:
    target = tmp_path / "a.md"
    target.write_text("mine")
    with pytest.raises(ExportError, match="already exists"):
        put("--out", target)
    assert target.read_text() == "mine"
    put("--out", target, "--overwrite")
    assert target.read_text(encoding="utf-8").startswith("# Of")
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "second.csv").write_text("mine")
    with pytest.raises(ExportError, match="already exists"):
        put("--out", folder)
    assert [file.name for file in folder.iterdir()] == ["second.csv"]  # not even the first one was written
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.md", "tables"]  # nothing half written beside


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["--table", "secnd"], UsageError, "Did you mean second"),
        (["--format", "csv", "--table", "first", "--table", "second"], UsageError, "CSV holds one table"),
        (["--limit", "-1"], UsageError, "--limit is -1"),
        (["--out", "/nowhere/at/all.md"], ExportError, "does not exist"),
        (["--out", "/nowhere/at/all/"], ExportError, "does not exist"),
        (["--out", ""], UsageError, "--out is empty"),
        (["--out", "/tmp", "--format", "json"], UsageError, "only CSV is written as one file per table"),
        (["--format", "yaml"], UsageError, "choose table, lines, json, csv or md"),
    ],
)
def test_what_cannot_be_done_is_said(put: Put, words: list[str], error: type[Exception], said: str) -> None:
    with pytest.raises(error) as wrong:
        put(*words)
    assert said in str(wrong.value)


def test_it_is_known_before_the_work_which_tables_and_rows_are_wanted() -> None:
    every = ReportTables(known=("a", "b", "c"))
    some = replace(every, shown=("a", "b"))
    assert options().chosen(some) == ("a", "b")
    assert options().chosen(every) is None
    assert options("--format", "json").chosen(some) is None
    assert options("--format", "csv").chosen(replace(some, single="b")) == ("b",)
    assert options("--format", "json", "--table", "c", "--table", "c").chosen(every) == ("c",)
    with pytest.raises(UsageError, match="Unknown table 'd'"):
        options("--table", "d").chosen(every)
    assert [options(*words).rows for words in ([], ["--format", "json"], ["--limit", "0"])] == [10, None, None]
    assert options("--format", "csv", "--limit", "7").rows == 7
