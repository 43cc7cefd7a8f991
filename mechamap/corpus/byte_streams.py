"""The bytes of a file, unpacked as they are read, in bounded memory."""

from __future__ import annotations

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, BinaryIO, TypeAlias, cast

from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError, MissingExtra
from mechamap.system.content import foreign_content
from mechamap.system.paths import path_problem
from mechamap.wording.plain import printable

__all__ = ["BLOCK", "UNREADABLE", "Heard", "is_packed", "open_unpacked", "pyarrow_for", "skip_bytes", "unreadable"]

BLOCK = 1 << 20
"""Bytes read at once."""

Heard: TypeAlias = Callable[[memoryview], None]
"""Hears the bytes of a file as they are on disk, in order, each once."""

UNREADABLE = (OSError, EOFError, zlib.error)
"""What reading an unpacked stream may raise."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_SKIPPABLE = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # a frame without content, which pzstd begins with
_SNIFFED = 4096  # bytes that are looked at


class _HeardFile(io.RawIOBase):
    """A file whose bytes are heard by somebody as well; it is read from its start to its end."""

    def __init__(self, raw: io.RawIOBase, heard: Heard) -> None:
        self._raw, self._heard = raw, heard

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._raw.readinto(buffer) or 0
        if count:
            self._heard(memoryview(buffer)[:count])
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


@contextmanager
def open_unpacked(file: SourceFile, heard: Heard | None = None) -> Iterator[BinaryIO]:
    """A file opened for reading; gzip and zstd, told by its bytes, are unpacked on the way.

    Raises:
        CorpusError: it cannot be opened, or is named as packed while it is something else than text.
        MissingExtra: it is packed by zstd, and pyarrow is not installed.
    """
    with ExitStack() as opened:
        try:
            raw: io.RawIOBase = opened.enter_context(io.FileIO(file.path))
            stream = io.BufferedReader(raw if heard is None else _HeardFile(raw, heard), BLOCK)
            head = opened.enter_context(stream).peek(_SNIFFED)[:_SNIFFED]
        except OSError as error:
            raise unreadable(file, error) from None
        if head.startswith(_GZIP):
            yield cast(BinaryIO, opened.enter_context(gzip.GzipFile(fileobj=stream)))
        elif head.startswith(_ZSTD) or _SKIPPABLE.match(head):
            pyarrow = pyarrow_for(file)
            packed = pyarrow.PythonFile(stream, mode="r")
            yield cast(BinaryIO, opened.enter_context(pyarrow.CompressedInputStream(packed, "zstd")))
        elif is_packed(file) and not _is_text(head):
            raise CorpusError(
                f"{file.shown} is named as packed, but its first bytes are neither gzip nor zstd.",
                "Get the file again.",
            )
        else:  # one that was unpacked while it was downloaded, and kept its name, too
            yield stream


def skip_bytes(file: SourceFile, stream: BinaryIO, count: int) -> None:
    """Go on from the start of a stream to behind its first ``count`` bytes, by reading them where it is packed.

    Raises:
        CorpusError: they cannot be read.
    """
    try:
        if stream.seekable():
            stream.seek(count)
            return
        while count and (block := stream.read(min(count, BLOCK))):
            count -= len(block)
    except UNREADABLE as error:
        raise unreadable(file, error) from None


def is_packed(file: SourceFile) -> bool:
    """Whether a file's name says that it is packed."""
    return file.path.name.lower().endswith((".gz", ".zst"))


def _is_text(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be text in UTF-8."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return foreign_content(head) is None and b"\0" not in head


def pyarrow_for(file: SourceFile) -> Any:
    """The library pyarrow.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError:
        raise MissingExtra(
            f"Reading {file.shown} needs the package pyarrow, which is not installed.",
            "Install it: pip install 'mechamap[corpus]'",
        ) from None
    return pyarrow


def unreadable(file: SourceFile, error: Exception, line: int | None = None) -> CorpusError:
    """The error of a file that cannot be opened, or not be read any further.

    Args:
        line: the line, counted from 1, behind whose beginning nothing can be read; None where there are no lines.
    """
    where = file.shown if line is None else file.at(line)
    if isinstance(error, OSError) and error.errno is not None:
        reason, hint = path_problem(error, "Check the file and its rights.")
        return CorpusError(f"{where} cannot be read: {reason}.", hint)
    if isinstance(error, EOFError) or "truncated" in str(error).lower():
        return CorpusError(f"{where}: the file is cut short; what is packed in it ends here.", "Get the whole file.")
    if "too much memory" in str(error):
        return CorpusError(
            f"{file.shown} is packed by zstd with a window of more than 128 MB.",
            "Pack it with a smaller one: zstd -dc --long=31 FILE | zstd > NEW",
        )
    return CorpusError(f"{where}: the packed file is damaged here ({printable(str(error))}).", "Get the file again.")
