"""A small share of the random keys of `make torture`."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.random_keys import press_random_keys


@pytest.mark.parametrize("start", ["run", "filter", "start"])
async def test_random_keys_fail_nowhere(tmp_path: Path, start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert await press_random_keys(tmp_path, start, 40, 11, monkeypatch) == []
