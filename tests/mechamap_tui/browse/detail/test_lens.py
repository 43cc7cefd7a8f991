"""The lens: what a neuron pushes up and down, asked once it is looked at, and why it may not be there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec import structs
from support.browse_host import SIZES, Browser, browsing
from support.engine_double import EngineDouble
from support.recorded_run import checked_run
from support.waiting import until

from mechamap.errors import ModelError
from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap_tui.browse.detail import lens as lens_view
from mechamap_tui.browse.detail.lens import ASK_AFTER, LensView
from mechamap_tui.jobs.scan import ScanJob


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return checked_run(tmp_path / "run")


async def answered(browser: Browser) -> str:
    """What the lens shows when it no longer waits for an answer."""
    await browser.rest()
    await until(browser.pilot, lambda: browser.painted("#lens").strip() != "")
    await until(browser.pilot, lambda: "Asking the model" not in browser.painted("#lens"))
    return browser.painted("#lens")


@pytest.mark.parametrize("size", SIZES)
async def test_tokens_pushed_up_and_down_stand_side_by_side(run: Run, size: tuple[int, int]) -> None:
    async with browsing(run, size, EngineDouble()) as browser:
        await browser.screen.detail.action_tab("lens")
        lines = (await answered(browser)).splitlines()
        title = next(line for line in lines if "pushes up" in line)
        first = lines[lines.index(title) + 1]
        assert "pushes down" in title
        assert first.index(" up0") < first.index("+9.00") < first.index(" down0") < first.index("-9.00")


async def test_what_it_writes_for_each_category_is_shown_with_p(run: Run) -> None:
    async with browsing(run, engine=EngineDouble()) as browser:
        browser.table.go_to(run.row_of("L1.N7"))
        await browser.rest()
        await browser.screen.detail.action_tab("lens")
        text = await answered(browser)
        written = magnitude(float(run.column("write", "food")[run.row_of("L1.N7")]))
        assert any("food" in line and written in line and ".005" in line for line in text.splitlines())
        assert any("animal" in line and "1.000" in line for line in text.splitlines())


async def test_moving_back_to_a_neuron_asks_nothing_again(run: Run) -> None:
    async with browsing(run, engine=(engine := EngineDouble())) as browser:
        first = browser.at
        await browser.screen.detail.action_tab("lens")
        await answered(browser)
        browser.screen.panes.to_neurons()
        await browser.press("j")
        second = browser.at
        await until(browser.pilot, lambda: len(engine.lenses) == 2)
        await answered(browser)
        assert engine.lenses == [first, second]
        await browser.press("k")
        await browser.rest()
        assert "up0" in browser.painted("#lens"), "at once"
        await browser.pilot.pause(ASK_AFTER * 1.6)
        assert engine.lenses == [first, second]


async def test_running_over_neurons_asks_for_none_of_them(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lens_view, "ASK_AFTER", 20.0)  # longer than all that follows
    async with browsing(run, engine=(engine := EngineDouble())) as browser:
        await browser.press("t", "t")
        for _ in range(4):
            await browser.press("j")
            await browser.rest()
        assert "Asking the model" in browser.painted("#lens")
        assert engine.lenses == []


async def test_a_lens_that_is_not_defined_says_why_and_asks_nothing(run: Run) -> None:
    run.record = replace(run.record, undefined={"write": "an encoder predicts no next token"})
    async with browsing(run, engine=(engine := EngineDouble())) as browser:
        await browser.screen.detail.action_tab("lens")
        assert "Not defined for this model: an encoder predicts no next token" in await answered(browser)
        assert engine.lenses == []


async def test_the_engines_refusal_is_told_in_the_pane(run: Run) -> None:
    engine = EngineDouble()
    engine.lens_error = ModelError("The unembedding was not found.", "Use a model with a language head.")
    async with browsing(run, engine=engine) as browser:
        await browser.screen.detail.action_tab("lens")
        text = await answered(browser)
        assert "The unembedding was not found. Use a model with a language head." in text
        assert "food" in text, "what the run knows is shown all the same"


async def test_a_run_from_a_csv_has_no_lens(run: Run) -> None:
    run.record = replace(run.record, source="csv")
    async with browsing(run, engine=(engine := EngineDouble())) as browser:
        await browser.screen.detail.action_tab("lens")
        assert "is a CSV, with no model behind it" in await answered(browser)
        assert engine.lenses == []


async def test_while_the_engine_scans_the_lens_waits(run: Run) -> None:
    async with browsing(run, engine=(engine := EngineDouble())) as browser:
        browser.app.explorer.run_job(ScanJob("other"))
        await browser.screen.detail.action_tab("lens")
        assert "The scan of other is running" in await answered(browser)
        browser.app.explorer.run_job(None)
        await browser.rest()
        assert "up0" in await answered(browser)
        assert len(engine.lenses) == 1


async def test_dangerous_tokens_and_spaces_are_shown_harmlessly(run: Run) -> None:
    class Engine(EngineDouble):
        async def lens(self, run: Path, neuron: str) -> object:  # type: ignore[override]
            made = await super().lens(run, neuron)
            return structs.replace(
                made, promoted=(("\x1b[31m", 2.0), ("  ", 1.5), (" the", 1.0), ("the", 0.5), ("日本語", 0.1))
            )

    async with browsing(run, engine=Engine()) as browser:
        await browser.screen.detail.action_tab("lens")
        text = await answered(browser)
        assert "\x1b" not in text and "␛[31m" in text and "␣␣" in text
        assert text.index(" the ") != text.index("the  "), "the token with a space in front is another one"
        view = browser.screen.query_one(LensView)
        assert all(view.render_line(y).cell_length == view.scrollable_content_region.width for y in range(8))


async def test_a_run_without_writes_shows_its_tokens_alone(run: Run) -> None:
    run.record = replace(run.record, figures=tuple(name for name in run.record.figures if name != "write"))
    run._arrays.pop("write", None)
    async with browsing(run, engine=EngineDouble()) as browser:
        await browser.screen.detail.action_tab("lens")
        text = await answered(browser)
        assert "up0" in text and "writes" not in text
        assert not np.isnan(run.figure("selectivity")).any()
