"""From a scan to what is confirmed, caused and written: a real terminal, the real engine and the bundled model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from support.by_name import scan_request
from support.terminal import Terminal, assert_left_clean

from mechamap.cli.main import main
from mechamap.config.schema import config_from_dict
from mechamap.replay.read_log import read_log
from mechamap.runs.run import Run
from mechamap.scan.scan import scan

Start = Callable[..., Terminal]


@pytest.fixture
def scanned(tmp_path: Path) -> Path:
    """A run of two layers of the bundled model."""
    return scan(scan_request("demo", config_from_dict({"layers": "0-1"}), tmp_path / "found")).path


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)])
def test_confirm_ablate_lens_and_export(
    start: Start,
    scanned: Path,
    tmp_path: Path,
    columns: int,
    rows: int,
) -> None:
    terminal = start(str(scanned), columns=columns, rows=rows)
    terminal.wait("2 Neurons", "1,280 of 1,280")
    terminal.press("c", "c", "c")
    terminal.wait("category food")
    assert " held" not in terminal.text

    terminal.press("V")
    terminal.wait("Random model")
    terminal.press("enter")
    terminal.wait("neurons confirmed in", "✓", seconds=120)
    run = Run.open(scanned)
    assert run.record.confirmation.categories["food"].confirmed > 0
    terminal.press("g")
    row = int(np.nanargmax(run.column("strength", "food")))
    terminal.wait(run.label, "sorted by strength ▼", " held" if columns > 100 else "reads")

    terminal.press("a")
    screen = terminal.wait(f"Without {run.neuron_name(row)}", "± error", seconds=120)
    assert "Controls" in screen or rows < 30
    terminal.press("q")
    terminal.wait("2 Neurons", gone=["± error"])
    assert np.isfinite(Run.open(scanned).column("cause_measured", "food")[row])

    terminal.press("A")
    terminal.until(lambda _: Run.open(scanned).has("cause"), "the estimates in the run", seconds=120)
    terminal.press("3", "t", "t")
    terminal.wait("pushes up", seconds=60)
    terminal.press("q")

    terminal.press("/")
    terminal.type("confirmed and causes < 0")
    terminal.press("enter")
    terminal.until(lambda screen: "of 1,280" in screen and "1,280 of 1,280" not in screen, "a filter that is on")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
    assert run.path is not None
    (log,) = (run.path / "sessions").glob("*.log")
    steps = [step.words for step in read_log(log).steps]
    assert [step[0] for step in steps if step[0] != "neurons"] == ["confirm", "ablate", "ablate"]
    assert ("ablate", str(run.path), "--neuron", str(run.neuron_name(row))) in steps
    assert steps[-1][:3] == ("neurons", str(run.path), "--where=confirmed and causes < 0")
    assert main(["replay", str(log), str(run.path), "--dry-run"]) == 0


def test_checks_that_cannot_be_done_say_why(start: Start, scanned: Path, tmp_path: Path) -> None:
    from mechamap.exports.registry import ExportRequest, export_run

    table = tmp_path / "neurons.csv"
    export_run(Run.open(scanned), table, ExportRequest("csv"))
    assert len(pd.read_csv(table))
    terminal = start(str(table), columns=100, rows=30)
    terminal.wait("2 Neurons", seconds=30)
    terminal.press("V")
    terminal.wait("CSV")
    terminal.press("q")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
