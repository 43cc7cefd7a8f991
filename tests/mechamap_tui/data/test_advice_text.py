"""Advice in the explorer's words."""

from __future__ import annotations

import pytest

from mechamap.errors import ModelError
from mechamap.wording.advice import ABLATE, CONFIRM, CONFIRM_TEXT, Advice, Part, Setting
from mechamap_tui.data.advice_text import error_text, hint_text


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Setting("dtype", "bfloat16"), "Dtype: bfloat16"),
        (Setting("layers"), "Layers"),
        (Setting("device_map", "auto"), "`device_map: auto` in the config file"),
        (Setting("trust_remote_code"), "`trust_remote_code: true` in the config file"),
        (Setting("resume"), "--resume on the command line"),
        (CONFIRM, "V (confirm run)"),
        (ABLATE, "a (ablate)"),
        (CONFIRM_TEXT, "`mechamap confirm RUN --text FILE` on the command line"),
    ],
)
def test_fields_and_keys_stand_where_the_command_line_has_flags(part: Part, words: str) -> None:
    assert hint_text(Advice.of("Try {}.", part)) == f"Try {words}."


def test_a_hint_without_gaps_is_said_as_it_is() -> None:
    assert error_text(ModelError("It overflows.", "Use {}.")) == "It overflows. Use {}."
    assert error_text(ModelError("It overflows.")) == "It overflows."
