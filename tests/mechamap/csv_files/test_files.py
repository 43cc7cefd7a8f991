"""Files that a CSV comes in: packed, in other encodings, cut short, or no CSV at all; and how reading one is told."""

from __future__ import annotations

import csv
import gzip
import json
import os
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.small_csv import HEADER, refused, remarks_of, written

from mechamap.cli.main import main
from mechamap.csv_files.run import open_run, read_csv
from mechamap.errors import Cancelled, RunError
from mechamap.exports.registry import ExportRequest, export_run

ROWS = "m,0,0,food,0.5,\"[('日本', 1.0)]\"\nm,0,1,,,[]\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_with_a_mark_and_all_line_ends_are_read(tmp_path: Path, encoding: str, line_end: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes((HEADER + ROWS).replace("\n", line_end).encode(encoding))
    run, remarks = remarks_of(path)
    assert (run.neurons, run.top_tokens(0)[0].piece, remarks) == (2, "日本", ())


def test_a_packed_file_is_read_whatever_it_is_called(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    for name in ("out.csv.gz", "packed.csv"):
        (tmp_path / name).write_bytes(gzip.compress((tmp_path / "out.csv").read_bytes(), mtime=0))
        shares: list[float] = []
        read = open_run(tmp_path / name, progress=shares.append)
        assert (read.neurons, read.label, shares[-1]) == (run.neurons, "tiny", 1.0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"model": "m", "results": {}}', "is not a CSV: it begins like JSON."),
        (b"PK\x03\x04" + bytes(40), "is not a CSV: it begins like a zip archive, as .xlsx files are."),
        (b"PAR1" + bytes(40), "is not a CSV: it is a Parquet file."),
        (HEADER.encode("utf-16-le"), "is text in UTF-16-LE without a byte order mark."),
        (bytes(16) + HEADER.encode(), "is not UTF-8 text: it begins with NUL bytes."),
        (HEADER.encode() + b"m,0,0,\xff,0.5,[]\n", "row 2, column category: byte 0xff is not UTF-8 text."),
        (b"mod\xe8le,layer\n", "cell 1 of the header: byte 0xe8 is not UTF-8 text."),
        ("\ufeff".encode("utf-16") + b"\x00\xd8", "is not UTF-16-LE, although its byte order mark says so"),
        (HEADER.encode() + b"m,0,0,fo\x00od,0.5,[]\n", "row 2, column category: there is a NUL byte."),
        (gzip.compress((HEADER + ROWS * 99).encode(), mtime=0)[:-20], "cannot be read: Compressed file ended"),
        (b"\x1f\x8b\x08" + bytes(40), "cannot be read"),
    ],
)
def test_a_file_that_is_no_text_is_refused_in_words(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "some.csv"
    path.write_bytes(content)
    message, hint = refused(path)
    assert message.startswith(said)
    assert hint


def test_a_packed_file_that_is_cut_short_is_not_taken_for_one_without_rights(tmp_path: Path) -> None:
    packed = gzip.compress((HEADER + ROWS * 99).encode(), mtime=0)
    for content in (packed[:-20], packed + b"more", packed[:-8] + bytes(8)):
        path = tmp_path / "some.csv.gz"
        path.write_bytes(content)
        assert refused(path)[1] == "The file is packed with gzip and is damaged or cut short; copy it or make it again."


def test_a_byte_that_is_no_text_is_found_thousands_of_rows_on(tmp_path: Path) -> None:
    rows = [f"m,0,{at},food,0.5,[]\n".encode() for at in range(9000)]
    rows[8000] = b"m,0,8000,food,0.5,\"[('caf\xe9', 1)]\"\n"
    path = tmp_path / "some.csv"
    path.write_bytes(HEADER.encode() + b"".join(rows))
    assert refused(path)[0] == "row 8002, column top_tokens: byte 0xe9 is not UTF-8 text."


def test_a_folder_and_a_file_that_is_not_there_are_told_apart(tmp_path: Path) -> None:
    assert refused(tmp_path) == ("is a folder, not a CSV file.", "Name a file inside it.")
    assert refused(tmp_path / "none.csv")[0] == "cannot be read: No such file or directory."


def test_a_pipe_is_no_run_that_is_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path(os.devnull)):
        with pytest.raises(RunError, match="is a pipe or a device, not a file"):
            open_run(path)


