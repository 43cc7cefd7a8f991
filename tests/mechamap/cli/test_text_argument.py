"""The text that ``--text`` names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from mechamap.cli.text_argument import read_text_argument
from mechamap.errors import TextError


def test_it_is_a_file_or_standard_input(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Hello.\n")
    assert read_text_argument(str(tmp_path / "a.txt")) == "Hello."
    code = "from mechamap.cli.text_argument import read_text_argument; print(ascii(read_text_argument('-')))"
    piped = subprocess.run([sys.executable, "-c", code], input="Grüße.\n".encode(), capture_output=True, check=True)
    assert piped.stdout.strip() == ascii("Grüße.").encode()


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "holds no text"), (b" \n\t\n", "holds no text"), (b"\xff\xfe", "UTF-16"), (b"a\0b", "binary")],
)
def test_a_file_without_text_is_refused(tmp_path: Path, data: bytes, says: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(TextError, match=says):
        read_text_argument(str(tmp_path / "a.txt"))


def test_a_file_that_is_not_there_or_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="does not exist"):
        read_text_argument(str(tmp_path / "nowhere.txt"))
    with pytest.raises(TextError, match="is a folder"):
        read_text_argument(str(tmp_path))
