"""Columns of the neuron table hidden, moved and widened by keys."""

from __future__ import annotations

from pathlib import Path

from support.browse_host import Browser, browsing
from support.recorded_run import recorded_run


def titles(browser: Browser) -> list[str]:
    return browser.painted("#neurons").splitlines()[1].replace("top tokens", "tokens").split()[1:-1]


async def test_a_column_is_hidden_moved_and_widened_and_the_neuron_stays_named(tmp_path: Path) -> None:
    async with browsing(recorded_run(tmp_path / "run")) as browser:
        await browser.press("l", "minus")
        shown = titles(browser)
        assert shown[:4] == ["L", "N", "ap▼", "writes"], "reads is hidden; the cursor is on what came in its place"
        await browser.press("H", "H", "H")
        assert titles(browser)[:4] == ["L", "N", "writes", "ap▼"]
        line = browser.painted("#neurons").splitlines()[2]
        await browser.press("greater_than_sign", "greater_than_sign")
        wider = browser.painted("#neurons").splitlines()[2]
        assert wider.index(".90") == line.index(".90") + 2, "what comes behind makes room"
        await browser.press(*["less_than_sign"] * 8)
        assert " w…" in browser.painted("#neurons").splitlines()[1], "it is cut, and says so"
        await browser.press("h", "minus", "h", "minus")
        assert titles(browser)[:2] == ["L", "N"], "they name the neuron"


async def test_without_the_tokens_there_is_room_for_figures(tmp_path: Path) -> None:
    async with browsing(recorded_run(tmp_path / "run"), (70, 24)) as browser:
        assert "fire" not in browser.painted("#neurons")
        await browser.press(*"l" * 12, "minus")
        header = browser.painted("#neurons").splitlines()[1]
        assert "top tokens" not in header
        assert "max" in header and "min" in header
        await browser.press(*"l" * 12, "s")
        assert "by fire ▼" in browser.title
        assert "fire▼" in browser.painted("#neurons").splitlines()[1]
        await browser.pilot.click("#neurons", offset=(66, 1))
        await browser.pilot.pause()
        assert browser.at
