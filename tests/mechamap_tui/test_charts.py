"""Charts and numbers: signed, aligned, and the same in the picture and in the table."""

from __future__ import annotations

from pathlib import Path

import pytest
from browse_host import browsing
from recorded_run import recorded_run

from mechamap.run import Run
from mechamap_tui.bar_chart import signed_bars
from mechamap_tui.number_text import correlation, magnitude, probability, share

NAN = float("nan")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return recorded_run(tmp_path / "run")


def test_bars_go_right_for_positive_and_left_for_negative_values() -> None:
    lines = [line.plain for line in signed_bars(["food", "color", "none"], [1.0, -0.5, NAN], 1.0, 45)]
    assert len(lines) == 4
    food, color, none, ticks = lines
    zero = ticks.index(" 0 ") + 1
    assert food.rstrip().endswith("█") and food.index("█") in (zero - 1, zero, zero + 1)
    assert food.count("█") > 1.5 * color.count("█") > 0
    assert color.rindex("█") in (zero - 1, zero, zero + 1)
    assert none.strip() == "none"
    assert "-1" in ticks and "+1" in ticks


def test_a_bar_for_every_label_however_many_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    for count in (1, 2, 90):
        lines = signed_bars([f"category{i}" for i in range(count)], [0.5] * count, 1.0, 60)
        assert len(lines) == count + 1
        assert all("█" in line.plain for line in lines[:-1])
    assert signed_bars(["food"], [float("inf")], 1.0, 40)[0].plain.strip() == "food"
    assert capfd.readouterr() == ("", ""), "a print would go right across the screen"


def test_where_there_is_no_room_there_is_no_chart() -> None:
    assert signed_bars(["food"], [1.0], 1.0, 5) == []
    assert signed_bars([], [], 1.0, 50) == []


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (correlation, 0.984, "+.98"), (correlation, -0.4, "-.40"), (correlation, 1.0, "+1.00"), (correlation, NAN, "—"),
        (probability, 0.984, ".98"), (probability, 1.0, "1.00"), (probability, NAN, "—"),
        (magnitude, 3.416, "+3.42"), (magnitude, -2824.2, "-2824"), (magnitude, 99.999, "+100.0"),
        (magnitude, 1.2e7, "+1.2e+07"), (magnitude, 0.0, "+0.00"), (magnitude, NAN, "—"),
        (share, 0.111, "11%"), (share, 0.001, "<1%"), (share, 0.0, "0%"), (share, 1.0, "100%"), (share, NAN, "—"),
    ],
)  # fmt: skip
def test_numbers_are_short_and_signed(write: object, value: float, text: str) -> None:
    assert callable(write)
    assert write(value) == text


async def test_the_chart_shows_each_category_with_its_number(run: Run) -> None:
    async with browsing(run) as browser:
        lines = browser.painted("#categories").splitlines()
        row = run.row_of("L0.N3")
        for name, line in zip(run.categories, lines[1:4], strict=True):
            assert name in line
            assert correlation(float(run.column("selectivity", name)[row])) in line
        assert "+.95" in lines[1]


async def test_the_table_has_every_figure_of_every_category(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("4", "h")
        lines = browser.painted("#categories").splitlines()
        assert lines[1].split()[1:5] == ["mean", "auroc", "reads", "d"]
        row = run.row_of("L0.N3")
        for name, line in zip(run.categories, lines[2:5], strict=True):
            figures = {figure: float(run.column(figure, name)[row]) for figure in ("mean", "auroc", "selectivity", "d")}
            assert line.strip("┃ ").split() == [
                name,
                magnitude(figures["mean"]),
                probability(figures["auroc"]),
                correlation(figures["selectivity"]),
                magnitude(figures["d"]),
            ]


async def test_the_tabs_go_round(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("4")
        seen = []
        for _ in range(4):
            seen.append(browser.screen.categories.tab)
            await browser.press("l")
        assert seen == ["reads", "mean", "d", "table"]
        assert browser.screen.categories.tab == "reads"


async def test_a_click_on_a_category_chooses_it_and_the_cursor_stays_on_its_neuron(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("j", "j")
        await browser.rest()
        neuron = browser.at
        await browser.pilot.click("#categories", offset=(5, 2))
        await browser.pilot.pause()
        assert browser.table.category == "food"
        assert browser.at == neuron
