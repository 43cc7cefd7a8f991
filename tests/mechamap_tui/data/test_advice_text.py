"""Advice in the explorer's words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.comparisons import compared
from support.recorded_run import checked_run, recorded_run
from support.repository import ROOT

from mechamap.compare.closest.closest import closest_of
from mechamap.compare.words.activations import kept_words
from mechamap.csv_files.run import read_csv
from mechamap.errors import ModelError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.interpret.report import interpret_run
from mechamap.runs.run import Run
from mechamap.runs.writer import write_activations
from mechamap.tables.table import Report
from mechamap.wording.advice import (
    ABLATE,
    AS_SAME,
    CONFIRM,
    CONFIRM_TEXT,
    IN_REPORTS,
    RESUME,
    Action,
    Advice,
    Part,
    Setting,
)
from mechamap_tui.data.advice_text import error_text, explorer_words, hint_text, report_text

COMMAND = re.compile(r"`mechamap [^`]+` on the command line")


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (Setting("dtype", "bfloat16"), "Dtype: bfloat16"),
        (Setting("layers"), "Layers"),
        (Setting("device_map", "auto"), "`device_map: auto` in the config file"),
        (Setting("neurons", "h.{layer}", in_config=True), "`neurons: h.{layer}` in the config file"),
        (Setting("trust_remote_code"), "`trust_remote_code: true` in the config file"),
        (Setting("resume"), "`mechamap scan MODEL --out DIR --resume` on the command line"),
        (AS_SAME, "`mechamap compare A B --as same` on the command line"),
        (RESUME, "R (resume the scan)"),
        (CONFIRM, "V (confirm run)"),
        (ABLATE, "A (estimate causes)"),
        (CONFIRM_TEXT, "`mechamap confirm RUN --text FILE` on the command line"),
        (Action("runs"), "the start screen"),
        (Action("demo-1", program="mechamap-tui"), "enter on the start screen"),
    ],
)
def test_fields_and_keys_stand_where_the_command_line_has_flags(part: Part, words: str) -> None:
    assert hint_text(Advice.of("Try {}.", part)) == f"Try {words}."


def test_a_hint_without_gaps_is_said_as_it_is() -> None:
    assert error_text(ModelError("It overflows.", "Use {}.")) == "It overflows. Use {}."
    assert error_text(ModelError("It overflows.")) == "It overflows."


def test_no_advice_names_a_flag_but_in_a_whole_command() -> None:
    parts = {*_parts_in(ROOT / "mechamap"), *_parts_in(ROOT / "mechamap_tui")}
    assert len(parts) > 20
    said = {part: explorer_words(part) for part in parts if part != Setting("model")}
    assert {part: words for part, words in said.items() if "--" in COMMAND.sub("", words)} == {}
    # Its sentence says that it is about the command line.
    assert explorer_words(Setting("model", "gpt2")) == "`mechamap interpret FILE.csv --model gpt2`"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"Not confirmed: a; {CONFIRM} confirms a run.", "Not confirmed: a; V (confirm run) confirms a run."),
        (f"some are strong by chance ({CONFIRM}).", "some are strong by chance (V)."),
        (
            f"`{AS_SAME}` compares them neuron by neuron.",
            "`mechamap compare A B --as same` on the command line compares them neuron by neuron.",
        ),
        ("it favours neurons that are always on, so try --by reads.",
         "it favours neurons that are always on, so try reads (f)."),
        ("A run called --by hand.", "A run called --by hand."),
    ],
)  # fmt: skip
def test_a_reports_text_has_the_words_of_the_command_line_replaced(text: str, words: str) -> None:
    assert report_text(text) == words


def test_reports_name_commands_on_the_command_line_and_keys_in_the_explorer(tmp_path: Path) -> None:
    texts = [text for report in _reports(tmp_path) for text in _texts(report)]
    assert [part for part in IN_REPORTS if not any(str(part) in text for text in texts)] == []
    for text in map(report_text, texts):
        rest = COMMAND.sub("", text)
        assert "--" not in rest and "`mechamap" not in rest


def _parts_in(folder: Path) -> Iterator[Part]:
    """Every setting and action that is written out in the code, with the values that are."""
    for file in folder.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            values = [
                each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)
            ]
            match getattr(call.func, "id", ""):
                case "Action" if values:
                    yield Action(values[0])
                case "Setting" if values and file.name != "settings.py":  # a table of them has a class of that name
                    yield Setting(*values[:2])


def _reports(folder: Path) -> Iterator[Report]:
    """Such as name, together, all that reports name."""
    a, b, checked = recorded_run(folder / "a"), recorded_run(folder / "b", width=200), checked_run(folder / "checked")
    yield interpret_run(a)
    means = np.array(a.figure("mean"))
    means[a.row_of("L2.N5")] = 50
    arrays = {name: np.array(a.figure(name)) for name in a.record.figures} | {"mean": means}
    yield interpret_run(Run(a.record, arrays, a.path), "mean")
    yield compared((a, checked))
    yield compared((a, checked, b))
    yield compared((b, recorded_run(folder / "other", width=200, seed=1)))
    known = replace(a.record, causes=replace(a.record.causes, occurrences={"food": 5}))
    yield compared((a, Run(known, arrays, a.path)))
    export_run(a, folder / "a.csv", ExportRequest("csv", threshold=0.3))
    (folder / "c.csv").write_text((folder / "a.csv").read_text().replace("tiny,", "else,"))
    yield compared((read_csv(folder / "c.csv"), a))
    for run in (a, checked):
        assert run.path is not None
        rng = np.random.default_rng(3)
        for layer in run.layers:
            kept = rng.normal(0, 1, (layer.width, len(run.record.tokens.pieces)))
            write_activations(run.path, layer.layer, kept.astype(np.float16))
    first, second = (kept_words(run, placements=True) for run in (a, checked))
    yield compared((a, checked), closest=closest_of(first, second))


def _texts(report: Report) -> Iterator[str]:
    yield from report.remarks
    for table in report.tables:
        yield table.about
        yield from (cell for row in table.rows for cell in row if isinstance(cell, str))
