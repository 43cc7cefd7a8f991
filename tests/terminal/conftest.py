"""The explorer in a terminal, for every test of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from support.terminal import Terminal

Start = Callable[..., Terminal]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the explorer in a terminal, in a folder and with a data folder of its own."""
    started: list[Terminal] = []

    def start(*arguments: str, columns: int = 80, rows: int = 24, prefix: Sequence[str] = ()) -> Terminal:
        work = tmp_path / "work"
        work.mkdir(exist_ok=True)
        terminal = Terminal(arguments, tmp_path / "home", columns=columns, rows=rows, cwd=work, prefix=prefix)
        started.append(terminal)
        return terminal

    yield start
    for terminal in started:
        terminal.close()
