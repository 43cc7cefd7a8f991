"""Dataclasses from JSON and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import pytest

from mechamap.system.plain_values import OMIT_EMPTY, Recorded, from_plain_values, to_plain_values


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    size: float


@dataclass(frozen=True, slots=True)
class Whole:
    parts: tuple[Part, ...]
    counts: Mapping[str, int]
    way: Literal["in", "out"]
    certain: bool
    where: str | dict[str, str] | None
    error: float | None = field(default=None, metadata=OMIT_EMPTY)


PLAIN: dict[str, Any] = {
    "parts": [{"name": "a", "size": 1}, {"name": "b", "size": 0.5}],
    "counts": {"x": 0}, "way": "in", "certain": False, "where": None,
}  # fmt: skip


def test_what_is_read_and_written_again_is_the_same() -> None:
    whole = from_plain_values(Whole, PLAIN, "whole")
    assert whole == Whole((Part("a", 1.0), Part("b", 0.5)), {"x": 0}, "in", False, None)
    assert to_plain_values(whole) == PLAIN, "without what is empty and may be left out"
    for more in ({"where": "here"}, {"where": {"a": "b"}}, {"error": 0.0}, {"error": 0.25}):
        assert to_plain_values(from_plain_values(Whole, PLAIN | more, "whole")) == PLAIN | more


def test_keys_of_a_newer_version_are_passed_over() -> None:
    assert from_plain_values(Whole, PLAIN | {"later": [1]}, "whole") == from_plain_values(Whole, PLAIN, "whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Versioned(Recorded):
    name: str
    error: float | None = None


def test_a_key_that_was_not_there_is_not_written_again_until_it_is_set() -> None:
    old, new = (from_plain_values(Versioned, plain, "it") for plain in ({"name": "a"}, {"name": "a", "error": None}))
    assert old == new == Versioned(name="a")
    assert to_plain_values(old) == {"name": "a"}
    assert to_plain_values(new) == {"name": "a", "error": None}
    assert to_plain_values(replace(old, error=0.5)) == {"name": "a", "error": 0.5}
    assert from_plain_values(Versioned, {"name": "a", "lacking": 3}, "it") == old


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"parts": {}}, r"whole\.parts is {}; expected a list"),
        ({"parts": [{"name": "a", "size": "1"}]}, r"whole\.parts\[0\]\.size is '1'; expected a number"),
        ({"parts": [{"name": "a"}]}, r"whole\.parts\[0\] has no size"),
        ({"parts": ["a"]}, r"whole\.parts\[0\] is 'a'; expected an object"),
        ({"counts": {"x": True}}, r"whole\.counts\.x is True; expected a whole number"),
        ({"counts": {"x": 0.5}}, r"whole\.counts\.x is 0\.5; expected a whole number"),
        ({"counts": []}, r"whole\.counts is \[\]; expected an object"),
        ({"way": "up"}, "whole.way is 'up'; expected in or out"),
        ({"certain": 1}, "whole.certain is 1; expected true or false"),
        ({"where": 3}, "whole.where is 3; expected a text"),
    ],
)
def test_a_member_of_another_type_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_plain_values(Whole, PLAIN | changes, "whole")
