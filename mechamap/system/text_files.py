"""Texts from outside."""

from __future__ import annotations

import errno
from pathlib import Path

from mechamap.errors import TextError
from mechamap.system.bounded_files import read_at_most
from mechamap.system.content import why_not_text
from mechamap.system.paths import path_problem

__all__ = ["LARGEST_TEXT", "TOO_LARGE", "decoded", "read_text_file"]


LARGEST_TEXT = 256_000_000  # bytes; activations of so many tokens fit nowhere
TOO_LARGE = "Give it as a corpus, which is read piece by piece."


def read_text_file(path: Path) -> str:
    """A UTF-8 file's text, without its final line ends.

    Raises:
        TextError: it is missing, unreadable, empty, or not UTF-8 text.
    """
    try:
        data = read_at_most(path, LARGEST_TEXT, or_pipe=True)
    except FileNotFoundError:
        raise TextError(f"The text file {path} does not exist.", "Check the path.") from None
    except IsADirectoryError:
        raise TextError(f"{path} is a folder, not a text file.", "Name a file inside it.") from None
    except (OSError, ValueError) as error:
        too_large = getattr(error, "errno", None) == errno.EFBIG
        reason, hint = path_problem(error, TOO_LARGE if too_large else "Check the path and its rights.")
        raise TextError(f"The text file {path} cannot be read: {reason}.", hint) from None
    return decoded(data, str(path))


def decoded(data: bytes, name: str, hint: str = "") -> str:
    """Bytes as text: UTF-8, line ends as ``\\n``, final line ends taken off.

    Raises:
        TextError: nothing there, or not UTF-8 text.
    """
    if (problem := why_not_text(data)) is not None:
        line = data.count(b"\n", 0, problem.offset) + 1 if problem.offset is not None else 0
        where = f" in line {line}" if line else ""
        raise TextError(f"{name} is {problem.what}{where}; texts are read as UTF-8.", problem.hint)
    text = data.decode("utf-8-sig")
    text = text.replace("\r\n", "\n").rstrip("\n")
    if not text.strip():
        raise TextError(f"{name} holds no text.", hint or "Give a text of at least a few sentences.")
    return text
