"""Charts and numbers: signed, aligned, and the same in the picture and in the table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.browse_host import SIZES, browsing
from support.recorded_run import Shape, checked_run, recorded_run

from mechamap.runs.run import Run
from mechamap.tables.numbers import correlation, effect, magnitude, probability, share, small_probability
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.widgets.bars import signed_bars

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
        (effect, -0.21, "-.2100"), (effect, 0.00083, "+.0008"), (effect, -1.2344, "-1.234"),
        (effect, 0.99997, "+1.000"), (effect, 9.9996, "+10.00"), (effect, 0.0, "+.0000"), (effect, NAN, "—"),
        (small_probability, 1 / 201, ".005"), (small_probability, 1.0, "1.000"), (small_probability, 1e-4, "<.001"),
        (small_probability, NAN, "—"), (small_probability, 10 / 201, ".0498"), (small_probability, 0.05, ".050"),
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
        assert lines[1].split()[1:7] == ["reads", "writes", "auroc", "d", "mean", "ap"]
        row = run.row_of("L0.N3")
        for name, line in zip(run.categories, lines[2:5], strict=True):

            def of(figure: str, category: str = name) -> float:
                return float(run.column(figure, category)[row])

            assert line.strip("┃ ").split() == [
                name,
                correlation(of("selectivity")),
                magnitude(of("write")),
                probability(of("auroc")),
                magnitude(of("d")),
                magnitude(of("mean")),
                probability(of("ap")),
            ]


@pytest.mark.parametrize("size", SIZES)
async def test_reads_writes_and_causes_stand_side_by_side_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    run = checked_run(tmp_path / "checked")
    async with browsing(run, size) as browser:
        browser.table.go_to(run.row_of("L1.N7"))
        await browser.press("4", "h")
        await browser.rest()
        lines = browser.painted("#categories").splitlines()
        assert lines[1].split()[1:4] == ["reads", "writes", "causes"]
        animal, food = lines[2].strip("┃ ").split(), lines[3].strip("┃ ").split()
        assert food[0] == "food✓" and food[3].startswith("-.2500"), "confirmed, and measured"
        assert animal[0] == "animal" and animal[3].startswith("~"), "neither"
        view = browser.screen.categories.query_one(CategoryChart)
        everything = "\n".join(view.line(at, 30).plain for at in range(view.virtual_size.height))
        for title in ("p", "held", "second", "auroc", "d", "mean", "strength", "ap"):
            assert title in everything.split(), "what does not fit beside the names stands below"


async def test_the_figures_of_a_corpus_stand_with_their_standard_errors(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "corpus", shape=Shape(corpus=True))
    row, animal = run.row_of("L0.N3"), run.categories.index("animal")
    planted = {"auroc_se": 0.012, "ap_se": 0.004, "d_se": 0.25, "mean_se": float("nan")}
    for name, error in planted.items():
        run._arrays[name] = np.array(run.figure(name))
        run._arrays[name][row, animal] = error
    async with browsing(run) as browser:
        assert "+.95 ± .02" in browser.painted("#categories").splitlines()[1]
        assert not any(name in browser.painted("#neurons") for name in planted), "no columns of their own"
        await browser.press("4", "h")
        await browser.rest()
        view = browser.screen.categories.query_one(CategoryChart)
        lines = [view.line(at, 30).plain for at in range(view.virtual_size.height)]
        first = " ".join(line for line in lines if line.startswith("animal"))
        for text in (
            "+.95 ± .02",
            f"{probability(float(run.column('auroc', 'animal')[row]))} ± .01",
            ".90 ± <.01",
            f"{magnitude(float(run.figure('d')[row, animal]))} ± 0.25",
        ):
            assert text in first
        assert first.count("±") == 4
        assert lines[0].index("auroc") + len("auroc") == lines[1].index("± .01") + len("± .01"), "columns end alike"


async def test_a_neuron_that_dropped_on_a_second_text_is_marked_in_the_chart(tmp_path: Path) -> None:
    async with browsing(checked_run(tmp_path / "checked")) as browser:
        chart = browser.painted("#categories")
        assert browser.at == "L0.N3"
        assert "animal✗" in chart and "food✓" not in chart


async def test_causes_are_drawn_with_what_is_estimated_marked(tmp_path: Path) -> None:
    run = checked_run(tmp_path / "checked")
    async with browsing(run) as browser:
        browser.table.go_to(run.row_of("L1.N7"))
        browser.screen.categories.action_tab("causes")
        await browser.rest()
        lines = browser.painted("#categories").splitlines()
        assert "~" in lines[1] and "~" not in lines[2] and "-.2500" in lines[2]
        assert "log p without the neuron" in lines[5]


async def test_a_figure_that_is_not_defined_says_why_instead_of_what_it_means(run: Run) -> None:
    run.record = replace(run.record, undefined={"write": "an encoder predicts no next token"})
    run._arrays["write"] = np.full((run.neurons, 3), np.nan, np.float32)
    async with browsing(run) as browser:
        browser.screen.categories.action_tab("writes")
        await browser.rest()
        assert "an encoder predicts no next token" in browser.painted("#categories")
        assert "not defined for this model" in browser.painted("#categories")
        assert "writes" not in browser.painted("#neurons"), "a column that can only be empty is not shown"


async def test_the_tabs_go_round(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("4")
        seen = []
        for _ in range(5):
            seen.append(browser.screen.categories.tab)
            await browser.press("l")
        assert seen == ["reads", "writes", "mean", "d", "table"]
        assert browser.screen.categories.tab == "reads"


@pytest.mark.parametrize("size", SIZES)
async def test_all_tabs_can_be_seen_at_every_size(tmp_path: Path, size: tuple[int, int]) -> None:
    async with browsing(checked_run(tmp_path / "checked"), size) as browser:
        for key in ("3", "4"):
            await browser.press(key)
            title = browser.painted("#detail" if key == "3" else "#categories").splitlines()[0]
            assert "…" not in title


async def test_a_click_on_a_category_chooses_it_and_the_cursor_stays_on_its_neuron(run: Run) -> None:
    async with browsing(run) as browser:
        await browser.press("j", "j")
        await browser.rest()
        neuron = browser.at
        await browser.pilot.click("#categories", offset=(5, 2))
        await browser.pilot.pause()
        assert browser.table.category == "food"
        assert browser.at == neuron
