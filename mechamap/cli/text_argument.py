"""The text that ``--text`` names."""

from __future__ import annotations

import sys

from mechamap.errors import TextError
from mechamap.system.paths import user_path
from mechamap.system.text_files import decoded, read_text_file

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
    return decoded(sys.stdin.buffer.read(), "standard input", hint)
