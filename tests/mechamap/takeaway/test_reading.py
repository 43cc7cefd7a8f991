"""A neuron taken away: what runs gives the activations that the run has."""

from __future__ import annotations

import ast
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from support.by_name import load_model, scan_request

from mechamap.cli.main import main
from mechamap.config.schema import config_from_dict
from mechamap.errors import UsageError
from mechamap.runs.run import Run
from mechamap.scan.scan import scan
from mechamap.takeaway.reading import READING_FORMS, Reading

NEURON = "L3.N509"


def written(run: Run, form: str, neuron: str = NEURON, **table: str) -> str:
    return READING_FORMS[form][1](Reading.of(run, neuron, **table))


def run_python(code: str, tmp_path: Path) -> str:
    (tmp_path / "taken.py").write_text(code, encoding="utf-8")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, "taken.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_transformers_alone_gives_the_neurons_highest_activation(demo_run: Run, tmp_path: Path) -> None:
    lines = run_python(written(demo_run, "transformers"), tmp_path).splitlines()
    values = [float(line.split(" ", 1)[0]) for line in lines]
    top = demo_run.figure("top_values")[demo_run.row_of(NEURON), 0]
    assert max(values[1:]) == pytest.approx(float(top), abs=2e-3)


def test_this_library_gives_its_tokens_and_the_table(demo_run: Run, tmp_path: Path) -> None:
    printed = run_python(written(demo_run, "python", where="food > 0.5", sort="-selectivity.food"), tmp_path)
    top = demo_run.top_tokens(demo_run.row_of(NEURON))[0]
    assert f"{top.value:+.4f} {top.piece!r}" in printed
    assert ast.literal_eval(printed.splitlines()[-1])


def test_the_commands_are_ones(demo_run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(written(demo_run, "table", where="food > 0.6", sort="-selectivity.food", category="food"))
    assert main(words[1:]) == 0
    first = capsys.readouterr().out.splitlines()
    assert first[0].startswith("layer,neuron,name") and len(first) > 1
    words = shlex.split(written(demo_run, "command"))
    assert main([*words[1:-1], "She ate bread."]) == 0
    assert NEURON in capsys.readouterr().out


def test_all_code_is_python_and_names_the_neuron(demo_run: Run) -> None:
    for form in ("python", "transformers", "nnsight", "transformer_lens"):
        ast.parse(written(demo_run, form))
    assert "model.transformer.h[3].mlp.c_proj.input[0, :, 509]" in written(demo_run, "nnsight")
    assert "cache['blocks.3.mlp.hook_post'][0, :, 509]" in written(demo_run, "transformer_lens")


def test_what_hooks_do_not_see_is_told(tiny_models: Callable[..., Path], tmp_path: Path) -> None:
    loaded = load_model(str(tiny_models("qwen2_moe")), device="cpu", dtype="float32")
    config = config_from_dict({"texts": ["The cat sat on the mat."], "categories": {"animal": ["cat"]}}, "test")
    run = scan(scan_request(loaded.id, config, tmp_path / "run"), loaded=loaded)
    for form in ("transformers", "nnsight", "transformer_lens"):
        with pytest.raises(UsageError, match=r"L1\.E0\.N3"):
            written(run, form, "L1.E0.N3")
    assert "down_proj" in written(run, "transformers", "L1.N3")  # of the shared expert
    assert "L1.E0.N3" in written(run, "command", "L1.E0.N3")
