"""``neuron.code()``: what it gives runs as it is and prints the activations that the run has."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import mechamap as mm
from mechamap.errors import UsageError
from mechamap.runs.run import Run
from mechamap.takeaway.reading import READING_FORMS, Reading

NEURON = "L3.N509"


def printed(code: str, folder: Path) -> str:
    (folder / "neuron.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "neuron.py"], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def neuron(demo_run: Run) -> object:
    return mm.open(demo_run.path)[NEURON]


def values_in(text: str) -> list[float]:
    return [float(value) for value in re.findall(r"(?m)^([+-]\d+\.\d+) '", text)]


def highest(neuron) -> float:
    return float(neuron.run.data.figure("top_values")[neuron.row, 0])


def test_the_code_is_what_the_explorer_gives(neuron) -> None:
    """That for transformers is run by the tests of takeaways."""
    assert neuron.code() == READING_FORMS["transformers"][1](Reading.of(neuron.run.data, NEURON))
    assert "[3].mlp.c_proj.input[0, :, 509]" in neuron.code("nnsight")


@pytest.mark.parametrize("form", ["nnsight", "transformer_lens"])
def test_the_code_for_other_libraries_prints_the_highest_activation(neuron, form: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(form) is None:
        pytest.skip(f"{form} is not installed")
    assert max(values_in(printed(neuron.code(form), tmp_path))) == pytest.approx(highest(neuron), abs=2e-3)


@pytest.mark.parametrize("form", ["nnsight", "transformer_lens"])
def test_a_steered_step_says_the_same_next_token_in_other_libraries(neuron, form: str, tmp_path: Path) -> None:
    if importlib.util.find_spec(form) is None:
        pytest.skip(f"{form} is not installed")
    ladder = neuron.steer("She went to the", strengths=[2], controls=0, generate=0)
    assert printed(ladder.code(form), tmp_path).removesuffix("\n") == ladder.ladder.rows[-1].top[0][0]


def test_a_form_that_is_not_known_is_told(neuron) -> None:
    with pytest.raises(UsageError, match="Unknown form 'transformer-lens'"):
        neuron.code("transformer-lens")
    with pytest.raises(UsageError, match="Unknown form 'table'"):
        neuron.code("table")
