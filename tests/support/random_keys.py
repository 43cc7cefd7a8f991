"""Random keys into the explorer, from any of its screens."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from mechamap.system import failures
from mechamap_tui.app import MechaMapApp
from mechamap_tui.start.target import read_target
from support.engine_double import EngineDouble
from support.recorded_run import checked_run, recorded_run

__all__ = ["KEYS", "STARTS", "press_random_keys"]


# What is opened, and the keys that lead to a screen or a dialog of it.
STARTS: dict[str, tuple[str, Sequence[str]]] = {
    "start": ("", ()),
    "form": ("", ("n",)),
    "run": ("checked-1", ()),
    "detail": ("checked-1", ("enter",)),
    "filter": ("checked-1", ("slash",)),
    "export": ("checked-1", ("e",)),
    "confirm": ("checked-1", ("V",)),
    "help": ("checked-1", ("question_mark",)),
    "palette": ("checked-1", ("colon",)),
    "info": ("checked-1", ("i",)),
    "report": ("checked-1", ("I",)),
    "scan": ("demo", ()),
}
KEYS = (
    *"abcdefghijklmnoprstuvwxyzABCDEFGHIJKLMNOPRSTUVWXYZ0123456789",
    *[
        "enter",
        "escape",
        "tab",
        "shift+tab",
        "up",
        "down",
        "left",
        "right",
        "pageup",
        "pagedown",
        "home",
        "end",
        "space",
        "backspace",
        "delete",
        "slash",
        "colon",
    ],
    *[
        "full_stop",
        "comma",
        "minus",
        "plus",
        "question_mark",
        "left_square_bracket",
        "right_square_bracket",
        "less_than_sign",
    ],
    *[
        "greater_than_sign",
        "ctrl+p",
        "ctrl+u",
        "ctrl+g",
        "ctrl+n",
        "ctrl+y",
        "ctrl+k",
        "ctrl+w",
        "f1",
        "f2",
        "f8",
        "enter",
        "escape",
        "enter",
        "escape",
    ],
)


async def press_random_keys(
    folder: Path,
    start: str,
    count: int,
    seed: int,
    monkeypatch: pytest.MonkeyPatch,
    *,
    meanwhile: Callable[[Path], None] = lambda run: None,
) -> list[str]:
    """Press keys at random from a screen on; returns what failed on the way, each with the last keys before it.

    Args:
        meanwhile: what happens to the run that is open, after a third of the keys.
    """
    monkeypatch.setenv("MECHAMAP_HOME", str(folder / "home"))
    monkeypatch.chdir(folder)
    recorded_run(folder / "home" / "runs" / "tiny-1")
    checked_run(folder / "home" / "runs" / "checked-1")
    wrong: list[str] = []
    pressed: list[str] = []

    def unforeseen(error: BaseException, *_: object) -> None:
        wrong.append(f"{type(error).__name__}: {str(error)[:100]} after {' '.join(pressed[-12:])}")

    for module in ("mechamap.system.failures", "mechamap_tui.opening.failures"):
        monkeypatch.setattr(f"{module}.record_failure", unforeseen)
    assert failures.record_failure is unforeseen
    rng = random.Random(seed)
    what, keys = STARTS[start]
    app = MechaMapApp(read_target(what), engine=EngineDouble())
    async with app.run_test(size=rng.choice([(80, 24), (160, 45), (60, 15)])) as pilot:
        await pilot.pause(0.3)
        for number in range(count):
            key = keys[number] if number < len(keys) else rng.choice(KEYS)
            if number == count // 3:
                meanwhile(folder / "home" / "runs" / "checked-1")
            pressed.append(key)
            await pilot.press(key)
            if app.return_code is not None or not app.is_running:
                break
        await pilot.pause()
    if app._exception is not None:
        unforeseen(app._exception)
    return wrong
