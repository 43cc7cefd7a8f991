"""Models with an encoder and a decoder, and models with blocks that have no MLP: which layer is which."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.browse_host import browsing
from support.recorded_run import Shape, recorded_run

from mechamap.runs.run import Run


@pytest.fixture
def sides(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "sides", layers=4, shape=Shape(encoders=3))


@pytest.fixture
def gaps(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "gaps", shape=Shape(step=3))


async def test_layers_have_their_side_and_their_number_on_it(sides: Run) -> None:
    async with browsing(sides) as browser:
        lines = browser.painted("#layers").splitlines()[2:6]
        assert [line.split()[1:4] for line in lines] == [
            ["0", "enc", "0"],
            ["1", "enc", "1"],
            ["2", "enc", "2"],
            ["3", "dec", "0"],
        ]
        bars = [line.split()[4] for line in lines]
        assert all(bars), "the bars of the categories still have room"
        await browser.press(*["right_square_bracket"] * 4)
        assert "only layer 3 (dec 0) (N clears)" in browser.painted("#neurons")


@pytest.mark.parametrize("size", [(160, 45), (100, 30), (80, 24), (70, 24)])
async def test_a_neurons_detail_says_its_side(sides: Run, size: tuple[int, int]) -> None:
    async with browsing(sides, size) as browser:
        await browser.ask("apostrophe", "L3.N11")
        await browser.press("enter")
        await browser.press("3")
        await browser.rest()
        assert "dec 0" in browser.painted("#detail")


async def test_a_title_too_long_for_the_side_leaves_it_to_the_line_below(sides: Run) -> None:
    async with browsing(sides, (80, 24)) as browser:
        browser.screen.detail._sides = {rows.layer: "decoder 12" for rows in sides.layers}
        browser.screen.detail.show(3, "animal")
        await browser.pilot.pause()
        title, line = browser.painted("#detail").splitlines()[:2]
        assert "decoder 12" not in title
        assert "decoder 12" in line


async def test_the_one_line_of_layers_says_the_side(sides: Run) -> None:
    async with browsing(sides, (90, 30)) as browser:
        assert browser.painted("#layer-line").startswith(" layer all ")
        await browser.press(*["right_square_bracket"] * 4)
        assert browser.painted("#layer-line").startswith(" layer 3 dec 0 ")


async def test_a_model_with_one_side_says_nothing_of_it(gaps: Run) -> None:
    async with browsing(gaps) as browser:
        assert browser.painted("#layers").splitlines()[2].split()[1] == "0"
        assert browser.painted("#detail").splitlines()[1].startswith("│highest")


# --- numbers with gaps ---


async def test_layers_whose_numbers_have_gaps_are_gone_through_one_by_one(gaps: Run) -> None:
    async with browsing(gaps) as browser:
        lines = browser.painted("#layers").splitlines()[2:5]
        assert [line.split()[1] for line in lines] == ["0", "3", "6"]
        await browser.press("right_square_bracket", "right_square_bracket")
        assert set(browser.names) == {f"L3.N{n}" for n in range(16)}
        await browser.press("right_square_bracket", "right_square_bracket")
        assert set(browser.names) == {f"L6.N{n}" for n in range(16)}, "behind the last there is none"
        await browser.press("N")
        await browser.ask("apostrophe", "L6.N11")
        await browser.press("enter")
        assert browser.at == "L6.N11"
        await browser.ask("apostrophe", "L4.N1")
        assert "Layer 4 is not in this run; it has 0, 3, 6." in browser.answer


async def test_the_bars_of_layers_with_gaps_are_clicked_by_their_place(gaps: Run) -> None:
    async with browsing(gaps, (90, 30)) as browser:
        line = browser.screen.layer_line
        await browser.pilot.click(line, offset=(1 + line._bars_at + 1, 0))
        await browser.rest()
        assert browser.screen.layers_pane.layer_shown == 3
        assert browser.painted("#layer-line").startswith(" layer 3 ")
