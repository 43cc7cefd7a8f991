"""Heat maps: plotext's picture says how much and which way, and every number can still be read."""

from __future__ import annotations

import pytest
from rich.style import Style

from mechamap.tables.table import Cell, Column, Kind, Table
from mechamap_tui.report.table.cell_layout import heat_layout, number_layout
from mechamap_tui.report.table.cell_lines import CellLines
from mechamap_tui.report.table.heat_map import BAND, RGB, HeatMap, heat_map, shade
from mechamap_tui.widgets.bars import BLUE, ORANGE

BLACK, WHITE = (0, 0, 0), (255, 255, 255)


def table_of(rows: list[list[Cell]], kind: Kind = "count", limit: float | None = None) -> Table:
    columns = (Column("layer", "layer", "count"), *(Column(f"c{at}", f"c{at}", kind) for at in range(len(rows[0]))))
    return Table("t", "T", columns, tuple((at, *row) for at, row in enumerate(rows)), heat=True, limit=limit)


def ground(map: HeatMap, row: int, column: int) -> tuple[int, int, int]:
    """The colour behind a cell."""
    style = map.cell(row, column, 6, middle=True).style
    assert style is not None and style.bgcolor is not None
    return tuple(style.bgcolor.get_truecolor())


def test_blue_is_up_and_orange_is_down_and_the_stronger_the_more() -> None:
    assert shade(1.0, 1.0, BLACK) == BLUE
    assert shade(-1.0, 1.0, BLACK) == ORANGE
    assert shade(5.0, 1.0, BLACK) == BLUE
    assert shade(0.0, 1.0, WHITE) == shade(None, 1.0, WHITE) == shade(1.0, 0.0, WHITE) == WHITE
    blues = [shade(value / 10, 1.0, BLACK)[2] for value in range(11)]
    assert blues == sorted(blues) and len(set(blues)) == 11
    assert BLACK < shade(0.5, 1.0, BLACK) < BLUE < shade(0.5, 1.0, WHITE) < WHITE


def test_plotext_draws_each_colour_where_it_belongs_and_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    for rows, columns in ((1, 1), (1, 9), (7, 1), (3, 5), (40, 12)):
        colours: list[list[RGB]] = [[(r * 5, c * 20, 77) for c in range(columns)] for r in range(rows)]
        drawn = heat_map(colours)
        assert [[tuple(colour.get_truecolor()) for colour in row] for row in drawn] == colours
    assert heat_map([[], []]) == [[], []]
    assert capfd.readouterr() == ("", ""), "a print would go right across the screen"


def test_a_table_is_coloured_by_its_largest_value_or_by_its_own_limit() -> None:
    assert ground(HeatMap(table_of([[0, 3], [6, 2]]), BLACK), 1, 1) == BLUE
    half = ground(HeatMap(table_of([[0.5, -0.5]], "correlation", limit=1.0), BLACK), 0, 1)
    assert half == shade(0.5, 1.0, BLACK)
    assert ground(HeatMap(table_of([[0.5, -0.5]], "correlation"), BLACK), 0, 2) == ORANGE


def test_one_of_many_does_not_look_like_none_but_a_correlation_of_nearly_nothing_does() -> None:
    counts = HeatMap(table_of([[0, 1, 100_000]]), BLACK)
    assert ground(counts, 0, 1) == BLACK
    assert ground(counts, 0, 2)[2] > 40
    assert max(ground(HeatMap(table_of([[-0.001, 1.0]], "correlation"), BLACK), 0, 1)) < 2


def test_a_table_longer_than_a_picture_is_drawn_in_several() -> None:
    rows: list[list[Cell]] = [[at] for at in range(2 * BAND + 3)]
    map = HeatMap(table_of(rows), BLACK)
    assert ground(map, 0, 1) == BLACK
    assert ground(map, 2 * BAND + 2, 1) == BLUE
    blues = [ground(map, row, 1)[2] for row in range(len(rows))]
    assert blues == sorted(blues)


