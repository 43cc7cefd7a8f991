"""What a file holds that should be plain text in UTF-8: told by its bytes, never by its name."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

__all__ = ["NotText", "foreign_content", "is_lfs_pointer", "is_web_page", "unicode_encoding", "why_not_text"]


@dataclass(frozen=True, slots=True)
class NotText:
    """Why bytes are not text in UTF-8.

    Attributes:
        what: what they are, to stand behind "is": ``a PDF``.
        hint: how to get text from them, in sentences.
        offset: of the first byte that is wrong; None where all of them are something else.
    """

    what: str
    hint: str
    offset: int | None = None


def _packed(by: str, unpack: str) -> NotText:
    return NotText(f"a file packed with {by}", f"Unpack it first: {unpack}")


_PANDOC = "Take its text out, as in: pandoc -t plain FILE -o NEW"
_PLAIN = "Save it as plain text in UTF-8 with a program that opens it."
_GIVE_TEXT = "Give a plain text file in UTF-8."
_COLUMN = "Write its column of text into a file, as with pandas: pandas.read_parquet(FILE)"
_LFS_POINTER = b"version https://git-lfs"
_RECORDING = NotText("a recording", "Give its words as plain text in UTF-8.")


def _picture(format: str) -> NotText:
    return NotText(f"a picture ({format})", "Its text must be recognised first, as with: tesseract FILE NEW")


_BEGINNINGS: tuple[tuple[bytes, NotText], ...] = (
    (b"\x1f\x8b", _packed("gzip", "gzip -dc FILE > NEW")),
    (b"\xfd7zXZ\0", _packed("xz", "xz -dc FILE > NEW")),
    (b"\x28\xb5\x2f\xfd", _packed("zstd", "zstd -dc FILE > NEW")),
    (b"\x04\x22\x4d\x18", _packed("lz4", "lz4 -dc FILE > NEW")),
    (b"7z\xbc\xaf\x27\x1c", _packed("7-Zip", "7z x FILE")),
    (b"%PDF-", NotText("a PDF", "Take its text out, as in: pdftotext FILE NEW")),
    (b"{\\rtf", NotText("a document in RTF", _PANDOC)),
    (b"%!PS-", NotText("a PostScript file", "Take its text out, as in: ps2ascii FILE NEW")),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", NotText("a document of an old Microsoft Office", _PLAIN)),
    (b"\x89PNG\r\n\x1a\n", _picture("PNG")),
    (b"\xff\xd8\xff", _picture("JPEG")),
    (b"\x89HDF\r\n\x1a\n", NotText("an HDF5 file", _GIVE_TEXT)),
    (b"\x93NUMPY", NotText("a NumPy array", _GIVE_TEXT)),
    (b"\x7fELF", NotText("a program", _GIVE_TEXT)),
    (_LFS_POINTER, NotText("only a Git LFS pointer", "Run `git lfs pull` in its folder to get the file itself.")),
)
# Text could begin like these: they count where control characters follow, which text does not have.
_BEGINNINGS_IN_LETTERS: tuple[tuple[bytes, NotText], ...] = (
    (b"BZh", _packed("bzip2", "bzip2 -dc FILE > NEW")),
    (b"Rar!", _packed("RAR", "unrar x FILE")),
    (b"PAR1", NotText("a Parquet file", _COLUMN)),
    (b"ARROW1", NotText("an Arrow file", "Write its column of text into a file, as with pandas.")),
    (b"SQLite format 3", NotText("an SQLite database", "Write its text into a file: sqlite3 FILE 'select ...' > NEW")),
    (b"GGUF", NotText("a model in GGUF", "Give it as the model, and a text in UTF-8 as the text.")),
    (b"GIF8", _picture("GIF")),
    (b"II*", _picture("TIFF")),
    (b"MM\0*", _picture("TIFF")),
    (b"ID3", _RECORDING),
    (b"OggS", _RECORDING),
    (b"fLaC", _RECORDING),
    (b"RIFF", _RECORDING),
    (b"MZ", NotText("a program", _GIVE_TEXT)),
)
_IN_ZIP = (
    (b"word/document.xml", NotText("a Word document", _PANDOC)),
    (b"xl/workbook.xml", NotText("an Excel workbook", "Save the sheet that holds the text as text or CSV in UTF-8.")),
    (b"ppt/presentation.xml", NotText("a PowerPoint presentation", _PLAIN)),
    (b"mimetypeapplication/epub", NotText("an EPUB", _PANDOC)),
    (b"mimetypeapplication/vnd.oasis", NotText("an OpenDocument file", _PANDOC)),
    (b"/data.pkl", NotText("a file of PyTorch", _GIVE_TEXT)),
)
_ZIP = NotText("a zip archive", "Unpack it first: unzip FILE")
_PICKLE = NotText("a Python pickle", _GIVE_TEXT)
_FURTHER_IN = (
    (8, b"WEBP", _picture("WebP")),
    (4, b"ftyp", _RECORDING),
    (257, b"ustar", NotText("a tar archive", "Unpack it first: tar -xf FILE")),
    (8, b'{"', NotText("a file of weights in safetensors", _GIVE_TEXT)),
    (0, b"\x80\x02", _PICKLE),
    (0, b"\x80\x04\x95", _PICKLE),
    (0, b"\x80\x05\x95", _PICKLE),
)
_CONTROLS = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")


def foreign_content(data: bytes) -> NotText | None:
    """What a file is that begins with ``data``, where it begins like one of a format that is not plain text."""
    if data.startswith(b"PK\x03\x04"):
        return next((kind for name, kind in _IN_ZIP if name in data), _ZIP)
    kinds = [(0, beginning, kind) for beginning, kind in _BEGINNINGS]
    if _CONTROLS.search(data, 0, 256):
        kinds += [*_FURTHER_IN, *((0, beginning, kind) for beginning, kind in _BEGINNINGS_IN_LETTERS)]
    return next((kind for offset, mark, kind in kinds if data.startswith(mark, offset)), None)


def is_lfs_pointer(data: bytes) -> bool:
    """Whether a file is what Git has in place of one that Git LFS keeps."""
    return data.startswith(_LFS_POINTER)


def is_web_page(data: bytes) -> bool:
    """Whether a file is HTML, as what is downloaded from the address of a page in place of that of its file."""
    return data.lstrip()[:15].lower().startswith((b"<!doctype html", b"<html"))


_MARKS = (  # that of UTF-32-LE begins like that of UTF-16-LE
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_WITHOUT_MARK = ("utf-32-le", "utf-32-be", "utf-16-le", "utf-16-be")
_SAMPLE = 4096  # bytes that are looked at
_FEW = 0.1  # share of spaces and line ends among a text's characters that is more than stray bytes
_SPACES = "\t\n\r\f\x1b"


def unicode_encoding(data: bytes) -> tuple[str, bool] | None:
    """Which of UTF-16 and UTF-32 text is in, and whether a byte order mark says so; None for any other bytes.

    Without a mark it is told by its NUL bytes: every space and line end has some, at the same place of each character.
    """
    for mark, name in _MARKS:
        if data.startswith(mark):
            return name, True
    sample = data[:_SAMPLE]
    if b"\0" not in sample:
        return None
    return next(((name, False) for name in _WITHOUT_MARK if _reads_as(sample, name)), None)


def _reads_as(sample: bytes, encoding: str) -> bool:
    """Whether bytes are text in an encoding: characters that there are, and none that text does not have."""
    if len(sample) % 2:  # a sample that is no whole file has an even number of bytes
        return False
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(sample)
    except UnicodeDecodeError:
        return False
    if any(unicodedata.category(char) in ("Cc", "Cn", "Co", "Cs") and char not in _SPACES for char in text):
        return False
    if encoding.startswith("utf-16"):  # spaces and line ends have their NUL in the higher byte
        low, high = sample[::2].count(0), sample[1::2].count(0)
        nuls, misplaced = (high, low) if encoding.endswith("le") else (low, high)
        return nuls > misplaced and (nuls > _FEW * len(text) or not _is_utf8(sample))
    return bool(text)


def _is_utf8(sample: bytes) -> bool:
    """Whether bytes are text in UTF-8, but for a character that their end cuts off: a NUL among such is a stray one."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        return False
    return True


