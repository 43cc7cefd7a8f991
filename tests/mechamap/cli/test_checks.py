"""``mechamap confirm``, ``ablate``, ``lens`` and ``scan --confirm --causes``, on the bundled model."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.repository import ROOT

from mechamap.checks.causes.ablation import strongest
from mechamap.cli.main import main
from mechamap.config.schema import load_config
from mechamap.runs.run import Run
from mechamap.system.plain_values import to_plain_values

CONFIG = """
categories:
  animal: [dog, cat, horse, cow, sheep, lion, tiger, rabbit]
  food: [bread, cheese, apple, soup, rice, cake, meat, milk]
contrast: [table, window, doctor, teacher, quickly, idea, music, paper, heavy, glass]
layers: "1,3"
limit_neurons: 500
second_text: never
"""
SECOND = "The dog saw a cat, a horse and a cow. He gave bread to the sheep. The lion had meat, the rabbit had soup. "


def run_command(folder: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "MECHAMAP_HOME": str(folder), "PYTHONPATH": os.pathsep.join(filter(None, paths))}
    return subprocess.run(
        [sys.executable, "-m", "mechamap", *map(str, words)],
        capture_output=True, text=True, cwd=folder, env=environment, timeout=240, check=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def scanned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the config and a run of some neurons of the bundled model that nothing was checked of."""
    folder = tmp_path_factory.mktemp("scanned")
    (folder / "mine.yaml").write_text(CONFIG)
    done = run_command(folder, "scan", "demo", "--config", "mine.yaml", "--out", "run")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def here(scanned: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own to work in, with that run in it."""
    shutil.copytree(scanned / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    return tmp_path


@pytest.fixture
def mechamap(here: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([*map(str, words)])
        out, err = capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out, err

    return run


Mechamap = Callable[..., "tuple[int, str, str]"]


# --- scan ---


def test_a_scan_can_check_what_it_finds(scanned: Path) -> None:
    done = run_command(scanned, "scan", "demo", "--config", "mine.yaml", "--out", "checked", "--confirm", "--causes")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{scanned / 'checked'}\n"
    run = Run.open(scanned / "checked")
    assert run.record.state == "complete"
    for name in ("p", "held_out_auroc", "write_p", "cause"):
        assert np.isfinite(run.figure(name)).all(), name
    assert run.record.confirmation.permutations == 200
    words = run.record.confirmation.words
    assert words > 26  # those of the config, and words that match the categories'
    assert f"confirming: {6 * words} sentences" in done.stderr
    assert re.search(r"p +(<\.001|\.\d+) hard +(1\.00|\.\d\d) confirmed", done.stderr)
    assert "Traceback" not in done.stderr
    plain = Run.open(scanned / "run")
    for name in plain.record.figures:
        np.testing.assert_array_equal(run.figure(name), plain.figure(name), err_msg=name)


# --- confirm ---


def test_confirm_prints_a_line_for_each_category_and_tells_the_rest_beside(mechamap: Mechamap, here: Path) -> None:
    code, out, err = mechamap("confirm", "run", "--permutations", "60", "--splits", "2", "--seed", "5")
    assert code == 0
    table, features, directions = out.split("\n\n")
    head, animal, food = table.splitlines()
    assert head.split() == [
        *("category", "words", "held-out", "lowest", "AP", "by", "mean", "needed"),
        *("p", "<", ".05", "confirmed", "writers", "best"),
    ]
    about = to_plain_values(Run.open(here / "run").record.confirmation)
    assert (about["permutations"], about["splits"], about["seed"]) == (60, 2, 5)
    for line, name in ((animal, "animal"), (food, "food")):
        its = about["categories"][name]
        cells = line.split()
        assert cells[:3] == [name, "8", f"{its['held_out_auroc']:.3f}"]
        counts = [str(its[count]) for count in ("significant", "confirmed", "writers")]
        assert cells[6:10] == [f"{its['needed']:.3f}", *counts]
        assert its["best"] in cells[10]
        assert its["confirmed"] >= 1  # the bundled model has neurons for them
    assert f"1,000 neurons, {about['words']} words in 6 sentences each, 60 permutations" in err
    assert "an AUROC of 0.8 against matched words and near relatives" in err
    assert features.splitlines()[1].split()[:3] == ["category", "capital", "letter"]
    for line, name in zip(features.splitlines()[2:], about["categories"], strict=True):
        alone = about["categories"][name]["features"]["capital letter"]
        assert line.split()[:2] == [name, f"{alone:.2f}".removeprefix("0")]
    for line, name in zip(directions.splitlines()[1:], about["categories"], strict=True):
        its = about["categories"][name]
        assert line.split()[:2] == [name, f"{its['held_out_ap']:.2f}".removeprefix("0")]
        assert its["direction"]["ap"] > its["direction"]["random_ap"]


def test_confirm_as_json_is_all_that_the_run_keeps(mechamap: Mechamap, here: Path) -> None:
    code, out, _ = mechamap("confirm", "run", "--permutations", "20", "--splits", "1", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["run"] == "run"
    assert told["confirmation"] == json.loads((here / "run" / "run.json").read_text())["confirmation"]
    assert told["second_looks"] == []


def test_a_second_text_is_looked_at_and_what_is_confirmed_is_not_confirmed_anew(mechamap: Mechamap, here: Path) -> None:
    (here / "second.txt").write_text(SECOND * 2)
    words = ("confirm", "run", "--text", here / "second.txt", "--candidates", "3")
    assert mechamap(*words, "--permutations", "39")[0] == 0
    first = Run.open(here / "run")
    code, out, err = mechamap(*words, "--permutations", "59")
    run = Run.open(here / "run")
    assert code == 0
    assert run.record.confirmation == first.record.confirmation
    assert "39 permutations" in err
    table, _, _, look = out.split("\n\n")
    assert table.startswith("category ")
    (kept,) = to_plain_values(run.record.second_looks)
    lines = look.splitlines()
    assert lines[0].startswith("second.txt: ")
    assert len(lines) == 2 + len(kept["neurons"])
    for line, entry in zip(lines[2:], kept["neurons"], strict=True):
        assert line.split()[:4] == [
            entry["category"], entry["neuron"], f"{entry['first']:.3f}", f"{entry['second']:.3f}",
        ]  # fmt: skip
        assert line.endswith("dropped") == entry["dropped"]
    told = json.loads(mechamap(*words, "--json")[1])
    assert told["second_looks"] == json.loads(json.dumps([dict(kept)]))


def test_the_same_search_in_random_models_stands_beside_what_is_confirmed(mechamap: Mechamap, here: Path) -> None:
    words = ("confirm", "run", "--permutations", "20", "--splits", "1", "--randomize")
    code, out, err = mechamap(*words, "basis,weights")
    assert code == 0
    run = Run.open(here / "run")
    *_, table = out.split("\n\n")
    head, titles, *rows = table.splitlines()
    assert head.split() == ["model", "weights", "basis"]
    assert titles.split() == ["category", *("confirmed", "strength", "AUROC") * 3]
    for row, name in zip(rows, ("animal", "food"), strict=True):
        assert row.split()[:2] == [name, str(run.record.confirmation.categories[name].confirmed)]
    assert "weights: a copy of the model takes 6.4 MB of memory while it is searched" in err
    assert "basis: each layer's neurons in a randomly rotated basis" in err
    code, out, _ = mechamap(*words, "basis", "--seed", "3", "--json")
    told, again = json.loads(out), Run.open(here / "run")
    assert again.record.confirmation == run.record.confirmation, "it is not confirmed again"
    assert [search["way"] for search in told["randomized"]["searches"]] == ["weights", "basis"]
    assert [search["seed"] for search in told["randomized"]["searches"]] == [0, 3]
    assert told["randomized"] == json.loads((here / "run" / "run.json").read_text())["randomized"]


def test_a_second_text_can_be_piped_in(mechamap: Mechamap, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(SECOND.encode())))
    code, out, _ = mechamap("confirm", "run", "--text", "-", "--permutations", "20", "--splits", "1")
    assert code == 0
    assert "\nstandard input: " in out


def test_a_category_that_cannot_be_split_says_so_in_the_place_of_its_numbers(mechamap: Mechamap, here: Path) -> None:
    (here / "one.yaml").write_text(CONFIG.replace("contrast:", "  sun: [sun]\ncontrast:"))
    assert mechamap("scan", "demo", "--config", "one.yaml", "--out", "one")[0] == 0
    code, out, _ = mechamap("confirm", "one", "--permutations", "20", "--splits", "1")
    assert code == 0
    last = out.split("\n\n")[0].splitlines()[-1]
    assert "too few words to split into halves" in last
    assert last.startswith("sun ")


# --- ablate ---


def test_ablate_prints_the_effect_of_a_neuron_beside_its_controls(mechamap: Mechamap, here: Path) -> None:
    code, out, err = mechamap("ablate", "run", "--neuron", "L3.N7", "--neuron", "1.5", "--controls", "3")
    assert code == 0
    first, second = out.strip("\n").split("\n\n")
    assert first.startswith("L3.N7 held at zero; controls: L3.N")
    assert second.startswith("L1.N5 held at zero; controls: L1.N")
    run = Run.open(here / "run")
    ablation = run.record.causes.ablations["L3.N7 zero"]
    assert len(ablation.controls) == 3
    for line, (name, its) in zip(first.splitlines()[2:], ablation.categories.items(), strict=True):
        cells = line.split()
        assert cells[:4] == [name, f"{its.effect:+.4f}", f"{its.error:.4f}", "-"]  # nothing was estimated
    assert "Change of the mean log probability" in err


def test_without_a_neuron_the_strongest_of_each_category_are_measured(mechamap: Mechamap, here: Path) -> None:
    code, out, _ = mechamap("ablate", "run", "--top", "1", "--controls", "1", "--json")
    assert code == 0
    told = json.loads(out)
    run = Run.open(here / "run")
    assert np.isfinite(run.figure("cause")).all()
    measured = [its["neuron"] for its in told["ablations"]]
    assert 1 <= len(measured) <= 2
    estimate = run.figure("cause")
    assert measured[0] == str(run.neuron_name(int(estimate[:, 0].argmin())))
    code, out, _ = mechamap("ablate", "run", "--category", "food", "--top", "2", "--mean", "--controls", "0")
    assert code == 0
    assert out.count("held at its mean; controls: none") == 2
    first = str(run.neuron_name(strongest(run, "food", 1)[0]))
    assert out.startswith(first)


def test_estimates_alone_are_a_line_for_each_category(mechamap: Mechamap, here: Path) -> None:
    code, out, _ = mechamap("ablate", "run", "--top", "0")
    assert code == 0
    run = Run.open(here / "run")
    assert not run.has("cause_measured")
    for line, name in zip(out.splitlines(), ("animal", "food"), strict=True):
        best = strongest(run, name, 4)
        its = [f"{run.neuron_name(row)} {float(run.column('cause', name)[row]):+.3f}" for row in best]
        assert line.split() == [name, *" ".join(its).split()]


def test_the_method_of_the_estimate_is_kept_and_can_be_chosen(mechamap: Mechamap, here: Path) -> None:
    assert mechamap("ablate", "run", "--top", "0")[0] == 0
    gradient = np.array(Run.open(here / "run").figure("cause"))
    assert mechamap("ablate", "run", "--top", "0", "--method", "relp")[0] == 0
    run = Run.open(here / "run")
    relevance = np.array(run.figure("cause"))
    assert run.record.causes.estimated_by == "relp"
    assert not np.allclose(relevance, gradient, atol=1e-3)
    code, out, _ = mechamap("ablate", "run", "--top", "1", "--controls", "0", "--category", "food")
    assert code == 0
    assert out.startswith(str(run.neuron_name(int(relevance[:, 1].argmin()))))
    np.testing.assert_array_equal(Run.open(here / "run").figure("cause"), relevance)


# --- lens ---


def test_the_lens_of_a_run_or_of_a_model(mechamap: Mechamap, here: Path) -> None:
    code, of_run, err = mechamap("lens", "run", "--neuron", "L3.N7", "--top", "4")
    assert code == 0
    lines = of_run.splitlines()
    assert lines[0] == "L3.N7"
    assert lines[1].split() == ["promoted", "suppressed"]
    assert len(lines) == 7
    run = Run.open(here / "run")
    row = run.row_of("L3.N7")
    assert lines[-1] == "  writes: " + ", ".join(
        f"{name} {float(run.column('write', name)[row]):+.2f}" for name in ("animal", "food")
    )
    assert "standard deviations over the vocabulary" in err
    code, of_model, _ = mechamap("lens", "demo", "--neuron", "L3.N7", "--top", "4")
    assert code == 0
    assert of_model.splitlines() == lines[:-1]


def test_the_lens_as_json(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("lens", "demo", "--neuron", "L0.N0", "--neuron", "3,639", "--top", "2", "--json")
    assert code == 0
    first, second = json.loads(out)
    assert (first["neuron"], second["neuron"]) == ("L0.N0", "L3.N639")
    for its in (first, second):
        assert len(its["promoted"]) == len(its["suppressed"]) == 2
        assert its["promoted"][0][1] >= its["promoted"][1][1] > 0 > its["suppressed"][0][1]


def test_the_lens_of_a_neuron_that_the_run_left_out_is_that_of_its_model(mechamap: Mechamap) -> None:
    code, out, _ = mechamap("lens", "run", "--neuron", "L3.N600", "--top", "1")
    assert code == 0
    assert out.startswith("L3.N600\n")
    assert "writes:" not in out


# --- what is wrong ---


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["confirm"], "required: RUN"),
        (["confirm", "run", "--permutations", "19"], "must be at least 20"),
        (["confirm", "run", "--splits", "0"], "must be at least 1"),
        (["confirm", "run", "--candidates", "0"], "must be at least 1"),
        (["confirm", "run", "--seed", "-1"], "must be at least 0"),
        (["confirm", "run", "--permutations", "many"], "invalid int value: 'many'"),
        (["confirm", "run", "--permutation", "30"], "Did you mean --permutations?"),
        (["confirm", "run", "--randomize", "basis,weight"], "Did you mean weights?"),
        (["ablate", "run", "--neuron", "L9.N0"], "Layer 9 is not in this run; it has 1, 3."),
        (["ablate", "run", "--neuron", "L3.N600"], "L3.N600 is not in this run: layer 3 has 500 neurons here"),
        (["ablate", "run", "--neuron", "seven"], "'seven' is not the name of a neuron"),
        (["ablate", "run", "--category", "fod"], "Unknown category 'fod'; choose animal or food."),
        (["ablate", "run", "--neuron", "L3.N0", "--category", "food"], "Give one of them."),
        (["ablate", "run", "--neuron", "L3.N0", "--method", "relp"], "--method says how to estimate"),
        (["ablate", "run", "--top", "-1"], "--top is -1"),
        (["ablate", "run", "--controls", "-3"], "--controls is -3"),
        (["lens", "demo"], "required: --neuron"),
        (["lens", "demo", "--neuron", "L9.N0"], "has layers 0 to 3"),
        (["lens", "demo", "--neuron", "L3.N640"], "layer 3 has neurons N0 to N639"),
        (["lens", "run", "--neuron", "x"], "'x' is not the name of a neuron"),
        (["lens", "run", "--neuron", "L3.N0", "--top", "0"], "--top is 0"),
    ],
)
def test_wrong_usage_exits_2_and_says_what_is_right(mechamap: Mechamap, words: list[str], said: str) -> None:
    code, out, err = mechamap(*words)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert said in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["confirm", "nothing"], "Unknown run 'nothing'"),
        (["confirm", "out.csv"], "with no model behind it"),
        (["confirm", "run", "--text", "nowhere.txt"], "nowhere.txt does not exist"),
        (["confirm", "run", "--text", "empty.txt"], "empty.txt holds no text"),
        (["confirm", "run", "--text", "other.txt"], "other.txt contains no word of any category of run"),
        (["confirm", "run", "--model", "./nowhere"], "No such file or folder: nowhere"),
        (["confirm", "run", "--model", "TINY"], "is not the model of run: layer 1 has different neurons"),
        (["ablate", "nothing"], "Unknown run 'nothing'"),
        (["ablate", "out.csv"], "no model behind it"),
        (["ablate", "run", "--neuron", "L3.N0", "--model", "TINY"], "is not the model of run"),
        (["lens", "./nowhere", "--neuron", "L0.N0"], "No such file or folder: nowhere"),
        (["lens", "out.csv", "--neuron", "L0.N0"], "with no model behind it"),
    ],
)
def test_what_cannot_be_done_exits_1_and_leaves_the_run_as_it_was(
    mechamap: Mechamap, here: Path, tiny_models: Callable[..., Path], words: list[str], said: str
) -> None:
    (here / "empty.txt").write_text(" \n")
    (here / "other.txt").write_text("Once upon a time there was nothing to be seen.")
    assert mechamap("export", "run", "--out", "out.csv")[0] == 0
    before: dict[str, Any] = {path.name: path.read_bytes() for path in (here / "run").iterdir() if path.is_file()}
    code, out, err = mechamap(*(str(tiny_models("gpt2")) if word == "TINY" else word for word in words))
    assert (code, out) == (1, "")
    title, message, *hint = err.splitlines()
    assert title.startswith("error: ")
    assert said in message
    assert hint and hint[0].strip()
    after = {path.name: path.read_bytes() for path in (here / "run").iterdir() if path.is_file()}
    if "other.txt" in words:  # it was confirmed first, and that stands
        assert "p.npy" in after
    else:
        assert after == before


def test_the_config_of_the_tests_is_one_that_users_may_write(scanned: Path) -> None:
    assert [category.name for category in load_config(scanned / "mine.yaml").categories] == ["animal", "food"]
