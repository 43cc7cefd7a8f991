"""How a CSV file is packed and encoded: gzip or not, UTF-8 or UTF-16; and what is not CSV at all."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO

from mechamap.errors import RunError
from mechamap.wording.advice import Action, Advice

__all__ = ["csv_text"]


_GZIP = b"\x1f\x8b"
_OTHERS = {
    b"{": "JSON",
    b"PK\x03\x04": "a zip archive, as .xlsx files are",
    b"PAR1": "Parquet",
    b"\x93NUMPY": "a NumPy array",
    b"\x7fELF": "a program",
    _GZIP: "a file packed with gzip twice",
}
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16", b"\xef\xbb\xbf": "utf-8-sig"}


def csv_text(path: Path, file: IO[bytes], errors: str) -> io.TextIOWrapper:
    """The text of an open file.

    Args:
        errors: what to do about bytes that are not text, by Python's name for it.

    Raises:
        RunError: it begins like something other than CSV.
    """
    stream: IO[bytes] | gzip.GzipFile = file
    if (start := _beginning(stream)).startswith(_GZIP):
        stream = gzip.GzipFile(fileobj=file)
        start = _beginning(stream)
    for beginning, format in _OTHERS.items():
        if start.startswith(beginning):
            raise RunError(
                f"{path} is not a CSV: it begins like {format}.",
                Advice.of("MechaMap reads CSV as {} writes it.", Action("export RUN --out FILE.csv")),
            )
    encoding = next((name for mark, name in _MARKS.items() if start.startswith(mark)), "utf-8")
    if encoding != "utf-16" and b"\0" in start[:16]:
        raise RunError(
            f"{path} is not UTF-8 text: it begins with NUL bytes.",
            "Save it as CSV in UTF-8. UTF-16 can be read if it begins with a byte order mark.",
        )
    return io.TextIOWrapper(stream, encoding=encoding, errors=errors, newline="")


def _beginning(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    start = stream.read(256)
    stream.seek(0)
    return start
