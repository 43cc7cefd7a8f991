"""Runs of models with experts: names, columns, jumps, and what is said of figures over few tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.browse_host import browsing
from support.recorded_run import Shape, recorded_run, routed

from mechamap.figures.values import known_value
from mechamap.runs.run import Run
from mechamap.runs.writer import write_activations
from mechamap_tui.browse.layer_list import LAYOUTS_FROM
from mechamap_tui.data.experts import FEW_TOKENS, expert_note, routed_positions
from mechamap_tui.data.figures import detail_figures, figure_column

SHAPE = Shape(experts=3, shared=2)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run", width=8, shape=SHAPE)


def activations(run: Run, layer: int) -> np.ndarray:
    """Activations of a layer, ``[neurons, positions]``: zero where a token did not come to a neuron's expert."""
    rows = run.layer_rows(layer)
    came = routed(rows, len(run.record.tokens.pieces))
    values = np.random.default_rng(layer).uniform(0.5, 2, came.shape)
    return np.where(came, values, 0).astype(np.float16)


def test_neurons_whose_expert_few_words_came_to_are_not_ranked_by_them(run: Run) -> None:
    assert run.has("occurrences")
    run._arrays["occurrences"] = np.full((run.neurons, len(run.categories)), 5, np.float32)
    row, category = run.row_of("L1.E2.N3"), run.categories[0]
    run._arrays["occurrences"][row, 0] = 4
    for figure in detail_figures():
        if figure.label in ("strength", "ap", "reads", "auroc", "d") and run.has(figure.name):
            column = figure_column(run, figure, category)
            assert np.isnan(column[row])
            assert np.array_equal(np.delete(column, row), np.delete(run.column(figure.name, category), row))
            value, _ = known_value(run, figure, row, category)
            assert value == run.column(figure.name, category)[row]
        elif figure.label == "mean":
            assert np.array_equal(figure_column(run, figure, category), run.column("mean", category))


# --- in words ---


def test_a_note_says_the_expert_and_what_its_figures_run_over(run: Run) -> None:
    row = run.row_of("L1.E2.N3")
    run._arrays["tokens"] = np.full(run.neurons, 12, np.float32)
    note = expert_note(run, row)
    assert note.text == "expert 2 of 3 · its figures run over 12 of 22 scored tokens"
    assert note.short == "expert 2 of 3 · 12 of 22 tokens"
    assert "may be chance" in note.warning and "may be chance" in note.short_warning
    assert "4 of 7 food words" in expert_note(run, row, (4, 7, "food")).text


@pytest.mark.parametrize(
    ("tokens", "words", "warns"),
    [
        (FEW_TOKENS - 1, None, True),
        (FEW_TOKENS, None, False),
        (400, (5, 7, "food"), False),
        (400, (4, 7, "food"), True),
    ],
)
def test_few_tokens_and_few_words_are_warned_of(
    run: Run, tokens: int, words: tuple[int, int, str] | None, warns: bool
) -> None:
    run._arrays["tokens"] = np.full(run.neurons, tokens, np.float32)
    assert bool(expert_note(run, run.row_of("L1.E2.N3"), words).warning) == warns


def test_other_neurons_are_said_to_be_shared_or_nothing_is_said(run: Run) -> None:
    assert expert_note(run, run.row_of("L1.N1")).text == "shared: every token is routed to it"
    assert expert_note(run, run.row_of("L0.N1")).text == ""
    run._arrays["tokens"] = np.zeros(run.neurons, np.float32)
    note = expert_note(run, run.row_of("L1.E0.N0"))
    assert (note.text, note.warning) == ("expert 0 of 3 · no scored token was routed to it", "it has no figures")


@pytest.mark.parametrize("silent", [0, 7])
def test_positions_that_came_to_an_expert_are_told_from_its_neurons(run: Run, silent: int) -> None:
    kept = activations(run, 1)
    kept[2 : 2 + silent] = 0  # neurons of expert 0 that are zero at every token
    row = run.row_of("L1.E0.N0")
    found = routed_positions(run, row, kept)
    assert found is not None
    assert np.flatnonzero(found).tolist() == [p for p in range(kept.shape[1]) if p % 3 == 0]
    assert routed_positions(run, run.row_of("L1.N0"), kept) is None, "every token comes to a shared neuron"


# --- on the screen ---


async def test_the_table_has_the_expert_and_the_tokens(run: Run) -> None:
    async with browsing(run) as browser:
        header = browser.painted("#neurons").splitlines()[1]
        assert header.split()[1:6] == ["L", "E", "N", "tokens", "ap▼"]
        await browser.ask("apostrophe", "l1 e2 n3")
        await browser.press("enter")
        assert browser.at == "L1.E2.N3"
        line = next(line for line in browser.painted("#neurons").splitlines() if "▸" in line)
        assert line.split()[1:5] == ["1", "2", "3", "8"] or line.split()[2:6] == ["1", "2", "3", "8"]
        await browser.ask("apostrophe", "L2.N1")
        await browser.press("enter")
        line = next(line for line in browser.painted("#neurons").splitlines() if "▸" in line)
        assert "—" in line[: line.index("22") + 2], "a shared neuron is of no expert"


