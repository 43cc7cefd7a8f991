"""A failure that nobody thought of is a dialog with a report that can be copied and holds no text of the user's."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.engine_double import EngineDouble
from support.waiting import until
from textual.widgets import Button

from mechamap.errors import UsageError, error_from_plain
from mechamap_tui.app import MechaMapApp
from mechamap_tui.dialogs.error import ErrorScreen
from mechamap_tui.opening.failures import shown_error
from mechamap_tui.start.target import read_target
from mechamap_tui.terminal.clipboard import copied_file


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))


def failing() -> None:
    raise LookupError("a note about my patients")


async def copied(error: Exception) -> tuple[str, str]:
    """The name of the button and what it copies."""
    app = MechaMapApp(read_target(""), engine=EngineDouble())
    async with app.run_test() as pilot:
        await pilot.pause()
        app.explorer.show_error(shown_error(error, "on the action open"))
        await until(pilot, lambda: isinstance(app.screen, ErrorScreen) and bool(app.screen.query("#copy")))
        label = str(app.screen.query_one("#copy", Button).label)
        await pilot.press("y")
        await pilot.pause()
    return label, copied_file().read_text()


async def test_the_report_names_versions_place_and_what_came_before() -> None:
    with pytest.raises(LookupError) as caught:
        failing()
    label, report = await copied(caught.value)
    assert label == "Copy a report (y)"
    assert "MechaMap " in report and "textual " in report and "Python " in report
    assert (
        "LookupError on the action open, at" in report and "dialogs/test_error.py" in report and "in failing" in report
    )
    assert "before it:" in report and "version" in report.partition("before it:")[2]
    assert "patients" not in report


async def test_other_errors_are_copied_as_they_are_shown() -> None:
    label, text = await copied(UsageError("The limit is 0.", "Give a larger one."))
    assert (label, text) == ("Copy (y)", "Invalid request\nThe limit is 0.\nGive a larger one.\n")


def test_the_engine_sends_its_report_along() -> None:
    with pytest.raises(LookupError) as caught:
        failing()
    error = shown_error(caught.value, "in the engine, scan")
    again = error_from_plain(error.to_plain())
    assert getattr(again, "report", None) == getattr(error, "report", "")
