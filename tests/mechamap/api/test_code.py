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


def highest(neuron) -> float:
    return float(neuron.run.data.figure("top_values")[neuron.row, 0])


def test_the_code_for_transformers_prints_the_highest_activation(neuron, tmp_path: Path) -> None:
    values = [float(line.split(" ", 1)[0]) for line in printed(neuron.code(), tmp_path).splitlines()]
    assert max(values) == pytest.approx(highest(neuron), abs=2e-3)


@pytest.mark.skipif(importlib.util.find_spec("nnsight") is None, reason="nnsight is not installed")
def test_the_code_for_nnsight_prints_the_highest_activation(neuron, tmp_path: Path) -> None:
    values = [float(value) for value in re.findall(r"-?\d+\.\d+(?:e-?\d+)?", printed(neuron.code("nnsight"), tmp_path))]
    assert max(values) == pytest.approx(highest(neuron), abs=2e-3)


def test_a_form_that_is_not_known_is_told(neuron) -> None:
    with pytest.raises(UsageError, match="Unknown form 'transformer-lens'"):
        neuron.code("transformer-lens")
    with pytest.raises(UsageError, match="Unknown form 'table'"):
        neuron.code("table")
