"""The first line of the browse screen gives room to what is under way, and takes it back."""

from __future__ import annotations

from pathlib import Path

from support.browse_host import browsing
from support.recorded_run import recorded_run

from mechamap_tui.widgets.progress import ScanProgress

WORK = "● estimating causes: 3 of 12 parts of the text  1 min 23 s"


async def test_what_made_room_for_progress_comes_back_when_that_is_over(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    async with browsing(run, (80, 24)) as browser:
        whole = browser.painted("RunHeader").rstrip()
        assert f"{run.neurons:,} neurons" in whole
        progress = browser.screen.query_one(ScanProgress)
        progress.line = WORK
        await browser.pilot.pause()
        browser.screen.header.show()  # as when a layer arrives: what matters least is left out
        await browser.pilot.pause()
        crowded = browser.painted("RunHeader")
        assert WORK in crowded and "neurons" not in crowded and "…" not in crowded
        progress.line = ""
        await browser.pilot.pause()
        assert browser.painted("RunHeader").rstrip() == whole
