"""CSV files that spreadsheets write and read."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.recorded_run import recorded_run
from support.small_csv import refused, remarks_of

from mechamap.csv_files.run import read_csv
from mechamap.errors import UsageError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap.tables.programs import csv_text
from mechamap.tables.table import Column, Table
from mechamap.wording.spreadsheet import as_read, as_written

ROWS = "layer;neuron;category;avg_activation;top_tokens\n0;3;food;0,25;\"[('pâté', 1.5)]\"\n1;2;;;[]\n"
FORMULAS = ("=1+1", "+4", "-sum", "@name", "\ttab", "\r\nline", "＝1", "'=1", "''@x")
PLAIN = ("food", "'quoted'", "a=b", "", "1-2", "'")


@pytest.mark.kind("separator_named_in_the_first_line")
@pytest.mark.parametrize(
    ("line", "separator"),
    [("sep=;", ";"), ("SEP=;", ";"), ('"sep=;"', ";"), ("sep=;;;;;", ";"), ("sep=,", ","), ("sep=\t", "\t")],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_line_names_what_stands_between_cells(tmp_path: Path, line: str, separator: str, encoding: str) -> None:
    rows = ROWS.replace("0,25", '"0,25"' if separator == "," else "0,25").replace(";", separator)
    if separator == ",":
        rows = rows.replace('"0,25"', "0.25").replace("('pâté', 1.5)", "('pâté', 1.5)")
    (tmp_path / "some.csv").write_bytes(f"{line}\r\n{rows}".encode(encoding))
    run = read_csv(tmp_path / "some.csv")
    assert run.categories == ("food",)
    assert run.figure("mean")[0].tolist() == [0.25]
    assert run.record.tokens.pieces == ("pâté",)


@pytest.mark.kind("separator_named_in_the_first_line")
def test_rows_are_counted_with_that_line(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text("sep=;\n" + ROWS.replace("0,25", "much"), encoding="utf-8")
    message, hint = refused(tmp_path / "some.csv")
    assert message == "row 3, column avg_activation: 'much' is not a number."
    assert hint == "Row 2 is the header."


@pytest.mark.kind("semicolons_and_decimal_commas")
def test_a_csv_of_another_country_is_read_and_its_commas_are_noted(tmp_path: Path) -> None:
    (tmp_path / "some.csv").write_text(ROWS, encoding="utf-8-sig")
    run, remarks = remarks_of(tmp_path / "some.csv")
    assert run.figure("mean")[0].tolist() == [0.25]
    assert any("decimal comma" in remark for remark in remarks)


@pytest.mark.kind("csv_in_utf32")
def test_utf32_is_read_and_utf16_without_a_mark_is_named(tmp_path: Path) -> None:
    for name in ("utf-32", "utf-16"):
        (tmp_path / "some.csv").write_bytes(ROWS.encode(name))
        assert read_csv(tmp_path / "some.csv").categories == ("food",)
    for name in ("utf-16-le", "utf-16-be", "utf-32-le"):
        (tmp_path / "some.csv").write_bytes(ROWS.encode(name))
        assert refused(tmp_path / "some.csv")[0] == f"is text in {name.upper()} without a byte order mark."


@pytest.mark.kind("other_file_given_as_csv")
@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"<!DOCTYPE html>\n<html><body>layer,neuron</body></html>", "it is a web page"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "it is a PDF"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "it is a picture (PNG)"),
        (b"GGUF\x03\0\0\0", "it is a model in GGUF"),
        (b"\xfd7zXZ\0\0", "it is a file packed with xz"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "it is only a Git LFS pointer"),
    ],
)
def test_a_file_that_is_no_csv_is_named(tmp_path: Path, data: bytes, what: str) -> None:
    (tmp_path / "some.csv").write_bytes(data)
    assert refused(tmp_path / "some.csv")[0] == f"is not a CSV: {what}."


def renamed(folder: Path, categories: tuple[str, ...], model: str) -> Run:
    """A small run whose categories and model have other names."""
    run = recorded_run(folder)
    record = replace(run.record, categories=categories, model=replace(run.record.model, name=model))
    run.record = record
    return run


@pytest.mark.kind("cells_run_as_formulas")
@pytest.mark.parametrize("excel", [False, True])
def test_what_is_written_is_read_back_whatever_it_begins_with(excel: bool) -> None:
    for text in (*FORMULAS, *PLAIN):
        assert as_read(as_written(text, excel=excel)) == text
    assert all(as_written(text, excel=True).startswith("'") for text in FORMULAS)
    assert all(as_written(text, excel=excel) == text for text in PLAIN)


@pytest.mark.kind("cells_run_as_formulas")
@pytest.mark.parametrize("excel", [False, True])
@pytest.mark.parametrize("wide", [False, True])
def test_an_export_for_a_spreadsheet_has_no_formula_and_is_read_back(tmp_path: Path, excel: bool, wide: bool) -> None:
    run = renamed(tmp_path / "run", ("=food", "'@animal", "-color"), "+org/model")
    request = ExportRequest("csv", wide=wide, excel=excel, threshold=-9.0)
    export_run(run, tmp_path / "out.csv", request)
    data = (tmp_path / "out.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf") == excel
    rows = list(csv.reader(data.decode("utf-8-sig").splitlines()))
    texts = [cell for row in rows for cell in row if not is_number(cell)]
    assert any(cell.startswith(("=", "+", "-", "@")) for cell in texts) == (not excel and not wide)
    assert any(cell.startswith("-") for row in rows for cell in row if is_number(cell)), "numbers stay numbers"
    read = read_csv(tmp_path / "out.csv")
    assert read.categories == run.categories
    assert np.allclose(read.figure("mean"), run.figure("mean"), atol=1e-4)
    assert wide or read.record.model.name == "+org/model"


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


@pytest.mark.kind("cells_run_as_formulas")
def test_a_table_of_a_report_has_none_either() -> None:
    table = Table("words", "Words", (Column("word", "word"), Column("d", "d")), (("=1+1", -0.5), ("@x", 2)))
    assert csv_text(table, excel=True) == "\ufeffword,d\n'=1+1,-0.5\n'@x,2\n"
    assert csv_text(table) == "word,d\n=1+1,-0.5\n@x,2\n"


@pytest.mark.kind("encoding_that_excel_takes_for_another")
def test_other_formats_have_no_form_for_spreadsheets(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    with pytest.raises(UsageError, match="json"):
        export_run(run, tmp_path / "out.json", ExportRequest("json", excel=True))
    export_run(run, tmp_path / "out.csv", ExportRequest("csv", excel=True))
    plain = tmp_path / "plain.csv"
    export_run(run, plain, ExportRequest("csv"))
    assert (tmp_path / "out.csv").read_bytes() == b"\xef\xbb\xbf" + plain.read_bytes()
