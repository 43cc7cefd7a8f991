"""An error in a notebook: its kind, what to do, and the reader's line; none of this package's frames."""

from __future__ import annotations

import pytest

import mechamap as mm
from mechamap.errors import UsageError


def test_a_notebook_shows_what_happened_and_the_readers_line() -> None:
    with pytest.raises(UsageError) as told:
        mm.scan({})
    lines = told.value._render_traceback_()
    assert lines[0] == "UsageError: Invalid request"
    assert lines[1] == "  A dict cannot be scanned."
    assert lines[-1].startswith("in line ") and lines[-1].endswith("mm.scan({})")
    assert len(lines) == 4 and not any("scanning.py" in line for line in lines)


def test_what_an_error_quotes_cannot_steer_the_notebook() -> None:
    lines = UsageError("\x1b[31mred\u202e", "<b>hint</b>")._render_traceback_()
    assert lines == ["UsageError: Invalid request", r"  \x1b[31mred\u202e", "  <b>hint</b>"]


def test_ipython_shows_these_lines(capsys: pytest.CaptureFixture[str]) -> None:
    interactive = pytest.importorskip("IPython.core.interactiveshell", reason="IPython is not installed")
    shell = interactive.InteractiveShell()
    shell.run_cell("import mechamap as mm\nmm.scan('demo', windows=3)")
    shown = capsys.readouterr().out
    assert "UsageError: Invalid request" in shown and "in line 2: mm.scan('demo', windows=3)" in shown
    assert "Traceback" not in shown and "scanning.py" not in shown
