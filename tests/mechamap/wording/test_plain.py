"""Untrusted text on its way to a terminal or into a sentence."""

from __future__ import annotations

import pytest

from mechamap.wording.plain import printable, shortened


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\u202eb", "a\\u202eb"),
        ("👩‍🚀", "👩‍🚀"),
        ("می‌خواهم", "می‌خواهم"),
        ("भारत", "भारत"),
        (" \u200d", " \\u200d"),
    ],
)
def test_what_steers_a_terminal_is_spelled_out_and_letters_are_not(text: str, shown: str) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    ("text", "short"),
    [("abc", "abc"), ("ab  cd\nefgh", "ab c…"), ("abce\u0301fgh", "abc…"), ("👩‍🚀👩‍🚀", "👩‍🚀…"), ("👩‍👩‍👧‍👧", "…")],
)
def test_a_cut_keeps_letters_whole(text: str, short: str) -> None:
    assert shortened(text, 5) == short
