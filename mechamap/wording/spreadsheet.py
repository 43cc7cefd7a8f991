"""Cells that a spreadsheet would run as formulas, made inert in a CSV file and read back.

Excel, LibreOffice and others run a cell that begins with an equals sign, a plus, a minus or an at sign, also behind a
tab or a line end, and in Japanese the full-width forms. An apostrophe in front makes it text.
"""

from __future__ import annotations

import re

__all__ = ["EXCEL_MARK", "as_read", "as_written"]


EXCEL_MARK = "\ufeff"
"""The byte order mark, without which Excel takes UTF-8 for the encoding of its country."""

_FORMULA = re.compile("'*[=+\\-@\t\r\n＝＋－＠]")
_QUOTED = re.compile("'+[=+\\-@\t\r\n＝＋－＠]")


def as_written(text: str, *, excel: bool) -> str:
    """A text as a cell of a CSV file.

    Args:
        excel: whether the file is for a spreadsheet. In others only a text that would be read back as another gets an
            apostrophe: one that begins with an apostrophe in front of such a sign.
    """
    return f"'{text}" if (_FORMULA if excel else _QUOTED).match(text) else text


def as_read(cell: str) -> str:
    """The text that :func:`as_written` made a cell of."""
    return cell[1:] if _QUOTED.match(cell) else cell
