"""Copying in a terminal: to its clipboard where it allows that, and always to a file.

The escape sequence (OSC 52) that reaches the clipboard of the machine the user sits at is dropped by tmux as it
comes and by some terminals, and nothing says so. A file is always there.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

from textual.app import App

from mechamap.system.paths import home, privately

__all__ = ["copied_file", "copy_text"]

_LOG = logging.getLogger(__name__)


def copied_file() -> Path:
    """The file that holds what was copied last."""
    return home() / "copied.txt"


def copy_text(app: App[object], text: str) -> str:
    """Copy ``text``; returns where it went, as the end of a sentence."""
    app.copy_to_clipboard(text)
    clipboard = "to the clipboard (if tmux passes it on)" if "TMUX" in os.environ else "to the terminal's clipboard"
    file = copied_file()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with open(file, "w", encoding="utf-8", opener=privately) as copied:  # Path's takes no opener
            copied.write(text + "\n")
    except (OSError, UnicodeEncodeError) as error:
        _LOG.warning("the copy cannot be written: %s", type(error).__name__)
        return f"{clipboard}; {file} cannot be written: {getattr(error, 'strerror', None) or error}"
    return f"{clipboard} and to {file}"