# --- rows and lines ---


def test_a_row_is_named_with_its_line_where_cells_hold_line_ends(tmp_path: Path) -> None:
    rows = 'm,0,0,"fo\nod",0.5,"[\n[""a"", 1.0]\r\n]"\n\nm,0,1,food,much,[]\n'
    assert refused(written(tmp_path, rows))[0].startswith("row 4 (line 7), column avg_activation: 'much'")


def test_lines_are_counted_over_thousands_of_rows(tmp_path: Path) -> None:
    rows = "".join(f'm,0,{at},"two\nlines",0.5,[]\n' for at in range(5000)) + "m,0,x,food,0.5,[]\n"
    assert refused(written(tmp_path, rows))[0].startswith("row 5002 (line 10002), column neuron: 'x'")


def test_the_header_may_follow_blank_lines(tmp_path: Path) -> None:
    said, hint = refused(written(tmp_path, "m,0,x,food,0.5,[]\n", f"\n  \n{HEADER}"))
    assert (said.startswith("row 4, column neuron"), hint) == (True, "Row 3 is the header.")


def test_blank_rows_are_passed_over_as_spreadsheets_leave_them(tmp_path: Path) -> None:
    run, remarks = remarks_of(written(tmp_path, "m,0,0,food,0.5,[]\n,,,,,\n   \n\nm,0,1,food,0.5,[]\n"))
    assert (run.neurons, remarks) == (2, ())


@pytest.mark.parametrize("row", [3, 3000])
def test_a_quotation_mark_that_nothing_closes_is_named_by_its_row(tmp_path: Path, row: int) -> None:
    rows = [f"m,0,{at},food,0.5,[]\n" for at in range(6000)]
    rows[row - 2] = f'm,0,{row - 2},food,0.5,"[]\n'
    said, hint = refused(written(tmp_path, "".join(rows)))
    assert said == f"row {row}: a quotation mark is not closed."
    assert "cut short" in hint


def test_the_limit_of_a_cell_is_as_before_once_a_file_was_read(tmp_path: Path) -> None:
    limit = csv.field_size_limit()
    read_csv(written(tmp_path, ROWS))
    refused(written(tmp_path, '"'))
    assert csv.field_size_limit() == limit


# --- progress ---


def test_progress_tells_the_share_that_was_read_and_can_stop_it(tmp_path: Path) -> None:
    path = written(tmp_path, "".join(f"m,0,{at},food,0.5,[]\n" for at in range(30_000)))
    shares: list[float] = []
    read_csv(path, shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert len(shares) > 5 and 0 < shares[0] < 0.5

    def stop(share: float) -> None:
        raise Cancelled(f"at {share:.0%}")

    with pytest.raises(Cancelled):
        read_csv(path, stop)


# --- on the command line ---


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty."),
        (HEADER, "has a header and no rows."),
        (HEADER + "m,0,0,food,much,[]\n", "row 2, column avg_activation: 'much' is not a number."),
        (HEADER + "m,0,0,food,0.5,[]\nother,0,0,food,0.5,[]\n", "on the command line with --model m."),
        (json.dumps({"model": "m"}), "begins like JSON"),
    ],
)
def test_the_command_line_says_it_without_a_traceback(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str, said: str
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(content)
    assert main(["export", str(path)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: The run cannot be opened\n") and said in err


def test_export_reads_one_of_several_models_and_says_what_was_read_how(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, "a,0,0,food,0.5,[]\nb,0,1,food,0.25,[]\n")
    assert main(["export", str(path), "--model", "b"]) == 0
    out, err = capsys.readouterr()
    assert out == HEADER + "b,0,1,food,0.2500,[]\n"
    assert "Rows of other models that were not read: 1 of a." in err
