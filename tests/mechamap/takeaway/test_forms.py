"""A step of a ladder taken away: what runs gives the same numbers, what cannot run here names the right neurons."""

from __future__ import annotations

import ast
import os
import re
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.by_name import load_model

from mechamap.cli.main import main
from mechamap.errors import UsageError
from mechamap.protocol.steering import Ladder
from mechamap.runs.neuron_names import parse_neuron
from mechamap.runs.run import Run
from mechamap.steering.generation import Sampling
from mechamap.steering.ladder import LadderSettings, steer
from mechamap.steering.subject import Subject
from mechamap.takeaway.forms import FORMS, taken_away

TEXT = "She said: 'It's \"late\"'\nand went to the"
NEURONS = ("L1.N5", "L3.N509")


@pytest.fixture(scope="module")
def subject(demo_run: Run) -> Subject:
    return Subject.of_run(demo_run, load_model("demo", device="cpu"))


def climb(subject: Subject, **changes) -> Ladder:
    settings = LadderSettings((-1.0, 1.5), controls=2, sampling=Sampling(5))
    return steer(subject, [parse_neuron(name) for name in NEURONS], TEXT, replace(settings, **changes))


def run_python(code: str, tmp_path: Path) -> str:
    (tmp_path / "taken.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "taken.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "changes",
    [{}, {"where": "last"}, {"where": 3, "mode": "set"}, {"mode": "zero"}],
    ids=["add", "last", "set", "zero"],
)
def test_transformers_alone_gives_the_same_probabilities_and_text(subject: Subject, tmp_path: Path, changes) -> None:
    ladder = climb(subject, **changes)
    row = ladder.rows[-1]
    *top, text = run_python(taken_away(ladder, "transformers", row.strength), tmp_path).split("\n", 5)
    for line, (token, p) in zip(top, row.top, strict=True):
        shown, name = line.split(" ", 1)
        assert float(shown) == pytest.approx(p, abs=2e-4)
        assert ast.literal_eval(name) == token
    assert text == row.text + "\n"


def test_this_library_gives_the_same_row(subject: Subject, tmp_path: Path) -> None:
    ladder = climb(subject)
    row = ladder.rows[-1]
    printed = run_python(taken_away(ladder, "python", 1.5), tmp_path)
    strength, kl, rest = printed.split(" ", 2)
    assert (float(strength), float(kl)) == (1.5, pytest.approx(row.kl, abs=1e-5))
    assert rest.rstrip("\n").endswith(row.text)


def test_the_command_gives_the_same_row(subject: Subject, capsys: pytest.CaptureFixture[str]) -> None:
    ladder = climb(subject)
    words = shlex.split(taken_away(ladder, "command", 1.5))
    assert words[:2] == ["mechamap", "steer"]
    assert main([*words[1:], "--format", "csv"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("strength,category,change")
    food = next(line for line in lines if line.startswith("1.5,food,"))
    assert float(food.split(",")[2]) == pytest.approx((ladder.rows[-1].categories or {})["food"].change, abs=1e-5)


def test_every_form_is_python_or_a_command_and_names_the_neurons(subject: Subject) -> None:
    ladder = climb(subject)
    for form in FORMS:
        text = taken_away(ladder, form)
        if form != "command":
            ast.parse(text)
    added = 1.5 * ladder.neurons[0].sign * (ladder.neurons[0].scale or 0)
    lens = taken_away(ladder, "transformer_lens")
    assert f"'blocks.1.mlp.hook_post': [(5, {added!r})]" in lens
    assert "'blocks.3.mlp.hook_post': [(509, " in lens
    nnsight = taken_away(ladder, "nnsight")
    assert f"model.transformer.h[1].mlp.c_proj.input[:, 1:, 5] += {added!r}" in nnsight
    held = taken_away(climb(subject, mode="zero", where=2), "nnsight")
    assert "model.transformer.h[1].mlp.c_proj.input[:, 3:, 5] = 0.0" in held


def test_experts_that_hooks_do_not_see_are_told(subject: Subject) -> None:
    ladder = climb(subject)
    hidden = replace(ladder, neurons=(replace(ladder.neurons[0], neuron="L1.E2.N5", path=""),))
    for form in ("transformers", "nnsight", "transformer_lens"):
        with pytest.raises(UsageError, match=r"cannot see L1\.E2\.N5"):
            taken_away(hidden, form)
    assert "--neuron L1.E2.N5" in taken_away(hidden, "command")
    with pytest.raises(UsageError, match="Unknown form 'perl'"):
        taken_away(ladder, "perl")


def test_no_prompt_leaves_its_quotes(subject: Subject) -> None:
    """A prompt is data in every form, whatever it holds."""
    ladder = replace(climb(subject), prompt='\'); import os #\n""" $(touch x) `y`')
    for form in FORMS:
        text = taken_away(ladder, form)
        if form == "command":
            assert f"--text={ladder.prompt}" in shlex.split(text)
        else:
            assert not re.search(r"^import os", text, re.MULTILINE)
            ast.parse(text)
