"""Token text on its way to a terminal: visible, on one line, and as wide as it says."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.app import App

from mechamap_tui.terminal.clipboard import copied_file, copy_text
from mechamap_tui.terminal.terminal_text import clean, fit, fit_ends, pad, piece_label


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text", "plain text"),
        ("[bold]", "[bold]"),
        ("\x1b[31mred", "␛[31mred"),
        ("a\nb\tc", "a⏎b⇥c"),
        ("\x07\x7f\x9b", "␇␡<9B>"),
        ("a\u200bb\u202ec", "a<200B>b<202E>c"),
        ("\ufeff", "<FEFF>"),
        ("\ud800", "<D800>"),
        ("\u00a0x", " x"),
        ("\u0301", "◌\u0301"),
        ("e\u0301", "e\u0301"),
        ("❤\ufe0f", "❤"),
        ("日本", "日本"),
    ],
)
def test_what_cannot_be_seen_is_made_visible(text: str, seen: str) -> None:
    assert clean(text) == seen


@given(st.text(st.characters(), max_size=40), st.integers(0, 30))
def test_any_text_fits_exactly_and_moves_no_cursor(text: str, width: int) -> None:
    cleaned = clean(text)
    assert all(unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in cleaned)
    assert cell_len(fit(cleaned, width)) <= width
    assert cell_len(pad(cleaned, width)) == width
    assert cell_len(pad(cleaned, width, right=True)) == width


def test_a_cut_is_marked_and_wide_characters_are_not_halved() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("日本語", 4) == "日…"
    assert pad("日本語", 4) == "日… "
    assert pad("ab", 4, right=True) == "  ab"


def test_a_name_keeps_its_end_where_it_is_cut() -> None:
    assert fit_ends("SmolLM2-135M-Instruct-12", 14) == "SmolLM2-1…t-12"
    assert fit_ends("SmolLM2", 7) == "SmolLM2"
    assert fit_ends("日本語日本語日本語", 9) == "日本語…語"
    assert [len(fit_ends("abcdef", width)) for width in range(7)] == list(range(7))


@pytest.mark.parametrize(("piece", "label"), [(" dog", "dog"), ("  ", "␣␣"), ("\n", "⏎"), ("", "◌"), (" \n", "⏎")])
def test_a_token_in_a_list_goes_without_its_spaces_unless_it_is_nothing_else(piece: str, label: str) -> None:
    assert piece_label(piece) == label


async def test_a_copy_goes_to_the_terminal_and_to_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    app: App[None] = App()
    async with app.run_test():
        said = copy_text(app, "L1.N7 日本")
        assert app.clipboard == "L1.N7 日本"
        assert copied_file().read_text(encoding="utf-8") == "L1.N7 日本\n"
        assert str(copied_file()) in said
        monkeypatch.setenv("TMUX", "yes")
        assert "tmux" in copy_text(app, "x")
        monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home" / "copied.txt"))
        assert "cannot be written" in copy_text(app, "y")
        assert app.clipboard == "y"
