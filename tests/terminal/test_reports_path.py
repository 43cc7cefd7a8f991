"""From a run to what it says, to what differs from another, and to the neurons: a real terminal and the real engine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from support.made_report import keep_activations
from support.recorded_run import recorded_run
from support.terminal import Terminal, assert_left_clean

Start = Callable[..., Terminal]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Two runs of the same neurons that kept their activations."""
    folder = tmp_path / "home" / "runs"
    for seed, name in enumerate(("first", "second")):
        keep_activations(recorded_run(folder / name, seed=seed))
    return folder


def test_interpret_compare_and_match(start: Start, runs: Path, tmp_path: Path) -> None:
    terminal = start("first", columns=80, rows=24)
    terminal.wait("2 Neurons", "48 of 48")
    terminal.press("r")
    terminal.wait("first: neurons of tiny by ap", "1 info", "▸ model", seconds=60)
    terminal.press("4")
    screen = terminal.wait("layer by layer", "animal", "▸")
    assert "\x1b" not in screen
    terminal.press("j", "l", "enter")
    terminal.wait("1 of 48", "category food", "3 L1.N7", "only ap.food >= 0.5 and", seconds=30)
    terminal.press("q")
    terminal.wait("layer 1 ── food 1")
    terminal.press("t")
    terminal.type("0.2")
    terminal.wait("neurons with ap ≥ 0.2")
    terminal.press("enter")
    terminal.until(lambda screen: "food 1 " not in screen and "layer 1 ── food" in screen, "more neurons", 30)
    terminal.press("e")
    terminal.wait("Export the report", "first-interpreted-layers.csv")
    terminal.press("enter")
    terminal.wait("Exported", "first-interpreted-layers.csv", gone=["Export the report"])
    lines = (tmp_path / "work" / "first-interpreted-layers.csv").read_text().splitlines()
    assert len(lines) == 4 and lines[0].startswith("layer,animal,food,color")

    terminal.press("q")
    terminal.wait("2 Neurons", "48 of 48")
    terminal.press("d")
    terminal.wait("Compare first with", "second")
    terminal.press("enter")
    terminal.wait("A first, B second", "1 settings", seconds=60)
    terminal.press("m")
    terminal.wait("the activations were kept")
    terminal.press("ctrl+u", "enter")
    terminal.wait("Closest neurons", "A in B", seconds=60)
    terminal.press("]")
    terminal.wait("enter: first: L")
    terminal.resize(60, 15)
    terminal.wait("enter: first: L", "▸")
    terminal.press("l", "enter")
    terminal.wait("2 Neurons", "second")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
