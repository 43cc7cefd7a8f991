"""Contexts of a run over a corpus: listed, walked through, opened as whole windows; tabs that need the whole text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.style import Style
from support.browse_host import SIZES, Browser, browsing
from support.engine_double import EngineDouble
from support.made_corpus_run import DOCUMENTS, Shape, begun_corpus_run, made_corpus_run
from support.waiting import until

from mechamap.errors import EngineError
from mechamap.figures.contexts import contexts_of
from mechamap.protocol.messages import WindowActivations
from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap_tui.browse.detail.window import WindowPage


class Engine(EngineDouble):
    """Answers with activations that rise from 0 to the end of the window, or with an error."""

    def __init__(self, run: Run, error: EngineError | None = None) -> None:
        super().__init__()
        self._run, self._error = run, error
        self.windows: list[tuple[str, int]] = []

    async def window(self, run: Path, neuron: str, position: int, kept: str) -> WindowActivations:
        self.windows.append((neuron, position))
        if self._error is not None:
            raise self._error
        window = self._run.window_of(position)
        return WindowActivations(window.start, tuple(float(place) for place in range(len(window))))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return made_corpus_run(tmp_path / "run")


async def contexts(browser: Browser) -> str:
    """What the tab shows once it is open and has the keys."""
    await browser.screen.detail.action_tab("contexts")
    await browser.rest()
    return browser.painted("#contexts")


@pytest.mark.parametrize("size", SIZES)
async def test_highest_lowest_and_ranges_are_listed_with_values(run: Run, size: tuple[int, int]) -> None:
    async with browsing(run, size) as browser:
        await browser.press("z")
        row = browser.table.cursor_row
        assert row is not None
        await browser.press("z")
        await contexts(browser)
        await browser.press("z")
        text = browser.painted("#contexts")
        for group in contexts_of(run, row)[:2]:
            for context in group.contexts:
                line = next(line for line in text.splitlines() if magnitude(context.value) in line)
                assert f"[{run.token_text.shown[context.position].strip()}]" in line
        await browser.press("G")
        assert "activations" in browser.painted("#contexts"), "ranges with how many lie in them"


async def test_a_line_names_its_document(run: Run) -> None:
    async with browsing(run) as browser:
        text = await contexts(browser)
        row = browser.table.cursor_row
        assert row is not None
        for context in contexts_of(run, row)[0].contexts:
            document = run.document_at(context.position)
            line = next(line for line in text.splitlines() if magnitude(context.value) in line)
            assert f"tales.jsonl:{document + 1}" in line


async def test_ranges_say_bounds_and_share(run: Run) -> None:
    async with browsing(run) as browser:
        await contexts(browser)
        await browser.press("z")
        text = browser.painted("#contexts")
        assert "from 4 up: 40 activations" in text
        assert "2 to 4: 300 activations" in text
        assert "up to 0.5: 90,000 activations" in text
        assert "2 drawn" in text


async def test_keys_walk_through_contexts_and_enter_opens_the_window(run: Run) -> None:
    engine = Engine(run)
    async with browsing(run, engine=engine) as browser:
        await contexts(browser)
        row = browser.table.cursor_row
        assert row is not None
        await browser.press("j", "j", "k", "enter")
        chosen = contexts_of(run, row)[0].contexts[1]
        await until(browser.pilot, lambda: "Asking" not in browser.screen_text())
        text = browser.screen_text()
        assert engine.windows == [(browser.at, chosen.position)]
        document = run.document_at(chosen.position)
        assert f"tales.jsonl:{document + 1}, tokens 1 to" in text
        assert f"recorded by the scan {magnitude(chosen.value)}" in text
        here = chosen.position - run.window_of(chosen.position).start
        assert f"here {magnitude(float(here))}" in text
        assert "Only a part of the window" not in text
        shown = run.token_text.shown[chosen.position].strip()
        assert f"[{shown}]" in text
        await browser.press("q")
        assert not isinstance(browser.app.screen, WindowPage)
        assert browser.screen.detail.tab == "contexts"


async def test_tokens_are_coloured_by_their_activations(run: Run) -> None:
    async with browsing(run, engine=Engine(run)) as browser:
        await contexts(browser)
        await browser.press("enter")
        await until(browser.pilot, lambda: "Asking" not in browser.screen_text())
        page = browser.app.screen
        assert isinstance(page, WindowPage)
        view = page._view
        lines = [view.line(index, 60) for index in range(len(view._head), len(view._head) + len(view._wrapped))]
        styles = [span.style for line in lines for span in line.spans if isinstance(span.style, Style)]
        shades = {str(style.bgcolor) for style in styles if style.bgcolor is not None}
        assert len(shades) > 3, "from pale to strong"


async def test_a_part_of_a_window_is_said_to_be_one(tmp_path: Path) -> None:
    run = made_corpus_run(tmp_path / "run", Shape(whole_windows=False))
    async with browsing(run, engine=Engine(run)) as browser:
        await contexts(browser)
        await browser.press("enter")
        await until(browser.pilot, lambda: "Asking" not in browser.screen_text())
        assert "Only a part of the window is kept" in browser.screen_text()


async def test_a_window_without_an_engine_shows_its_text_and_why(run: Run) -> None:
    async with browsing(run, engine=Engine(run, EngineError("No engine today."))) as browser:
        await contexts(browser)
        await browser.press("enter")
        await until(browser.pilot, lambda: "No engine today" in browser.screen_text())
        page = browser.app.screen
        assert isinstance(page, WindowPage)
        document = run.document_at(page._view._about.position)
        assert document is not None
        assert DOCUMENTS[document].split()[-1] in browser.screen_text()


async def test_the_text_tab_says_where_the_contexts_are(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.screen.detail.action_tab("text")
        await browser.rest()
        assert "The tab contexts has its contexts" in browser.painted("#text")


async def test_the_histogram_is_the_scans_own(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.screen.detail.action_tab("histogram")
        await browser.rest()
        await browser.press("z")
        text = browser.painted("#histogram")
        row = browser.table.cursor_row
        counts = run.figure("histogram")[row]
        assert f"{int(counts.sum()):,} in all" in text
        assert f"{int(counts[49]):,}" in text.splitlines()[1], "the highest bin on top"


async def test_a_run_without_figures_opens(tmp_path: Path) -> None:
    run = begun_corpus_run(tmp_path / "run")
    async with browsing(run) as browser:
        for tab in browser.screen.detail.tabs:
            await browser.screen.detail.action_tab(tab)
            await browser.rest()
        assert "No layer is finished yet" in browser.screen_text()


async def test_a_run_that_is_published_anew_shows_new_figures_at_the_same_neuron(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    run = made_corpus_run(folder, Shape(state="running", merged=1))
    async with browsing(run) as browser:
        await browser.press("j", "j", "j")
        name = browser.at
        await contexts(browser)
        assert "unfinished after 1 of 4 shards (R resumes)" in browser.screen_text()
        made_corpus_run(folder, Shape(state="running", merged=3, seed=5), (*DOCUMENTS, "One more about a bird."))
        await until(browser.pilot, lambda: "3 of 4 shards" in browser.screen_text())
        row = browser.table.cursor_row
        assert browser.at == name
        assert row is not None
        text = browser.painted("#contexts")
        for context in contexts_of(run, row)[0].contexts:
            assert magnitude(context.value) in text
        highest = np.load(folder / "figures-2" / "highest_values.npy")[row, 0]
        assert magnitude(float(highest)) in text
