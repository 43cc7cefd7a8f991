"""The explorer served to browsers, for tests: skipped where the extra ``web`` is not installed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.repository import ROOT

__all__ = ["served"]


@contextmanager
def served(home: Path, *arguments: str) -> Iterator[str]:
    """``mechamap-tui --web``; gives the address that it prints."""
    pytest.importorskip("textual_serve", reason="the extra web is not installed")
    paths = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    process = subprocess.Popen(
        [sys.executable, "-m", "mechamap_tui", "--web", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL, text=True,
        env=os.environ | {"MECHAMAP_HOME": str(home), "PYTHONPATH": paths},
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        process.stdout.close()
        assert process.wait(20) == 0
