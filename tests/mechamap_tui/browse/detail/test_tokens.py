"""The detail of a neuron: its tokens in context, and the text coloured by it, readable without colour too."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import Browser, browsing
from support.engine_double import EngineDouble
from support.recorded_run import CATEGORIES, PLANTED, recorded_run
from support.waiting import until

from mechamap.errors import EngineError
from mechamap.runs.record import LayerRows, ModelRecord, RunRecord, TokenRecord
from mechamap.runs.run import Run, TokenHit
from mechamap.runs.writer import write_activations
from mechamap_tui.browse.detail import activations as activation_view
from mechamap_tui.browse.detail.text import TextView
from mechamap_tui.browse.detail.tokens import distinct
from mechamap_tui.widgets.coloured_text import wrap_positions


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def activations(run: Run, layer: int = 0) -> np.ndarray:
    """As many rows as the layer has neurons; each goes up at position 2 and down at 5, and is huge at the sink."""
    rows = run.layer_rows(layer)
    values = np.zeros((rows.width, len(run.record.tokens.pieces)), np.float16)
    values[:, 0] = 2000
    values[:, 2], values[:, 5], values[:, 7] = 4, -2, 0.5
    return values


def csv_like_run() -> Run:
    """Means and tokens without a text, as a CSV has them."""
    pieces = (" bread", " cheese", " car")
    record = RunRecord(
        model=ModelRecord("old", "old", "old", None, "", 0, "", ""),
        categories=("food",),
        layers=(LayerRows(0, 0, 2, 2, complete=True),),
        figures=("mean", "top_values", "top_positions"),
        tokens=TokenRecord(pieces=pieces),
        source="csv",
    )
    arrays = {
        "mean": np.array([[0.5], [np.nan]], np.float32),
        "top_values": np.array([[2.0, 1.5], [1.0, np.nan]], np.float32),
        "top_positions": np.array([[0, 1], [2, -1]], np.int32),
    }
    return Run(record, arrays)


# --- tokens ----------------------------------------------------------------------------------------------------


def test_a_token_that_fills_the_list_is_shown_once_with_its_number() -> None:
    hits = [TokenHit(" cat", 3.0, 4), TokenHit("cat", 2.5, 9), TokenHit(" dog", 2.0, 1), TokenHit(" cat", 1.0, 6)]
    assert [(hit.value, count) for hit, count in distinct(hits)] == [(3.0, 3), (2.0, 1)]


async def test_the_tokens_stand_in_brackets_under_one_another_with_value_and_category(run: Run) -> None:
    async with browsing(run) as browser:
        lines = browser.painted("#tokens").splitlines()
        assert lines[0].strip() == "highest"
        hits = run.top_tokens(run.row_of("L0.N3"))
        at = {line.index("[") for line in lines[1:6]}
        assert len(at) == 1
        for hit, line in zip(hits, lines[1:6], strict=True):
            assert f"[{hit.piece.strip()}]" in line
            assert f"{hit.value:+.2f}" in line
        assert any("animal" in line for line in lines[1:6])
        assert lines[6].strip() == "lowest"


async def test_a_neuron_that_falls_shows_its_lowest_tokens_first(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("c", "c")
        await browser.rest()
        assert browser.at == "L2.N11"
        assert browser.painted("#tokens").splitlines()[0].strip() == "lowest"


async def test_a_run_without_a_text_shows_its_tokens_and_says_what_is_missing() -> None:
    async with browsing(csv_like_run()) as browser:
        assert [column.title for column in browser.table.columns] == ["L", "N", "mean", "top tokens"]
        assert "sorted by mean ▼" in browser.title
        tokens = browser.painted("#tokens")
        assert "bread" in tokens
        assert "a CSV keeps only the tokens" in tokens
        assert "lowest" not in tokens
        await browser.press("t")
        assert "no text" in browser.painted("#text")
        assert "+0.50" in browser.painted("#categories")
        await browser.press("v", "s", "m", "slash")
        assert browser.screen.layers_pane.border_subtitle is None


async def test_a_run_without_categories_can_be_looked_at() -> None:
    run = csv_like_run()
    run.record = replace(run.record, categories=(), figures=run.record.figures[1:])
    del run._arrays["mean"]
    async with browsing(run) as browser:
        assert "2 of 2" in browser.title
        assert "bread · cheese" in browser.painted("#neurons")
        await browser.press("c", "j", "s", "v", "t", "4")


async def test_dangerous_tokens_are_painted_harmlessly(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    bad = ["\x1b[31m", "[bold]", "\x07", "a\u202eb", "日本語", "\u200b", "\n\n", "\ud800", "[/]", "e\u0301"]
    pieces = list(run.record.tokens.pieces)
    pieces[2 : 2 + len(bad)] = bad
    run.record = replace(run.record, tokens=replace(run.record.tokens, pieces=tuple(pieces)))
    async with browsing(run) as browser:
        text = browser.screen_text()
        assert not any(char in text for char in "\x1b\x07\u202e\u200b")
        assert "[bold]" in text or "[bold]" in browser.table.described(0)
        await browser.press("t")
        text = browser.painted("#text")
        assert "␛[31m" in text
        assert "[bold]" in text
        for line in browser.app.screen._compositor.render_strips():
            assert line.cell_length == 160


# --- the text --------------------------------------------------------------------------------------------------


def styles_of(browser: Browser, word: str) -> list[object]:
    """The styles of the segments that hold a word on the screen."""
    view = browser.screen.query_one(TextView)
    strips = [view.render_line(y) for y in range(view.size.height)]
    return [segment.style for strip in strips for segment in strip if word in segment.text]


async def test_the_text_is_coloured_up_and_down_and_signed_without_colour(run: Run) -> None:
    assert run.path is not None
    write_activations(run.path, 0, activations(run))
    async with browsing(run) as browser:
        await browser.press("t")
        text = browser.painted("#text")
        assert "max +4.00 dog · min -2.00 red" in text
        assert "fires at 9% of 22" in text, "the sink and the first position do not count"
        assert "▲dog" in text
        assert "▼red" in text
        assert "The" in text
        up, down, weak, rest = (styles_of(browser, word)[-1] for word in ("dog", "red", "the", "horse"))
        assert up.bgcolor != down.bgcolor != rest.bgcolor
        assert up.bold and down.bold and not weak.bold
        assert up.underline and rest.underline and not weak.underline, "words of the category are underlined"


async def test_the_text_view_asks_the_engine_once_it_rests(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Engine(EngineDouble):
        async def activations(self, path: Path, layer: int) -> Path:
            asked.append(layer)
            return write_activations(path, layer, activations(run, layer))

    async with browsing(run, engine=Engine()) as browser:
        monkeypatch.setattr(activation_view, "ASK_AFTER", 60.0)  # longer than all that follows
        await browser.press("t")
        assert "Loading the model" in browser.painted("#text")
        assert asked == []
        monkeypatch.setattr(activation_view, "ASK_AFTER", 0.01)
        browser.screen.panes.follow()
        await until(browser.pilot, lambda: "▲dog" in browser.painted("#text"))
        assert asked == [0]


async def test_an_engine_that_fails_is_told_in_the_pane(run: Run) -> None:
    class Engine(EngineDouble):
        async def activations(self, path: Path, layer: int) -> Path:
            await asyncio.sleep(0)
            raise EngineError("The engine died.", "Open the run again.")

    async with browsing(run, engine=Engine()) as browser:
        await browser.press("t")
        await until(browser.pilot, lambda: "The engine died. Open the run again." in browser.painted("#text"))


async def test_the_histogram_tells_the_words_of_the_category_from_the_rest(run: Run) -> None:
    assert run.path is not None
    write_activations(run.path, 0, activations(run))
    async with browsing(run) as browser:
        await browser.screen.detail.action_tab("histogram")
        await browser.pilot.pause()
        text = browser.painted("#histogram")
        assert "█ 4 words of animal  ░ 18 other positions" in text
        top = text.splitlines()[1]
        assert top.split()[:2] == ["+3.62", "1"], "dog, an animal, is the only one in the highest bin"


@pytest.mark.parametrize("width", [10, 25, 80])
def test_no_line_of_the_text_is_wider_than_the_pane_and_nothing_is_lost(run: Run, width: int) -> None:
    lines = wrap_positions(run, width)
    assert all(sum(len(shown) for _, shown in line) <= width for line in lines)
    assert [position for line in lines for position, _ in line] == list(range(len(run.record.tokens.pieces)))


def test_the_planted_neurons_are_what_these_tests_take_them_for() -> None:
    assert PLANTED[1][:3] == (0, 3, CATEGORIES[0])