def test_the_number_stands_on_the_colour_where_there_is_room() -> None:
    map = HeatMap(table_of([[7, 1234, None]]), BLACK)
    assert map.cell(0, 1, 8, middle=True).text == "      7 "
    assert map.cell(0, 2, 8, middle=True).text == "  1,234 "
    assert map.cell(0, 2, 4, middle=True).text == "    "
    assert map.cell(0, 1, 8, middle=False).text == "        "
    assert map.cell(0, 3, 8, middle=True).text.strip() == "·"


def test_the_number_can_be_read_on_light_and_on_dark() -> None:
    for under, ink in ((WHITE, BLACK), (BLACK, WHITE)):
        style = HeatMap(table_of([[0]]), under).cell(0, 1, 4, middle=True).style
        assert style is not None and style.color is not None
        assert tuple(style.color.get_truecolor()) == ink


def test_the_cursor_takes_the_place_of_the_colour() -> None:
    cursor = Style(reverse=True)
    assert HeatMap(table_of([[1]]), BLACK).cell(0, 1, 4, middle=True, over=cursor).style == cursor


@pytest.mark.parametrize(("pane", "lines"), [(58, 9), (78, 17), (128, 37), (158, 40)])
def test_the_whole_map_is_seen_where_that_can_be(pane: int, lines: int) -> None:
    layout = heat_layout(table_of([[0] * 8] * 8), pane, lines)
    assert [column for column, _ in layout.shown(1)] == list(range(1, 9))
    assert layout.left + sum(room for _, room in layout.shown(1)) <= pane
    assert layout.tall == 1 or 8 * layout.tall < lines


def test_a_map_of_many_columns_is_scrolled_by_whole_columns() -> None:
    layout = heat_layout(table_of([[0] * 60]), 80, 20)
    first = layout.first_that_shows(60, 1)
    assert (60, layout.widths[60]) in layout.shown(first)
    assert layout.first_that_shows(1, first) == 1
    assert layout.first_that_shows(first, first) == first


@pytest.mark.parametrize("value", [7, 137, 1_234, 46_080])
@pytest.mark.parametrize("pane", [58, 78, 158])
def test_numbers_of_a_map_never_run_into_one_another_or_into_the_name_of_their_row(pane: int, value: int) -> None:
    table = table_of([[value] * 40] * 3)
    layout = heat_layout(table, pane, 20)
    lines = CellLines(table, layout, HeatMap(table, BLACK), lambda _: Style.null())
    shown = [text for at in range(3) for text in lines.row(at, (layout.tall - 1) // 2, 1, None).text.split()]
    assert set(shown) == {"0", "1", "2", f"{value:,}"}


def test_the_columns_that_say_what_a_row_is_about_stay_where_half_the_pane_holds_them() -> None:
    columns = tuple(Column(f"c{at}", "a column", "count") for at in range(12))
    table = Table("t", "T", columns, ((1,) * 12,), stubs=2)
    for pane, stubs in ((60, 2), (26, 1)):
        layout = number_layout(table, pane)
        assert [column for column, _ in layout.fixed] == list(range(stubs))
        first = layout.first_that_shows(11, 1)
        assert layout.shown(first)[-1][0] == 11 > first > stubs
        assert layout.column_at(layout.left - 1, first) == stubs - 1
        assert layout.column_at(layout.left, first) == first
        assert layout.shown(1)[0][0] == stubs


def test_titles_of_numbers_take_two_lines_rather_than_be_scrolled_away() -> None:
    columns = tuple(Column(f"c{at}", "how deep it lies", "count") for at in range(6))
    layout = number_layout(Table("t", "T", columns, ((1,) * 6,)), 60)
    assert layout.header == 2
    assert [column for column, _ in layout.shown(1)] == [1, 2, 3, 4, 5]
    assert " ".join(layout.titles[3]) == "how deep it lies"
