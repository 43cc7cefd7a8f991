"""A widget that fails in a real terminal: a line stands in its place, the rest goes on, the report can be copied."""

from __future__ import annotations

import sys
from pathlib import Path

from support.recorded_run import recorded_run
from support.terminal import assert_left_clean

from .conftest import Start

FAULTY = """
from mechamap_tui.browse.charts import CategoryChart

def render_line(chart, y):
    raise LookupError("text of the user's")

CategoryChart.render_line = render_line
"""


def test_a_pane_that_fails_is_a_line_and_the_rest_goes_on(start: Start, tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    faulty = tmp_path / "faulty.py"
    faulty.write_text(f"{FAULTY}\nimport sys\nfrom mechamap_tui.__main__ import main\nsys.exit(main(sys.argv[4:]))\n")
    terminal = start("tiny-1", columns=120, rows=40, prefix=(sys.executable, str(faulty)))
    terminal.wait("2 Neurons", "This pane failed:", "F2 copies")
    terminal.press("down", "enter")
    terminal.wait("highest")
    terminal.press("f2")
    terminal.wait("A report of what failed is copied")
    report = (tmp_path / "home" / "copied.txt").read_text()
    assert "LookupError painting CategoryChart" in report and "text of the user's" not in report
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
