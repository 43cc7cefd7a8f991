"""Damaged runs opened in the explorer, and looked at from all sides."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest

from mechamap_tui.app import MechaMapApp
from mechamap_tui.start.target import read_target
from support.damage import damage_run
from support.engine_double import EngineDouble
from support.random_keys import KEYS

__all__ = ["open_damaged"]


# Down the table, through the tabs of the detail, about the run, sorted, exported, filtered, another category and layer.
_LOOK = (*("down", "enter"), *["t"] * 7, *("z", "enter", "escape", "i", "escape", "s", "e", "escape", "c"),
         *("right_square_bracket", "slash", *"food", "enter", "G", "r", "escape"))  # fmt: skip
_RANDOM = 12


async def open_damaged(whole: Path, folder: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Open a damaged copy of a run and look at it; returns what failed on the way that nobody foresaw.

    Args:
        whole: the run.
        folder: an empty one, for the copy and the data folder.
    """
    monkeypatch.setenv("MECHAMAP_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)  # where pictures of the screen go
    run = folder / "home" / "runs" / "damaged-1"
    shutil.copytree(whole, run)
    rng = random.Random(seed)
    what = damage_run(run, rng)
    wrong: list[str] = []
    pressed: list[str] = []

    def unforeseen(error: BaseException, *_: object) -> None:
        place = error.__traceback__
        while place is not None and place.tb_next is not None:
            place = place.tb_next
        at = f" in {Path(place.tb_frame.f_code.co_filename).name}:{place.tb_lineno}" if place is not None else ""
        wrong.append(
            f"run {seed} ({what}): {type(error).__name__}{at}: {str(error)[:100]} after {' '.join(pressed[-12:])}"
        )

    for module in ("mechamap.system.failures", "mechamap_tui.opening.failures"):
        monkeypatch.setattr(f"{module}.record_failure", unforeseen)
    app = MechaMapApp(read_target(str(run)), engine=EngineDouble())
    async with app.run_test(size=(160, 45)) as pilot:
        await pilot.pause(0.2)
        for key in (*_LOOK, *rng.choices(KEYS, k=_RANDOM)):
            pressed.append(key)
            await pilot.press(key)
            if app.return_code is not None or not app.is_running:
                break
        await pilot.pause()
    if app._exception is not None:
        unforeseen(app._exception)
    return wrong
