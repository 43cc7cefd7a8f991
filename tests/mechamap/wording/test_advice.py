"""Advice is one sentence, worded where it is read."""

from __future__ import annotations

import pytest

from mechamap.wording.advice import CONFIRM, Action, Advice, Setting

ADVICE = Advice.of("Load it with {}, or {} first.", Setting("device_map", "auto"), CONFIRM)


def test_as_text_it_has_the_words_of_the_command_line() -> None:
    assert str(ADVICE) == "Load it with --device-map auto, or `mechamap confirm RUN` first."
    assert str(Advice.of("Fewer {}.", Setting("layers"))) == "Fewer --layers."


def test_an_edge_puts_its_own_words_into_the_gaps() -> None:
    said = ADVICE.worded(lambda part: part.key if isinstance(part, Setting) else part.name)
    assert said == "Load it with device_map, or confirm first."


def test_braces_in_a_value_are_no_gap() -> None:
    assert str(Advice.of("Read one with {}.", Setting("model", "{}"))) == "Read one with --model {}."


def test_every_gap_has_a_part() -> None:
    with pytest.raises(ValueError, match="other gaps"):
        Advice.of("Load it with {} or {}.", Setting("dtype"))


def test_a_setting_may_have_another_name_elsewhere() -> None:
    advice = Advice.of("Read one with {}.", Setting("model", "gpt2"))
    assert advice.names("model") and not ADVICE.names("model")
    assert str(advice.with_key("model", "model_a")) == "Read one with --model-a gpt2."


def test_it_comes_back_from_plain_values() -> None:
    assert Advice.from_plain(ADVICE.to_plain()) == ADVICE
    assert ADVICE.to_plain()["parts"] == [{"setting": "device_map", "value": "auto"}, {"command": "confirm RUN"}]
    assert Action("confirm RUN").name == "confirm"