def why_not_text(data: bytes) -> NotText | None:
    """Why all bytes of a file are not text in UTF-8, None where they are; a byte order mark is allowed."""
    if (foreign := foreign_content(data)) is not None:
        return foreign
    if (encoding := unicode_encoding(data)) is not None:
        name, marked = encoding
        plain = name.upper() if marked else f"{name[:6].upper()} without a byte order mark"
        iconv = name if marked else name[:6] + name[7:]
        return NotText(f"text in {plain}", f"Convert it: iconv -f {iconv} -t utf-8 FILE > NEW")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return _undecodable(data, error)
    if "\0" in text:
        return NotText("binary data", _GIVE_TEXT)
    return None


def _undecodable(data: bytes, error: UnicodeDecodeError) -> NotText:
    if b"\0" in data:
        return NotText("binary data", _GIVE_TEXT)
    if error.reason == "unexpected end of data" and not data[: error.start].isascii():  # all before it is UTF-8
        return NotText(
            "cut short within its last character", "Get the whole file, or cut it at the end of a line.", error.start
        )
    return NotText(f"not UTF-8: byte 0x{data[error.start]:02x}", _legacy_hint(data), error.start)


def _legacy_hint(data: bytes) -> str:
    """How to convert text in an encoding from before Unicode, which its bytes do not name."""
    read = data[:65_536].decode("utf-8", errors="replace")
    bad = read.count("\ufffd")
    if sum(not char.isascii() for char in read) - bad > 4 * bad:
        return "Most of it is UTF-8: mend that line, or leave such bytes out: iconv -c -f utf-8 -t utf-8 FILE > NEW"
    runs = [len(run) for run in re.findall(rb"[\x80-\xff]+", data[:65_536])]
    if sum(length for length in runs if length > 2) > sum(length for length in runs if length <= 2):
        return (
            "Convert it from the encoding of its language: shift_jis or euc-jp, gb18030 or big5, euc-kr, windows-1251 "
            "or koi8-r, ..., as in: iconv -f gb18030 -t utf-8 FILE > NEW"
        )
    return (
        "Convert it from its encoding, which in Western Europe is often windows-1252, as in: "
        "iconv -f windows-1252 -t utf-8 FILE > NEW"
    )