async def test_the_cursor_begins_on_what_the_table_is_sorted_by(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("s")
        assert "sorted by ap ▲" in browser.title
        await browser.press("h", "s")
        assert "sorted by tokens ▼" in browser.title
        tokens = run.figure("tokens")[browser.table.order.rows]
        assert np.array_equal(tokens, np.sort(tokens)[::-1])


async def test_tokens_and_experts_are_filtered_by(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("slash", "tokens > 20 and layer = 1")
        await browser.press("enter")
        assert sorted(browser.names) == ["L1.N0", "L1.N1"]
        await browser.ask("slash", "expert = 2 and layer = 2")
        await browser.press("enter")
        assert sorted(browser.names) == [f"L2.E2.N{n}" for n in range(8)]


async def test_the_prompt_shows_what_a_name_looks_like_and_which_experts_there_are(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.ask("apostrophe", "")
        assert "L7.E3.N12" in browser.screen_text()
        await browser.ask("apostrophe", "L1.E9.N0")
        assert "experts E0 to E2" in browser.answer


@pytest.mark.parametrize(("size", "said"), [((160, 45), "its figures run over"), ((80, 24), "expert 2 of 3 · 8 of 22")])
async def test_the_detail_says_what_the_figures_run_over(run: Run, size: tuple[int, int], said: str) -> None:
    assert run.path is not None
    write_activations(run.path, 1, activations(run, 1))
    async with browsing(run, size) as browser:
        await browser.ask("apostrophe", "L1.E2.N3")
        await browser.press("enter")
        await browser.rest()
        detail = " ".join(browser.painted("#detail").replace("│", " ").split())
        assert said in detail
        words = [last for category, _, _, last in run.record.occurrences if category == 0]
        assert f"{len([p for p in words if p % 3 == 2])} of {len(words)} animal words" in detail
        assert "may be chance" in detail
        await browser.ask("apostrophe", "L0.N3")
        await browser.press("enter")
        await browser.rest()
        assert "expert" not in browser.painted("#detail")


async def test_text_and_histogram_are_of_the_tokens_that_came_to_the_expert(run: Run) -> None:
    assert run.path is not None
    write_activations(run.path, 1, activations(run, 1))
    async with browsing(run) as browser:
        await browser.ask("apostrophe", "L1.E2.N3")
        await browser.press("enter")
        await browser.press("t")
        await browser.rest()
        text = browser.painted("#detail")
        assert "dim: not routed to expert 2 (activation 0 there)" in text
        assert "fires at 100% of 8" in text
        await browser.screen.detail.show_tab("histogram")
        await browser.rest()
        histogram = browser.painted("#detail")
        scored = [p for p in range(2, len(run.record.tokens.pieces)) if p % 3 == 2]
        words = [last for category, _, _, last in run.record.occurrences if category == 0 and last in scored]
        assert f"{len(words)} words of animal" in histogram
        assert f"{len(scored) - len(words)} other positions" in histogram
        await browser.ask("apostrophe", "L1.N0")
        await browser.press("enter")
        await browser.rest()
        assert "left out" not in browser.painted("#detail")


async def test_an_expert_to_which_nothing_came_has_no_text(run: Run) -> None:
    assert run.path is not None
    kept = activations(run, 1)
    kept[2:10] = 0
    write_activations(run.path, 1, kept)
    run._arrays["tokens"] = np.array(run.figure("tokens"))
    run._arrays["tokens"][run.row_of("L1.E0.N0")] = 0
    async with browsing(run) as browser:
        await browser.ask("apostrophe", "L1.E0.N0")
        await browser.press("enter")
        await browser.press("t")
        await browser.rest()
        assert "No token of this text was routed to expert 0." in browser.painted("#detail")
        assert "no scored token was routed to it · it has no figures" in browser.painted("#detail")


@pytest.mark.parametrize("width", [LAYOUTS_FROM - 1, LAYOUTS_FROM])
async def test_layers_say_what_they_consist_of(run: Run, width: int) -> None:
    async with browsing(run, (width, 45)) as browser:
        layers = browser.painted("#layers")
        assert ("3x8 +2 shared" in layers) == (width >= LAYOUTS_FROM)
        await browser.press("right_square_bracket", "right_square_bracket")
        assert "only layer 1 (3x8 +2 shared) (N clears)" in browser.painted("#neurons")


async def test_the_one_line_of_layers_says_it_too(run: Run) -> None:
    async with browsing(run, (90, 30)) as browser:
        await browser.press("right_square_bracket", "right_square_bracket")
        assert browser.painted("#layer-line").rstrip().endswith("for animal, ap ≥ .50 · 3x8 +2 shared")


async def test_a_csv_of_experts_is_browsed_by_their_names(run: Run, tmp_path: Path) -> None:
    from mechamap.csv_files.run import read_csv
    from mechamap.exports.registry import ExportRequest, export_run

    export_run(run, tmp_path / "out.csv", ExportRequest("csv"))
    async with browsing(read_csv(tmp_path / "out.csv")) as browser:
        await browser.ask("apostrophe", "L1.E2.N3")
        await browser.press("enter")
        await browser.rest()
        assert browser.at == "L1.E2.N3"
        assert "expert 2 of 3 · its figures run over 8 tokens" in browser.painted("#detail")
        assert "3x8 +2 shared" in browser.painted("#layers")
