"""Cells of a CSV: which spellings are read, what is said of them, and how one that makes no sense is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.small_csv import HEADER, refused, remarks_of, written

from mechamap.csv_files import long as csv_long
from mechamap.csv_files.run import read_csv


@pytest.mark.parametrize("cell", ["7", "7.0", " 7 ", "7.", "007", "+7", "7.000"])
def test_a_number_is_read_as_pandas_and_people_write_it(tmp_path: Path, cell: str) -> None:
    run = read_csv(written(tmp_path, f"m,{cell},{cell},food,0.5,[]\n"))
    assert str(run.neuron_name(0)) == "L7.N7"


@pytest.mark.parametrize("cell", ["-1", "1.5", "1e3", "", "nan", "seven", "9999999999", "1_0", "7,0", "L7"])
@pytest.mark.parametrize("column", ["layer", "neuron"])
def test_a_number_that_is_none_is_named_by_row_and_column(tmp_path: Path, cell: str, column: str) -> None:
    layer, neuron = (f'"{cell}"', "0") if column == "layer" else ("0", f'"{cell}"')
    said, _ = refused(written(tmp_path, f"m,0,1,food,0.5,[]\nm,{layer},{neuron},food,0.5,[]\n"))
    assert said == f"row 3, column {column}: {cell!r} is not a whole number from 0 to 999,999,999."


@pytest.mark.parametrize("cell", ["much", "", "0,5", "1_000.5", "0.5.5", "[0.5]"])
def test_a_mean_that_is_no_number_is_named_by_row_and_column(tmp_path: Path, cell: str) -> None:
    said, _ = refused(written(tmp_path, f'm,0,0,food,0.5,[]\nm,0,1,,,[]\nm,0,2,food,"{cell}",[]\n'))
    assert said == f"row 4, column avg_activation: {cell!r} is not a number."


def test_a_mean_without_a_category_is_refused(tmp_path: Path) -> None:
    said, _ = refused(written(tmp_path, "m,0,0,,0.5,[]\n"))
    assert said == "row 2, column category: is empty although avg_activation is '0.5'."


def test_means_that_are_no_finite_numbers_are_counted(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "m,0,0,food,1.5,[]\nm,0,1,food,nan,[]\nm,0,2,food,-inf,[]\n"))
    assert np.array_equal(run.column("mean", "food"), [1.5, np.nan, -np.inf], equal_nan=True)
    assert remarks == ("Figures that are not finite numbers: 2, first 'nan' in row 3; nan means not computed.",)
    assert run.threshold == 0.2


@pytest.mark.parametrize("cell", ["NaN", "NULL", "<NA>", "None", " n/a "])
def test_a_category_that_is_missing_with_its_mean_is_none(tmp_path: Path, cell: str) -> None:
    rows = f"m,0,0,food,0.5,[]\nm,0,1,{cell},{cell},[]\nm,0,2,{cell},,[]\nm,0,3,,{cell},[]\n"
    run, remarks = remarks_of(written(tmp_path, rows))
    assert (run.neurons, run.categories) == (4, ("food",))
    said = (
        f"2 rows whose category and mean are missing, first {cell.strip()!r} in row 3: read as rows without a category."
    )
    assert remarks == (said,)


def test_a_category_may_be_called_none_where_it_has_a_mean(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "m,0,0,None,0.5,[]\nm,0,1,None,nan,[]\n"))
    assert run.categories == ("None",)
    assert "1 row whose category and mean are missing" in remarks[0]


def test_spaces_around_the_name_of_a_category_are_said(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "m,0,0,food,0.5,[]\nm,0,0, food,0.5,[]\n"))
    assert run.categories == ("food", " food")
    assert remarks == ("Categories with spaces around their names; the spaces were kept: ' food'.",)


def test_the_decimal_comma_of_spreadsheets_is_read_and_said(tmp_path: Path) -> None:
    rows = "m;1,0;2;food;0,25;[('a', 0.5)]\nm;1;3;food;-1,5;\nm;1;4;food;2;\n"
    run, remarks = remarks_of(written(tmp_path, rows, HEADER.replace(",", ";")))
    assert run.column("mean", "food").tolist() == [0.25, -1.5, 2.0]
    assert remarks == ("Numbers with a decimal comma were read as such: 2, first 0,25 in row 2.",)
    said, _ = refused(written(tmp_path, "m;1;2;food;1.234,5;\n", HEADER.replace(",", ";")))
    assert said == "row 2, column avg_activation: '1.234,5' is not a number."


def test_a_row_of_another_length_says_which_column_has_no_cell(tmp_path: Path) -> None:
    assert refused(written(tmp_path, "m,0,0,food,0.5,[]\nm,0,1,food\n")) == (
        "row 3: 4 cells under 6 columns.",
        "The first column without a cell is avg_activation. Row 1 is the header.",
    )
    assert refused(written(tmp_path, "m,0,0,food,0.5,[('a', 1)]\n")) == (
        "row 2: 7 cells under 6 columns.",
        "Put a cell that holds ',' in quotation marks. Row 1 is the header.",
    )


def test_a_header_in_the_middle_is_passed_over_and_said(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, f"m,0,0,food,0.5,[]\n{HEADER}m,0,1,food,0.5,[]\n"))
    assert (run.neurons, run.categories) == (2, ("food",))
    assert remarks == ("The header is repeated in row 3; it was skipped.",)


def test_a_category_column_of_something_else_is_refused_before_memory_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_long, "_MOST", 1_000_000)
    rows = "".join(f"m,0,{at},text {at},0.5,[]\n" for at in range(5000))
    said, hint = refused(written(tmp_path, rows))
    assert said == "up to row 2731, has 2,730 different categories for 2,730 neurons: more than fit in memory."
    assert hint == "Check that the column category holds categories."


# --- rows that say something twice ---


def test_a_neuron_and_category_given_twice_is_said(tmp_path: Path) -> None:
    rows = "m,0,0,food,0.5,[]\nm,0,1,food,0.3,[]\nm,0,0,animal,1,[]\nm,0,0,food,0.75,[]\nm,0,00,food,0.7,[]\n"
    run, remarks = remarks_of(written(tmp_path, rows))
    assert run.column("mean", "food").tolist() == [np.float32(0.7), np.float32(0.3)]
    assert remarks == ("2 rows give a neuron and category a second time, first row 5; the last was taken.",)


def test_the_second_time_may_be_thousands_of_rows_later(tmp_path: Path) -> None:
    rows = "".join(f"m,0,{at % 3000},food,{at},[]\n" for at in range(3001))
    run, remarks = remarks_of(written(tmp_path, rows))
    assert run.column("mean", "food")[:2].tolist() == [3000.0, 1.0]
    assert remarks == ("1 row gives a neuron and category a second time, first row 3002; the last was taken.",)


def test_a_neuron_with_and_without_a_category_is_said(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "m,0,0,food,0.5,[]\nm,0,1,,,[]\nm,0,0,,,[]\n"))
    assert run.column("mean", "food")[0] == 0.5
    assert remarks == (
        "1 neuron with rows both under a category and under none, such as L0.N0: their categories were taken.",
    )


def test_other_top_tokens_in_another_row_are_said(tmp_path: Path) -> None:
    rows = (
        "m,0,0,food,0.5,\"[('a', 1.0)]\"\n"
        "m,0,0,animal,0.5,\"[('a',1)]\"\n"  # the same, spelled otherwise
        "m,0,0,color,0.5,\n"  # says nothing
        "m,0,1,food,0.5,\"[('a', 1.0)]\"\n"
        "m,0,1,animal,0.5,\"[('b', 1.0)]\"\n"
        "m,0,1,color,0.5,\"[('a', 2.0)]\"\n"
    )
    run, remarks = remarks_of(written(tmp_path, rows))
    assert [hit.piece for hit in run.top_tokens(1)] == ["a"]
    assert remarks == (
        "1 neuron with different top_tokens in another row, first row 6; those of a neuron's first row were taken.",
    )


def test_a_later_cell_of_tokens_that_makes_no_sense_is_named(tmp_path: Path) -> None:
    said, _ = refused(written(tmp_path, "m,0,0,food,0.5,[]\nm,0,0,animal,0.5,apple\n"))
    assert said.startswith("row 3, column top_tokens: 'apple' is not a list of (token, value) pairs")


def test_one_list_much_longer_than_the_others_does_not_fill_the_memory(tmp_path: Path) -> None:
    many = ", ".join(f"('t{at}', {at})" for at in range(20_000))
    lists = [many if at == 7 else "('a', 1)" for at in range(3000)]
    rows = [f'm,0,{at},,,"[{cell}]"\n' for at, cell in enumerate(lists)]
    run, remarks = remarks_of(written(tmp_path, "".join(rows)))
    kept = run.figure("top_values").shape[1]
    assert kept * 3000 <= 2**23
    assert [hit.piece for hit in run.top_tokens(7)] == [f"t{at}" for at in range(kept)]
    assert [hit.piece for hit in run.top_tokens(2999)] == ["a"]
    assert remarks == (f"1 neuron with more than {kept:,} top_tokens: the first {kept:,} were taken.",)
