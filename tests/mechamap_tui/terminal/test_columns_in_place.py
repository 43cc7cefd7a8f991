"""Borders stay in their columns in terminals that draw vowel signs and skin tones wider than the layout counts them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.widgets import Static

from mechamap_tui.terminal.columns_in_place import ColumnsInPlace, in_place
from mechamap_tui.terminal.terminal_text import pad


def by_layout(character: str) -> int:
    return cell_len(character)


def roomy(character: str) -> int:
    """As in terminals that give a spacing vowel sign a cell, and a skin tone two."""
    if "\U0001f3fb" <= character <= "\U0001f3ff":
        return 2
    return 1 if unicodedata.category(character) == "Mc" else cell_len(character)


def drawn(data: str, width_of: Callable[[str], int], columns: int = 40) -> list[list[str]]:
    """The cells of a screen of some lines that was full of dots before."""
    screen = [["." for _ in range(columns)] for _ in range(4)]
    x = y = 0
    for match in re.finditer(r"\x1b\[(\d+);(\d+)H|\x1b\[(\d+)G|\x1b\[[\d;]*m|(.)", data, re.DOTALL):
        line, column, place, character = match.groups()
        if line:
            x, y = int(column) - 1, int(line) - 1
        elif place:
            x = int(place) - 1
        elif character and character != "\n":
            width = width_of(character)
            if width:
                screen[y][x : x + width] = [character, *[""] * (width - 1)]
                x += width
            else:
                screen[y][x - 1] += character
    return screen


TEXTS = ["भारत में नदी", "👍🏽 and 👩🏿🏽", "မြန်မာ", "தமிழ் மொழி", "कि की कु कू के", "\u1112\u1161\u11ab\u1100\u1173\u11af"]


@pytest.mark.parametrize("width_of", [by_layout, roomy])
@pytest.mark.parametrize("text", TEXTS)
def test_a_border_stands_where_it_should_and_no_cell_is_left_over(text: str, width_of: Callable[[str], int]) -> None:
    room = " " * (28 - cell_len(text))
    line = f"\x1b[2;5H\x1b[1;44m│\x1b[0m\x1b[33m{text}\x1b[0m\x1b[44m{room}\x1b[0m\x1b[1m││ neighbour\x1b[0m\n"
    cells = drawn(in_place(line), width_of)[1]
    assert cells[4] == "│"
    assert "".join(cells[33:35]) == "││"
    assert "." not in cells[4:34]
    assert text in "".join(cells)


@pytest.mark.parametrize("width_of", [by_layout, roomy])
def test_a_full_stretch_is_cut_before_it_covers_what_stands_beside_it(width_of: Callable[[str], int]) -> None:
    text = "भारत में नदी"
    alone = f"\x1b[2;5H{text}"  # an update of this stretch only: what is to the right is not written again
    cells = drawn(in_place(alone), width_of)[1]
    assert cells[5 + cell_len(text) :] == ["."] * (35 - cell_len(text))
    assert "".join(cells[4:7]).startswith("भार")


@pytest.mark.parametrize("width_of", [by_layout, roomy])
def test_columns_of_a_table_stand_under_one_another(width_of: Callable[[str], int]) -> None:
    rows = [("गाय", "+.57", "य · का"), ("dog", "+.57", "x · ab"), ("नदी", "+.57", "दी · ती")]
    lines = [f"\x1b[{number};1H{pad(a, 6)}{b}  {pad(c, 10)}│" for number, (a, b, c) in enumerate(rows, 1)]
    screen = drawn(in_place("\n".join(lines)), width_of)
    assert [(line.index("+"), line.index("│")) for line in screen[:3]] == [(6, 22)] * 3


def test_what_every_terminal_draws_alike_is_written_as_it_was() -> None:
    for data in ("\x1b[1;1Hplain │\n", "\x1b[1;1H日本 ❤ é │\n", "no move भा", "\x1b[2;2H\x1b]8;;x\x07भा\x1b]8;;\x07│"):
        assert in_place(data) == data


async def test_the_app_writes_its_updates_so() -> None:
    class Hindi(ColumnsInPlace):
        is_headless = property(lambda self: False)  # type: ignore[assignment]  # else nothing is written

        def compose(self) -> ComposeResult:
            yield Static("भारत")

    app = Hindi()
    async with app.run_test(size=(30, 4)) as pilot:
        written: list[str] = []
        driver = app._driver
        assert driver is not None
        driver.write = written.append  # type: ignore[method-assign]
        app.screen.refresh()
        await pilot.pause()
        await pilot.pause()
    assert any("\x1b[4G" in data and "भारत" in data for data in written)
