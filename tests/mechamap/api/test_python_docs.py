"""What docs/python.md shows runs as it stands there, on the bundled model in the place of gpt2."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.repository import ROOT

import mechamap as mm
from mechamap.catalog.source import demo_folder
from mechamap.errors import MissingExtra

PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
IN_PLACE = {"gpt2": "demo", "L7.N1844": "L3.N509", "run[7, 1844]": "run[3, 509]", '"all"': '"basis"', "> .9": "> .3"}
PROGRAMS = re.findall(r"(?ms)^```python\n(.*?)^```", PAGE)
ROWS = [row.split(" | ")[0] for row in re.findall(r"(?m)^\| (`.*)$", PAGE)]
EXPRESSIONS = [expression for row in ROWS for expression in re.findall(r"`([^`]+)`", row)]


def in_place(code: str) -> str:
    for shown, here in IN_PLACE.items():
        code = code.replace(shown, here)
    return code


def test_every_line_of_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert len(PROGRAMS) == 3 and len(EXPRESSIONS) > 20
    known: dict[str, object] = {
        "model": AutoModelForCausalLM.from_pretrained(demo_folder()),
        "tokenizer": AutoTokenizer.from_pretrained(demo_folder()),
        "text": "The dog ate bread and soup. A cat had an apple, and a cow looked on.",
    }
    small = 'progress=False, layers="3", second_text="never", categories='
    first, loaded, neuron = (in_place(program).replace("categories=", small) for program in PROGRAMS)
    exec(first, known)
    known["other"] = known["run"]
    run = known["run"]
    assert isinstance(run, mm.ScannedRun)
    run.export("neurons.csv")
    for expression in map(in_place, EXPRESSIONS):
        assert eval(expression, known) is not False, expression
    exec(loaded, known)
    for line in neuron.splitlines():
        try:
            exec(line, known)
        except MissingExtra:
            assert "plot" in line
