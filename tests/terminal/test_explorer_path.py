"""From nothing to an export, in a real terminal, with the real engine and the bundled model."""

from __future__ import annotations

import ast
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from support.recorded_run import recorded_run
from support.terminal import Terminal, assert_left_clean, engine_of

from mechamap.config.schema import default_config

Start = Callable[..., Terminal]


def shows_food(screen: str) -> bool:
    """Whether a marked token on the screen ends a food word: ``c[ake]`` and ``[bread]`` do."""
    words = next(category.words for category in default_config().categories if category.name == "food")
    ends = [line.split("]")[0].replace("[", "").lower() for line in screen.splitlines() if "[" in line]
    return any(end.endswith(word.lower()) for end in ends for word in words)


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)])
def test_scan_sort_open_export_and_read_back(start: Start, tmp_path: Path, columns: int, rows: int) -> None:
    terminal = start("demo", columns=columns, rows=rows)
    terminal.wait("Scanning demo")
    sort_open_and_export(terminal, tmp_path / "work", "demo", 2560)


@pytest.mark.smollm2
@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (160, 45)])
def test_the_same_with_a_real_model(start: Start, tmp_path: Path, smollm2_path: Path, columns: int, rows: int) -> None:
    terminal = start(str(smollm2_path), columns=columns, rows=rows)
    terminal.wait("Scanning ")
    sort_open_and_export(terminal, tmp_path / "work", smollm2_path.name, 46_080)


def sort_open_and_export(terminal: Terminal, work: Path, label: str, neurons: int) -> None:
    """Sort by food, open the best neuron, see food words, write both formats and read them back."""
    terminal.wait("2 Neurons", f"{neurons:,} of {neurons:,}", seconds=150)

    for category in default_config().categories:
        terminal.wait(f"category {category.name}")
        if category.name == "food":
            break
        terminal.press("c")
    terminal.wait("category food", "sorted by strength ▼", seconds=150)  # once the second text is read
    terminal.press("g")
    terminal.wait("▸")
    terminal.press("enter")
    screen = terminal.until(
        lambda screen: "highest" in screen and shows_food(screen),
        "a food word among the best neuron's tokens",
    )
    assert "Traceback" not in screen

    terminal.press("e")
    terminal.wait(f"Export {label}-1", f"{neurons:,} neurons", f"{label}-1-all.csv")
    terminal.press("enter")
    terminal.wait("Exported", f"{label}-1-all.csv", gone=["enter writes"], seconds=60)
    terminal.press("e")
    terminal.wait(f"Export {label}-1")
    terminal.press("ctrl+u")
    terminal.wait("Name a file")  # an empty name is the folder one is in
    terminal.type("results.json")
    terminal.wait("results.json", gone=["Name a file"])
    terminal.press("enter")
    terminal.wait("Exported results.json", gone=["enter writes"], seconds=60)
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)

    table = pd.read_csv(work / f"{label}-1-all.csv", keep_default_na=False)
    assert list(table.columns) == ["model", "layer", "neuron", "category", "avg_activation", "top_tokens"]
    assert len(table.groupby(["layer", "neuron"])) == neurons
    assert ast.literal_eval(table["top_tokens"][0])
    results = json.loads((work / "results.json").read_text())["results"]
    assert len(pd.DataFrame.from_dict(results, orient="index")) == neurons


def test_a_model_that_does_not_exist_is_a_dialog_and_the_form_is_still_filled(start: Start) -> None:
    terminal = start("./no-such-model")
    terminal.wait("Model not found", "no-such-model")
    terminal.press("q")
    terminal.wait("New scan", "./no-such-model", gone=["Model not found"])
    terminal.press("ctrl+g")
    terminal.wait("Open or scan", gone=["New scan"])
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)


def test_an_engine_killed_in_mid_scan_is_a_dialog_and_the_next_scan_works(start: Start) -> None:
    terminal = start("demo")
    terminal.wait("Scanning demo")
    engine = None
    while engine is None:
        terminal.read()
        engine = engine_of(terminal.process.pid)
    os.kill(engine, signal.SIGKILL)
    terminal.wait("The engine stopped", "SIGKILL")
    terminal.press("enter")
    terminal.wait("New scan", "mechamap scan demo")
    terminal.press("enter")
    terminal.wait("2,560 of 2,560", "sorted by strength ▼", seconds=60)  # the second text is read, or nearly so
    terminal.press("ctrl+q")
    if "Quit?" in terminal.until(lambda screen: "Quit?" in screen or not terminal.process.isalive(), "the end"):
        terminal.press("y")
    assert terminal.ended() == 0
    assert_left_clean(terminal)


