"""Records of JSON Lines, of which one member is decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from mechamap.corpus.byte_streams import open_unpacked
from mechamap.corpus.lines import byte_lines, decoded_line
from mechamap.corpus.members import choose_another, chosen_member, listed, no_member
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError
from mechamap.system.content import is_web_page

__all__ = ["json_member", "json_texts"]

_ONE_A_LINE = "Each line is one record in JSON. A file that is one list of them is rewritten by: jq -c '.[]' FILE > NEW"


def json_member(file: SourceFile, field: str | None) -> str:
    """Which member of a file's records holds the text, by its first record.

    Raises:
        CorpusError: there is none, or the first record cannot be read.
    """
    with open_unpacked(file) as stream:
        for number, (_, data) in enumerate(byte_lines(file, stream), 1):
            if data.strip():
                record = _record(file, number, data)
                return chosen_member(file.at(number), record, [k for k, v in record.items() if type(v) is str], field)
    return field or "text"


def json_texts(
    file: SourceFile, stream: BinaryIO, member: str, line: int = 0, offset: int = 0
) -> Iterator[tuple[int, str]]:
    """The text of every line's record, with the offset at which the line begins.

    That of a blank line, and of a member that is null, is empty.

    Args:
        line: the number of the first line, counted from 0, which begins at ``offset``.

    Raises:
        CorpusError: a line is no record in JSON, or its member is missing or no text.
    """
    import msgspec

    kind = msgspec.defstruct("Record", [("text", str | None)], rename={"text": member}, gc=False)
    decode: Callable[[bytes], Any] = msgspec.json.Decoder(kind).decode
    for number, (start, data) in enumerate(byte_lines(file, stream, line, offset), line + 1):
        try:
            text = decode(data).text
        except (msgspec.DecodeError, RecursionError):
            text = _text_in_full(file, number, data, member)
        yield start, text or ""


def _text_in_full(file: SourceFile, number: int, data: bytes, member: str) -> str | None:
    """What the strict decoder refuses: a blank line, the NaN that Python writes, or a mistake, which is named."""
    if not data.strip():
        return None
    record = _record(file, number, data)
    where = file.at(number)
    if member not in record:
        raise no_member(where, member, list(record))
    text = record[member]
    if text is not None and not isinstance(text, str):
        others = [name for name, value in record.items() if isinstance(value, str)]
        raise CorpusError(
            f"{where}: {listed([member])} is {_named(text)}, not a text.",
            choose_another(others) if others and number == 1 else "Mend or remove that record.",
        )
    try:
        (text or "").encode()
    except UnicodeEncodeError as error:
        raise CorpusError(
            f"{where}: {listed([member])} has half of a surrogate pair, {ascii(error.object[error.start])[1:-1]}, "
            "which is no character.",
            "Mend or remove that record.",
        ) from None
    return text


def _record(file: SourceFile, number: int, data: bytes) -> dict[str, Any]:
    line = decoded_line(file, number, data)
    try:
        record = json.loads(line)
    except json.JSONDecodeError as error:
        if number == 1 and is_web_page(data):
            raise CorpusError(f"{file.shown} is a web page.", "Download the file itself.") from None
        raise CorpusError(
            f"{file.at(number)} is not JSON: {error.msg}, at character {error.pos + 1:,} of the line.",
            _ONE_A_LINE if number == 1 else "Mend that line, or take it out.",
        ) from None
    except (ValueError, RecursionError):  # a number of thousands of digits; nesting without end
        raise CorpusError(f"{file.at(number)} is JSON of a kind that is not read.", "Remove that record.") from None
    if not isinstance(record, dict):
        raise CorpusError(f"{file.at(number)} is {_named(record)}, not an object with members.", _ONE_A_LINE)
    return record


def _named(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"
