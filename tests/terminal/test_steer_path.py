"""A neuron turned up and down: a real terminal, the real engine and the bundled model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.by_name import scan_request
from support.terminal import Terminal, assert_left_clean

from mechamap.config.schema import config_from_dict
from mechamap.replay.read_log import read_log
from mechamap.scan.scan import scan

Start = Callable[..., Terminal]


def test_steer_change_the_mode_and_take_it_away(start: Start, tmp_path: Path) -> None:
    run = scan(scan_request("demo", config_from_dict({"second_text": "never"}), tmp_path / "found")).path
    terminal = start(str(run), columns=100, rows=30)
    terminal.wait("2 Neurons", "2,560 of 2,560")
    terminal.press("w")
    terminal.wait("prompt")
    terminal.type("She went to the market and bought a")
    terminal.press("enter")
    terminal.wait("untouched", "-1.5", "At +2", "as controls", seconds=90)
    terminal.press("m", "m")
    terminal.wait("At zero", gone=["At +2"])
    terminal.press("y")
    terminal.wait("a mechamap command", "TransformerLens")
    terminal.type("1")
    terminal.wait("A mechamap command is copied")
    terminal.press("q")
    terminal.wait("2 Neurons", gone=["At zero"])
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
    (log,) = (run / "sessions").glob("*.log")
    modes = [step.words[step.words.index("--mode") + 1] for step in read_log(log).steps if step.words[0] == "steer"]
    assert modes[0] == "add" and modes[-1] == "zero"
