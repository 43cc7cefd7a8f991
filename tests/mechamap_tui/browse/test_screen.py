"""The browse screen as a whole, at several sizes of the terminal: what follows what, and that its titles are true."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.browse_host import SIZES, Browser, browsing, finish_layer
from support.recorded_run import recorded_run
from support.waiting import until
from textual.widgets import TextArea

from mechamap.runs.checked import CategoryConfirmation, Causes, Confirmation, SecondText, SecondTextNeuron
from mechamap.runs.coverage import Coverage, FoundWord
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap_tui.dialogs.help import GLOSSARY
from mechamap_tui.dialogs.run_info import info_lines
from mechamap_tui.jobs.scan import ScanJob
from mechamap_tui.widgets.key_footer import KeyFooter


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


# --- panes and sizes -------------------------------------------------------------------------------------------


async def test_a_wide_terminal_shows_all_panes(run: Run) -> None:
    async with browsing(run) as browser:
        text = browser.screen_text()
        for title in ("1 Layers", "2 Neurons", "3 L0.N3", "4 Categories"):
            assert title in text
        assert text.splitlines()[0].startswith(" MechaMap  tiny · run · float32 · 48 neurons · sinks and specials out")


async def test_below_100_columns_the_layers_are_one_line(run: Run) -> None:
    async with browsing(run, (90, 30)) as browser:
        text = browser.screen_text()
        assert "1 Layers" not in text
        assert "layer all" in text
        await browser.press("]", "]")
        assert "layer 1" in browser.screen_text()
        assert "16 of 48" in browser.title


async def test_below_80_columns_there_is_one_pane_at_a_time(run: Run) -> None:
    async with browsing(run, (70, 24)) as browser:
        for key, title in (("3", "3 L0.N3"), ("4", "4 Categories"), ("1", "1 Layers"), ("2", "2 Neurons")):
            await browser.press(key)
            text = browser.screen_text()
            assert title in text
            assert sum(other in text for other in ("1 Layers", "2 Neurons", "3 L0.N3", "4 Categories")) == 1
            assert "1 layers   2 neurons   3 detail   4 categories" in text


async def test_below_60x15_one_line_says_how_large_it_needs_to_be(run: Run) -> None:
    async with browsing(run, (50, 12)) as browser:
        lines = [line.strip() for line in browser.screen_text().splitlines() if line.strip()]
        assert lines == ["MechaMap needs 60x15 cells; this is 50x12."]
        await browser.pilot.resize_terminal(62, 20)
        await browser.pilot.pause()
        assert "2 Neurons ── animal ── 48 of 48 ── by ap ▼" in browser.screen_text()
        await browser.pilot.resize_terminal(100, 30)
        await browser.pilot.pause()
        assert "2 Neurons ── category animal ── 48 of 48 ── sorted by ap ▼" in browser.screen_text()


async def test_a_window_that_was_too_small_for_a_while_leaves_the_keys_where_they_were(run: Run) -> None:
    async with browsing(run, (80, 24)) as browser:
        for key in ("2", "4"):
            await browser.press(key)
            before = browser.app.focused
            assert before is not None
            await browser.pilot.resize_terminal(30, 10)
            await until(browser.pilot, lambda: "MechaMap needs" in browser.screen_text())
            await browser.pilot.resize_terminal(80, 24)
            await until(browser.pilot, lambda before=before: browser.app.focused is before)


@pytest.mark.parametrize("size", SIZES)
async def test_enter_opens_the_detail_and_q_goes_back_at_every_size(run: Run, size: tuple[int, int]) -> None:
    async with browsing(run, size) as browser:
        await browser.press("enter")
        assert "highest" in browser.screen_text()
        assert browser.app.focused is browser.screen.query_one("#tokens")
        await browser.press("q")
        assert browser.app.focused is browser.table
        assert browser.app.explorer.asked == []
        await browser.press("q")
        assert browser.app.explorer.asked == ["back"]


@pytest.mark.parametrize("size", SIZES)
async def test_z_gives_a_pane_the_whole_screen_and_back(run: Run, size: tuple[int, int]) -> None:
    async with browsing(run, size) as browser:
        await browser.press("z")
        assert browser.table.outer_size.width == size[0]
        assert "3 L0.N3" not in browser.screen_text()
        await browser.press("z")
        assert ("3 L0.N3" in browser.screen_text()) is (size[0] >= 80)


async def test_no_line_of_any_size_runs_over_the_edge(run: Run) -> None:
    for size in SIZES:
        async with browsing(run, size) as browser:
            lines = browser.painted("#neurons").splitlines()
            assert len({len(line) for line in lines}) == 1
            assert "top tokens" in lines[1], "the tokens stay in view, however many figures there are"
            assert browser.table.scrollbar_size_horizontal == 0, "signs in the header say that there is more"


async def test_digits_and_tab_move_between_panes(run: Run) -> None:
    async with browsing(run) as browser:
        for key, selector in (("1", "#layers"), ("3", "#tokens"), ("4", "CategoryChart"), ("2", "#neurons")):
            await browser.press(key)
            assert browser.app.focused is browser.screen.query_one(selector)
        await browser.press("tab")
        assert browser.app.focused is browser.screen.query_one("#tokens")


# --- what follows the cursor -----------------------------------------------------------------------------------


async def test_the_other_panes_follow_the_cursor_when_it_rests(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("j", "j")
        await browser.rest()
        assert f"3 {browser.at}" in browser.screen_text()


async def test_a_click_on_a_tab_in_the_border_opens_it(run: Run) -> None:
    async with browsing(run) as browser:
        border = browser.painted("#detail").splitlines()[0]
        await browser.pilot.click("#detail", offset=(border.index("histogram") + 2, 0))
        await browser.pilot.pause()
        assert browser.screen.detail.tab == "histogram"
        border = browser.painted("#categories").splitlines()[0]
        await browser.pilot.click("#categories", offset=(border.index("table") + 2, 0))
        await browser.pilot.pause()
        assert browser.screen.categories.tab == "table"


async def test_t_and_a_second_3_open_the_next_tab(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("t")
        assert browser.screen.detail.tab == "text"
        assert browser.app.focused is browser.table
        await browser.press("3", "3")
        assert browser.screen.detail.tab == "lens"
        await browser.press("l")
        assert browser.screen.detail.tab == "histogram"
        await browser.press("h", "h")
        assert browser.screen.detail.tab == "text"


# --- layers ----------------------------------------------------------------------------------------------------


async def test_moving_in_the_layers_filters_the_table(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("1", "j", "j")
        assert "16 of 48" in browser.title
        assert {name[:2] for name in browser.names} == {"L1"}
        assert "only layer 1" in browser.screen_text()
        await browser.press("enter")
        assert browser.app.focused is browser.table
        await browser.press("N")
        assert "48 of 48" in browser.title
        assert browser.screen.layers_pane.layer_shown is None


# --- the filter ------------------------------------------------------------------------------------------------


async def test_a_filter_is_shown_while_it_is_typed_and_kept_by_enter(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("slash", "reads > 0.9")
        assert browser.names == ["L0.N3"]
        assert browser.answer == "1 neurons"
        await browser.press("enter")
        assert "1 of 48" in browser.title
        assert "only reads > 0.9" in browser.screen_text()
        assert browser.app.focused is browser.table
        await browser.press("c")
        assert browser.names == ["L1.N7"], "it means the current category"
        await browser.press("N")
        assert "48 of 48" in browser.title


async def test_a_filter_that_makes_no_sense_says_so_in_its_line_and_changes_nothing(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("slash", "reads >")
        assert browser.answer
        assert browser.screen.query_one(".prompt--answer").has_class("-wrong")
        await browser.press("enter")
        assert browser.screen.prompt.asking, "it stays open to be corrected"
        assert "48 of 48" in browser.title
        assert browser.app.explorer.errors == []


async def test_leaving_the_filter_puts_back_the_one_before(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("slash", "reads > 0.9")
        await browser.press("enter")
        await browser.ask("slash", "reads < 0")
        assert "1 of 48" not in browser.title
        await browser.press("escape")
        assert "1 of 48" in browser.title
        assert browser.app.focused is browser.table


async def test_the_cursor_stays_on_its_neuron_through_a_filter_that_keeps_it(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("l", "s", "G")
        assert "sorted by reads ▼" in browser.title
        neuron = browser.at
        await browser.ask("slash", "reads < 0")
        assert browser.at == neuron
        await browser.press("escape")
        assert browser.at == neuron


# --- going, marking, noting, copying ---------------------------------------------------------------------------


async def test_a_neuron_is_found_by_name_and_filters_that_hide_it_go(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("apostrophe", "L2.N5")
        await browser.press("enter")
        assert browser.at == "L2.N5"
        await browser.ask("slash", "layer == 0")
        await browser.press("enter")
        await browser.ask("apostrophe", "1.7")
        assert "hidden by the filters" in browser.answer
        await browser.press("enter")
        assert browser.at == "L1.N7"
        assert "48 of 48" in browser.title


@pytest.mark.parametrize(
    ("text", "says"), [("nonsense", "not the name"), ("L9.N0", "Layer 9"), ("L0.N99", "N0 to N15")]
)
async def test_a_name_that_is_not_there_is_answered_in_the_line(run: Run, text: str, says: str) -> None:
    async with browsing(run) as browser:
        await browser.ask("apostrophe", text)
        assert says in browser.answer
        await browser.press("enter")
        assert browser.screen.prompt.asking


async def test_marks_are_kept_shown_alone_and_taken_away(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("M")
        assert "48 of 48" in browser.title, "there is no mark yet"
        await browser.press("m", "j", "m", "M")
        assert "2 of 48" in browser.title
        assert browser.painted("#neurons").count("●") == 2
        assert browser.screen.finding.scopes()["marked"].tolist() == browser.table.order.rows.tolist()
        await browser.press("g", "m")
        assert "1 of 48" in browser.title
        await browser.press("M")
        assert "48 of 48" in browser.title
    assert run.path is not None
    kept = json.loads((run.path / "notes.json").read_text())["neurons"]
    assert len(kept) == 1


async def test_a_note_is_kept_as_it_is_written_and_shown_again(run: Run) -> None:
    async with browsing(run) as browser:
        neuron = browser.at
        await browser.screen.detail.action_tab("notes")
        await browser.press("enter", *"fires on dogs", "escape")
        await browser.pilot.pause()
        assert browser.app.focused is browser.table
        assert browser.screen.notes.note(neuron) == "fires on dogs"
        await browser.press("j")
        await browser.rest()
        assert browser.screen.query_one(TextArea).text == ""
        await browser.press("k")
        await browser.rest()
        assert browser.screen.query_one(TextArea).text == "fires on dogs"


async def test_notes_that_are_damaged_are_told_and_left_as_they_are(run: Run) -> None:
    assert run.path is not None
    file = run.path / "notes.json"
    file.write_text("{")
    async with browsing(run) as browser:
        assert "notes.json" in browser.app.explorer.errors[0].message
        await browser.press("m")
        assert browser.painted("#neurons").count("●") == 1
    assert file.read_text() == "{"


async def test_y_copies_the_row_and_leaves_it_in_a_file(run: Run, home: Path) -> None:
    async with browsing(run) as browser:
        await browser.press("y")
        assert browser.app.clipboard.startswith("L0.N3 of tiny")
        assert (home / "copied.txt").read_text() == browser.app.clipboard + "\n"
        assert "copied.txt" in " ".join(note.message for note in browser.app._notifications)


# --- arriving layers -------------------------------------------------------------------------------------------


def growing_run(tmp_path: Path) -> tuple[Run, Run]:
    """A run of which only the first layer is complete, and the whole one to take layers from."""
    whole = recorded_run(tmp_path / "whole")
    part = recorded_run(tmp_path / "part", complete=1)
    return part, whole


async def test_arriving_layers_are_shown_and_the_cursor_stays_on_its_neuron_and_line(tmp_path: Path) -> None:
    part, whole = growing_run(tmp_path)
    async with browsing(part) as browser:
        assert "16 of 16 so far" in browser.title
        await browser.press("c", *"jjjjj")
        neuron = browser.at
        finish_layer(part, whole, 1)
        assert part.refresh()
        browser.screen.refresh_run()
        await browser.pilot.pause()
        assert "32 of 32 so far" in browser.title
        assert browser.at == neuron
        assert "L1.N7" in browser.names
        finish_layer(part, whole, 2, "complete")
        part.refresh()
        browser.screen.refresh_run()
        await browser.pilot.pause()
        assert "48 of 48 ──" in browser.title
        assert browser.at == neuron
        assert "▸" in browser.painted("#neurons")


async def test_a_scrolled_table_keeps_the_cursor_on_its_line_of_the_screen(tmp_path: Path) -> None:
    part, whole = growing_run(tmp_path)
    async with browsing(part, (90, 24)) as browser:
        await browser.press("G")
        line = browser.table.cursor_index - browser.table.scroll_offset.y
        for layer in (1, 2):
            finish_layer(part, whole, layer)
            part.refresh()
            browser.screen.refresh_run()
            await browser.pilot.pause()
        assert browser.table.cursor_index - browser.table.scroll_offset.y == line


async def test_a_filter_applies_to_layers_that_arrive_later(tmp_path: Path) -> None:
    part, whole = growing_run(tmp_path)
    async with browsing(part) as browser:
        await browser.press("c")
        await browser.ask("slash", "reads > 0.9")
        await browser.press("enter")
        assert browser.names == []
        assert "No neuron passes the filter" in browser.painted("#neurons")
        finish_layer(part, whole, 1)
        part.refresh()
        browser.screen.refresh_run()
        assert browser.names == ["L1.N7"]


# --- the app around it -----------------------------------------------------------------------------------------


def footer_keys(browser: Browser) -> set[str]:
    return {what for _, _, what, _ in browser.screen.query_one(KeyFooter).shown}


async def test_the_footer_shows_only_what_does_something_now(run: Run, tmp_path: Path) -> None:
    async with browsing(run) as browser:
        assert {"scan", "export", "filter", "sort", "open"} <= footer_keys(browser)
        assert not {"clear", "cancel scan"} & footer_keys(browser)
        await browser.ask("slash", "reads > 0")
        await browser.press("enter")
        await browser.pilot.pause()
        assert "clear" in footer_keys(browser)
        await browser.press("1")
        await browser.pilot.pause()
        assert "sort" not in footer_keys(browser)
    part = recorded_run(tmp_path / "part", complete=1)
    async with browsing(part) as browser:
        scan = ScanJob("part")
        scan.runs = (part,)
        browser.app.explorer.run_job(scan)
        await browser.pilot.pause()
        assert "cancel scan" in footer_keys(browser)
        await browser.press("x", "e", "n")
        assert browser.app.explorer.asked == ["cancel", "export", "new scan"]


async def test_the_scopes_are_rows_in_the_order_of_the_table(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("s")
        await browser.ask("slash", "layer == 1")
        await browser.press("enter")
        scopes = browser.screen.finding.scopes()
        assert scopes["filtered"].tolist() == browser.table.order.rows.tolist()
        assert len(scopes["filtered"]) == 16
        assert len(scopes["all"]) == 48
        assert len(scopes["marked"]) == 0
        precision = run.column("ap", "animal")[scopes["all"]]
        assert (np.diff(precision) >= 0).all()


async def test_i_shows_what_the_run_says_about_itself(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("i")
        text = browser.screen_text()
        assert "Words in the text" in text
        assert "animal: 4 occurrences. dog, cat" in text
        await browser.press("q")
        assert browser.app.screen is browser.screen


def test_the_page_about_a_run_names_problems_flags_and_words_not_found(run: Run) -> None:
    coverage = {"animal": Coverage(2, {"dog": FoundWord(2, 3)}, ("owl",))}
    fields = {f: getattr(run.record, f) for f in run.record.__slots__}
    run.record = RunRecord(**{**fields, "coverage": coverage, "problems": ("layer 2 has NaN",)})
    lines = list(info_lines(run))
    assert ("trouble", "  layer 2 has NaN") in lines
    assert ("trouble", "    words not found: owl") in lines
    assert ("text", "  animal: 2 occurrences. dog ×2 (3 tokens)") in lines
    assert ("text", "  exclude first position: yes") in lines


def test_the_page_about_a_run_tells_how_it_was_checked(run: Run) -> None:
    food_words = CategoryConfirmation(
        16, ("sushi",), 0.8, 9, 2, "", held_out_auroc=0.993, held_out_auroc_lowest=0.97, held_out_ap=0.9, by_mean=0.71,
        best="L1.N7",
    )  # fmt: skip
    confirmation = Confirmation(
        permutations=200, splits=5, seed=0, templates=("{}",) * 6, words=128, neurons=48,
        null_auroc={"median": 0.86, "largest": 0.93, "needed": 0.92},
        categories={"food": food_words, "color": CategoryConfirmation(2, (), None, 0, 0, "only two words")},
    )  # fmt: skip
    look = SecondText("second.txt", 1200, (
        SecondTextNeuron("L0.N3", "animal", 0.98, 0.6, 0.05, 12, dropped=True),
        SecondTextNeuron("L1.N7", "food", 0.9, 0.9, 0.05, 12, dropped=False),
    ))  # fmt: skip
    run.record = replace(
        run.record,
        confirmation=confirmation,
        causes=Causes(positions="the scanned text", occurrences={"food": 30}, log_p={"food": -4.25}),
        second_looks=(look,),
        undefined={"write": "an encoder predicts no next token"},
    )
    lines = list(info_lines(run))
    assert ("text", "  128 words, 6 templates, 5 splits, 200 permutations, 48 neurons") in lines
    best = "median .86, largest .93, needed .92"
    assert ("text", f"  best auroc of shuffled words anywhere in the model: {best}") in lines
    food = "9 confirmed, 2 write it, best L1.N7, auroc needed .80, held-out auroc .99 (lowest .97), ap .90"
    assert ("text", f"  food: {food}, the best by mean .71, 16 words") in lines
    assert ("trouble", "    words left out: sushi") in lines
    assert ("trouble", "    only two words") in lines
    assert ("text", "  food: 30 occurrences, mean log p -4.250") in lines
    assert ("text", "  second.txt, 1,200 tokens: 2 checked again, 1 dropped") in lines
    assert ("trouble", "    L0.N3 animal: auroc .98, here .60 ± .05 over 12, dropped") in lines
    assert ("trouble", "  write: an encoder predicts no next token") in lines


@pytest.mark.parametrize(
    "members",
    [
        {"causes": Causes(seconds=1.0)},
        {"causes": Causes(log_p={"food": -1.0})},
    ],
)
def test_what_a_run_does_not_say_about_its_checks_is_left_out(run: Run, members: dict[str, Any]) -> None:
    run.record = replace(run.record, **members)
    assert all(isinstance(line, str) for _, line in info_lines(run))


def test_help_explains_the_figures_of_a_checked_run() -> None:
    words = {word for word, _ in GLOSSARY}
    assert {"strength", "ap", "reads", "writes", "causes", "p", "held", "confirmed"} <= words


async def test_problems_are_announced_in_the_first_line(run: Run) -> None:
    fields = {f: getattr(run.record, f) for f in run.record.__slots__}
    coverage = {**run.record.coverage, "food": Coverage(1, {}, ("cake", "soup"))}
    run.record = RunRecord(**{**fields, "problems": ("layer 2 has NaN",), "coverage": coverage})
    async with browsing(run) as browser:
        assert "3 warnings (i)" in browser.screen_text().splitlines()[0]
