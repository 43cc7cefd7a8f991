"""Advice is one sentence, worded where it is read."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from support.repository import ROOT

from mechamap.wording import advice
from mechamap.wording.advice import CONFIRM, Action, Advice, Setting

ADVICE = Advice.of("Load it with {}, or {} first.", Setting("device_map", "auto"), CONFIRM)


def test_as_text_it_has_the_words_of_the_command_line() -> None:
    assert str(ADVICE) == "Load it with --device-map auto, or `mechamap confirm RUN` first."
    assert str(Advice.of("Fewer {}.", Setting("layers"))) == "Fewer --layers."


def test_an_edge_puts_its_own_words_into_the_gaps() -> None:
    said = ADVICE.worded(lambda part: part.key if isinstance(part, Setting) else part.command)
    assert said == "Load it with device_map, or confirm RUN first."


def test_a_long_value_is_written_in_a_config_and_the_flag_named_beside_it() -> None:
    paths = Setting("neurons", "h.{layer}.mlp", in_config=True)
    assert str(paths) == 'neurons: "h.{layer}.mlp" in the config, or --neurons'


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
    rare = Advice.of("{}, {}", Setting("neurons", "h", in_config=True), Action("RUN", program="mechamap-tui"))
    assert Advice.from_plain(rare.to_plain()) == rare


def test_no_text_below_the_command_line_names_a_flag_or_a_command() -> None:
    """Docstrings may; so may what is no text: the commands of actions, the explorer's own command line."""
    edges = (
        *("mechamap/cli", "mechamap_tui/command", "mechamap_tui/data/form_fields", "mechamap_tui/data/advice_text"),
        *("mechamap/api/python_words", "mechamap/takeaway"),  # what they write is code, or the words for it
        *("mechamap/replay", "mechamap/page/making"),  # commands are what they write
        *("mechamap/page/style", "mechamap/config/keys/default_text"),  # a style sheet, a file of the user's
        "mechamap_tui/web",  # told on the command line
    )
    files = [file for package in ("mechamap", "mechamap_tui") for file in sorted((ROOT / package).rglob("*.py"))]
    named = [
        f"{file.relative_to(ROOT)}: {text}"
        for file in files
        if not str(file.relative_to(ROOT)).startswith(edges)
        for text in _texts(file)
        if re.search(r"(?<![\w.])(?<!zstd -dc )(?<!pip download )--[a-z]|`mechamap", text)
    ]
    assert named == []


def test_reports_name_only_what_the_explorer_puts_into_its_own_words() -> None:
    named = {
        name
        for folder in ("compare", "interpret")
        for file in (ROOT / "mechamap" / folder).rglob("*.py")
        for name in re.findall(r"\{([A-Z_]+)\}", file.read_text(encoding="utf-8"))
        if isinstance(getattr(advice, name, None), Setting | Action)
    }
    assert {getattr(advice, name) for name in named} == set(advice.IN_REPORTS)


def _texts(file: Path) -> list[str]:
    nodes = [*ast.walk(ast.parse(file.read_text(encoding="utf-8")))]
    docstrings = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    actions = [node for node in nodes if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Action"]
    commands = {id(inner) for action in actions for inner in ast.walk(action)}
    texts = [node for node in nodes if isinstance(node, ast.Constant) and id(node) not in docstrings | commands]
    return [node.value for node in texts if isinstance(node.value, str)]
