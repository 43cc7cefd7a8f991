"""What is offered for a name that is not known."""

from __future__ import annotations

import pytest

from mechamap.wording.suggest import alternatives, nearest, suggestion, unknown_name


def test_the_most_alike_names_come_first_and_those_too_different_not_at_all() -> None:
    assert nearest("anmal", ["mammal", "animal", "tool"], most=3) == ["animal", "mammal"]
    assert nearest("anmal", ["animal", "mammal"], cutoff=0.95) == []


def test_a_suggestion_is_a_question_or_nothing() -> None:
    assert suggestion("jsno", ("csv", "json")) == "Did you mean json?"
    assert suggestion("jsno", ("csv", "json"), quote='"') == 'Did you mean "json"?'
    assert suggestion("yaml", ("csv", "json")) == ""


@pytest.mark.parametrize(
    ("choices", "text"), [((), ""), (("csv",), "csv"), (("csv", "json"), "csv or json"), (("a", "b", "c"), "a, b or c")]
)
def test_choices_are_listed_as_a_sentence_lists_them(choices: tuple[str, ...], text: str) -> None:
    assert alternatives(choices) == text


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    assert unknown_name("format", "jsno", ("csv", "json")) == (
        "Unknown format 'jsno'; choose csv or json.",
        "Did you mean json?",
    )
    assert unknown_name("table", "x", ()) == ("Unknown table 'x'.", "")
