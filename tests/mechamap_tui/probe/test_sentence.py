"""Which token is under the cursor of the line, and what is kept of sentences."""

from __future__ import annotations

import pytest

from mechamap.protocol.probed import ProbedText
from mechamap_tui.probe.sentence import token_at
from mechamap_tui.probe.session import ProbeSession


@pytest.mark.parametrize(
    ("character", "token"), [(0, 1), (1, 1), (3, 1), (4, 2), (7, 2), (8, 3), (9, 4), (10, 4), (99, 4)]
)
def test_the_token_of_the_character_in_front_of_the_cursor(character: int, token: int) -> None:
    text = ProbedText((5, 6, 7, 8, 9), ("<s>", "The", " dog", ".", "\n\n"), (0,), (0,))
    assert token_at(text, character) == token


def test_tokens_that_complete_a_character_are_passed_over() -> None:
    text = ProbedText((1, 2, 3, 4), ("a", "犬", "", "b"), (), (0,))
    assert [token_at(text, place) for place in (1, 2, 3)] == [0, 1, 3]


def test_special_tokens_around_the_text_are_never_under_it() -> None:
    text = ProbedText((1, 2, 3), ("[CLS]", "a", "[SEP]"), (0, 2), (0, 2))
    assert token_at(text, 0) == token_at(text, 1) == token_at(text, 5) == 1
    assert token_at(ProbedText((1,), ("<s>",), (0,), (0,)), 0) is None


def test_at_most_two_sentences_are_marked_the_newest_ones() -> None:
    session = ProbeSession()
    for text in ("one", "two", "three"):
        session.mark(text)
    assert session.pair == ("two", "three")
    assert session.kept == ["one", "two", "three"]
    session.mark("two")
    assert session.pair is None
    session.mark(" ")
    assert session.marked == ["three"]


def test_views_go_round_and_the_comparison_is_there_once_two_are_marked() -> None:
    session = ProbeSession()
    seen = []
    for _ in range(3):
        session.turn(1)
        seen.append(session.view)
    assert seen == ["outliers", "sentences", "outliers"]
    session.mark("one")
    session.mark("two")
    session.turn(1)
    assert session.view == "comparison"
    session.remove("one")
    session.turn(1)
    assert session.view == "outliers"
