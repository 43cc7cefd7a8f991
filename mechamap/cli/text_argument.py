"""The text that ``--text`` names."""

from __future__ import annotations

import sys

from mechamap.errors import TextError
from mechamap.system.bounded_files import read_stream
from mechamap.system.paths import user_path
from mechamap.system.text_files import LARGEST_TEXT, TOO_LARGE, decoded, read_text_file

__all__ = ["read_text_argument"]


def read_text_argument(source: str) -> str:
    """The text of a file, or with ``-`` that of standard input.

    Raises:
        TextError: it is missing, unreadable, empty, or not UTF-8 text.
    """
    if source != "-":
        return read_text_file(user_path(source))
    if sys.stdin is None or sys.stdin.closed:
        raise TextError("The text cannot be read from standard input, which is closed.", "Name a file: --text FILE.")
    hint = "Pipe the text in, as in: cat notes.txt | mechamap ... --text -"
    try:
        data = read_stream(sys.stdin.buffer, LARGEST_TEXT)
    except OSError as error:
        reason = error.strerror or str(error)
        raise TextError(f"The text cannot be read from standard input: {reason}.", TOO_LARGE) from None
    return decoded(data, "standard input", hint)