def test_quitting_while_a_scan_runs_asks_and_leaves_no_process(start: Start) -> None:
    terminal = start("demo")
    terminal.wait("Scanning demo")
    terminal.press("ctrl+q")
    terminal.wait("Quit?")
    engine = engine_of(terminal.process.pid)
    terminal.press("y")
    assert terminal.ended() == 0
    assert_left_clean(terminal)
    assert engine is None or not Path(f"/proc/{engine}").exists()


def test_a_scan_cancelled_while_it_loads_goes_back_to_the_form(start: Start) -> None:
    terminal = start("demo")
    terminal.wait("Scanning demo")
    terminal.press("x")
    terminal.wait("New scan", seconds=30)
    terminal.press("ctrl+g", "ctrl+q")
    assert terminal.ended() == 0


def test_an_explorer_that_is_killed_takes_its_engine_with_it(start: Start) -> None:
    terminal = start("demo")
    terminal.wait("Scanning demo")
    engine = None
    while engine is None:
        terminal.read()
        engine = engine_of(terminal.process.pid)
    terminal.process.kill(signal.SIGKILL)
    while Path(f"/proc/{engine}").exists() and not _is_zombie(engine):
        terminal.read()


def _is_zombie(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_terminated_explorer_restores_the_terminal(start: Start, tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    terminal = start("tiny-1")
    terminal.wait("2 Neurons")
    terminal.process.kill(signal.SIGTERM)
    terminal.ended()
    assert_left_clean(terminal)


def test_resizing_keeps_the_neuron_and_says_when_there_is_no_room(start: Start, tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    terminal = start("tiny-1", columns=160, rows=45)
    terminal.wait("1 Layers", "2 Neurons", "48 of 48")
    terminal.resize(80, 24)
    terminal.wait("2 Neurons", gone=["1 Layers"])
    terminal.resize(40, 8)
    terminal.wait("60x15")
    terminal.resize(160, 45)
    terminal.wait("1 Layers", "2 Neurons", "48 of 48")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
    assert_left_clean(terminal)


def test_the_start_screen_lists_filters_opens_and_removes_runs(start: Start, tmp_path: Path) -> None:
    runs = tmp_path / "home" / "runs"
    recorded_run(runs / "tiny-1")
    recorded_run(runs / "other-1", complete=1)
    terminal = start()
    terminal.wait("tiny-1", "other-1", "cancelled, 1/3 layers", "the bundled model")
    terminal.type("oth")
    terminal.wait("other-1", gone=["tiny-1"])
    terminal.press("enter")
    terminal.wait("2 Neurons", "16 of 16 so far")
    terminal.press("q")
    terminal.wait("Open or scan", "tiny-1")
    terminal.press("down", "up")
    terminal.press("delete")
    terminal.wait("Remove a run", "Delete (y)")
    terminal.press("y")
    terminal.wait("Open or scan", gone=["Remove a run"])  # the dialog covers the list
    terminal.until(lambda screen: ("tiny-1" in screen) != ("other-1" in screen), "one run gone")
    assert len(list(runs.iterdir())) == 1
    terminal.press("ctrl+q")
    assert terminal.ended() == 0


def test_help_palette_picture_and_mouse(start: Start, tmp_path: Path) -> None:
    recorded_run(tmp_path / "home" / "runs" / "tiny-1")
    terminal = start("tiny-1", columns=120, rows=40)
    terminal.wait("48 of 48")
    terminal.press("?")
    terminal.wait("Help: Browse", "previous category")
    terminal.press("q")
    terminal.wait("48 of 48", gone=["Help: Browse"])
    terminal.press(":")
    terminal.wait("Search for commands")
    terminal.type("export")
    terminal.wait("write the neurons to a file")
    terminal.press("enter")
    terminal.wait("Export tiny-1")
    terminal.click("Close")
    terminal.wait("48 of 48", gone=["Export tiny-1"])
    terminal.press("f8")
    terminal.wait("Screenshot saved")
    assert (tmp_path / "work" / "mechamap-browse.svg").read_text().startswith("<svg")
    terminal.press("ctrl+q")
    assert terminal.ended() == 0
