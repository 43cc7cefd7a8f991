"""How a CSV file is packed and encoded: gzip or not, UTF-8, UTF-16 or UTF-32; and what is not CSV at all."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import IO

from mechamap.errors import RunError
from mechamap.system.content import foreign_content, is_web_page, unicode_encoding
from mechamap.wording.advice import Action, Advice

__all__ = ["csv_text"]


_GZIP = b"\x1f\x8b"
_UTF8_MARK = b"\xef\xbb\xbf"
_LOOKED_AT = 4096  # bytes
_SHEET = "Save its sheet as CSV in UTF-8; unpack an archive of another kind."
_HINT = Advice.of("MechaMap reads CSV as {} writes it.", Action("export RUN --out FILE.csv"))


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
    _refuse_others(path, start)
    encoding = unicode_encoding(start)
    if encoding is not None and not encoding[1]:
        raise RunError(
            f"{path} is text in {encoding[0].upper()} without a byte order mark.",
            "Save it as CSV in UTF-8. UTF-16 and UTF-32 can be read if the file begins with a byte order mark.",
        )
    if encoding is None and b"\0" in start[:16]:
        raise RunError(f"{path} is not UTF-8 text: it begins with NUL bytes.", "Save it as CSV in UTF-8.")
    utf8 = "utf-8-sig" if start.startswith(_UTF8_MARK) else "utf-8"
    return io.TextIOWrapper(stream, encoding=encoding[0] if encoding else utf8, errors=errors, newline="")


def _refuse_others(path: Path, start: bytes) -> None:
    if start.startswith(_GZIP):
        raise RunError(f"{path} is packed with gzip twice.", "Unpack it once: gzip -dc FILE.csv.gz > NEW.csv.gz")
    if start.startswith(b"{"):
        raise RunError(f"{path} is not a CSV: it begins like JSON.", _HINT)
    if is_web_page(start):
        raise RunError(f"{path} is not a CSV: it is a web page.", "Download the file itself, not the page about it.")
    foreign = foreign_content(start)
    if foreign is not None and foreign.what in ("a zip archive", "an Excel workbook"):  # which may show as an archive
        raise RunError(f"{path} is not a CSV: it begins like a zip archive, as .xlsx files are.", _SHEET)
    if foreign is not None:
        packed = foreign.hint.startswith("Unpack")
        raise RunError(f"{path} is not a CSV: it is {foreign.what}.", foreign.hint if packed else _HINT)


def _beginning(stream: IO[bytes] | gzip.GzipFile) -> bytes:
    start = stream.read(_LOOKED_AT)
    stream.seek(0)
    return start
