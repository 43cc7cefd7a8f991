"""A process without memory to tell of it still says so in a sentence."""

from __future__ import annotations

import signal

import pytest

import mechamap.cli.main
from mechamap.__main__ import main


def test_a_failure_for_want_of_memory_that_nothing_could_be_told_of(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def starved() -> int:
        raise MemoryError

    monkeypatch.setattr(mechamap.cli.main, "main", starved)
    before = signal.getsignal(signal.SIGINT)
    try:
        assert main() == 1
    finally:
        signal.signal(signal.SIGINT, before)
    told = capfd.readouterr().err
    assert told == "error: Out of memory\n  This process may not take the memory that the command needs.\n"
