"""A neuron asked with sentences: a real terminal, the real engine and the bundled model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from support.by_name import scan_request
from support.terminal import Terminal, assert_left_clean

from mechamap.config.schema import config_from_dict
from mechamap.replay.read_log import read_log
from mechamap.scan.scan import scan

Start = Callable[..., Terminal]


def test_type_turn_round_compare_and_go_to_a_neuron(start: Start, tmp_path: Path) -> None:
    run = scan(scan_request("demo", config_from_dict({"second_text": "never"}), tmp_path / "found")).path
    terminal = start(str(run), columns=100, rows=30)
    terminal.wait("2 Neurons", "2,560 of 2,560")
    terminal.press("p")
    terminal.wait("sentence", "Type a sentence")
    terminal.type("The dog ate bread in Paris.")
    terminal.wait("percentile", "at [.]", "%", seconds=90)
    terminal.press("left", "left")
    terminal.wait("at [Paris]")
    terminal.press("tab")
    terminal.wait("At [Paris]", "neurons are beyond", "by chance", "std")
    terminal.press("tab")
    terminal.process.send("\x14")  # ctrl+t
    terminal.wait("● marked")
    terminal.press("end", "ctrl+u")
    terminal.type("The dog ate bread in Rome.")
    terminal.process.send("\x14")
    terminal.press("tab", "tab")
    terminal.wait("position by position", "Paris → Rome")
    terminal.press("down", "enter")
    terminal.wait("2 Neurons", gone=["position by position"])
    terminal.type("=")
    terminal.wait("Neurons most like", "By chance", "best by ap", seconds=60)
    terminal.press("enter")
    terminal.wait("2 Neurons", gone=["Neurons most like"])
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
    (log,) = (run / "sessions").glob("*.log")
    steps = [step.words for step in read_log(log).steps]
    texts = [word for step in steps if step[0] == "probe" for word in step if word.startswith("--text=")]
    assert {"--text=The dog ate bread in Paris.", "--text=The dog ate bread in Rome."} == set(texts)
    assert any("--compare" in step for step in steps) and steps[-1][0] == "similar"
