"""``mechamap scan`` of several models, as it is typed: what it says, writes and answers."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from mechamap.cli import progress as sweep_progress
from mechamap.cli.main import main
from mechamap.cli.progress import ScanProgress
from mechamap.csv_files.run import read_csv
from mechamap.events import LayerFinished, ScanEvent
from mechamap.plan import places
from mechamap.runs.run import Run

Said = Callable[..., tuple[int, str, str]]

SMALL = """\
categories: {animal: [dog, cat, horse, cow], food: [apple, bread, egg, rice]}
texts: The dog and a cat ate an apple, bread and an egg. A horse saw the cow eat rice.
templates: ["The next word is {}", "She said {}"]
contrast: [table, window, mirror, hammer, pencil, button]
device: cpu
second_text: never
"""


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Models this small are computed sooner than two threads have met."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def mechamap(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Said:
    """Runs ``mechamap`` with these words: its exit code, what it wrote, and what it said beside."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A config with few words and a short text, and no models."""
    (tmp_path / "small.yaml").write_text(SMALL)
    return tmp_path / "small.yaml"


def listing(tmp_path: Path, *models: str) -> Path:
    """The same with models."""
    path = tmp_path / "sweep.yaml"
    path.write_text(SMALL + "models:\n" + "".join(f"  - {model}\n" for model in models))
    return path


def damaged(model: Path, folder: Path) -> Path:
    """A copy of a model whose weights are cut short."""
    folder.mkdir()
    for file in model.iterdir():
        data = file.read_bytes()
        (folder / file.name).write_bytes(data[:100] if file.suffix == ".safetensors" else data)
    return folder


def test_the_models_of_a_config_are_scanned_checked_and_compared_in_one_table(
    mechamap: Said, tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    config = listing(
        tmp_path,
        f"{{model: {tiny_models('gpt2')}, label: first}}",
        f"{{model: {tiny_models('llama')}, label: second, layers: 0-1}}",
    )
    code, out, err = mechamap("scan", "--config", config, "--confirm", "--out", "out")
    assert code == 0, err
    assert out.splitlines() == [str(tmp_path / "out" / "first"), str(tmp_path / "out" / "second")]
    runs = [Run.open(line) for line in out.splitlines()]
    assert [run.neurons for run in runs] == [240, 160]
    assert all(run.record.confirmation for run in runs)
    lines = [line.strip() for line in err.splitlines()]
    assert f"Model 2 of 2: {tiny_models('llama')}, called second" in lines
    table = lines[lines.index("Categories by model") + 1 :]
    columns = table[0].split()
    assert columns[:3] == ["category", "model", "best"]
    assert [line.split()[0] for line in table[1:5]] == ["animal", "second", "food", "second"]
    for run, line in zip(runs, table[1:3], strict=True):
        cells = line.split()[-len(columns) :] if run is runs[0] else ["animal", *line.split()]
        held = run.column("held_out_auroc", "animal")[run.row_of(cells[columns.index("best")])]
        assert cells[columns.index("held")] == f"{held:.2f}".removeprefix("0")
    assert "2 of 2 models are scanned." in lines
    assert f"To compare them again: mechamap compare {' '.join(out.split())}" in lines


def test_what_one_run_keeps_is_enough_to_repeat_it_alone(
    mechamap: Said, tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    gpt2 = tiny_models("gpt2")
    config = listing(tmp_path, str(gpt2), f"{{model: {gpt2}, limit_neurons: 5, dtype: float16, label: half}}")
    assert mechamap("scan", "--config", config)[0] == 0
    first = Run.open(tmp_path / "home" / "runs" / "half-1")
    kept = json.loads((tmp_path / "home" / "runs" / "half-1" / "run.json").read_text())
    (tmp_path / "one.yaml").write_text(json.dumps(kept["config"]))
    assert mechamap("scan", kept["model"]["name"], "--config", "one.yaml", "--out", "again")[0] == 0
    again = Run.open(tmp_path / "again")
    assert (first.record.model.dtype, first.neurons) == ("float16", 15)
    assert again.record.config == first.record.config
    assert (again.figure("mean") == first.figure("mean")).all()


def test_a_model_that_fails_is_told_at_once_and_at_the_end_and_the_others_are_kept(
    mechamap: Said, tiny_models: Callable[..., Path], small: Path, tmp_path: Path
) -> None:
    broken = damaged(tiny_models("gpt2"), tmp_path / "broken")
    words = ["scan", tiny_models("gpt2"), broken, "--config", small, "--layers", "0", tiny_models("llama")]
    code, out, err = mechamap(*words, "--out", "out", "--csv", "{model}.csv")
    labels = [path.name for path in (tiny_models("gpt2"), tiny_models("llama"))]
    assert code == 1
    assert [Path(line).name for line in out.splitlines()] == labels
    at_once, at_the_end = err.index("error: The weights cannot be read"), err.rindex("The weights cannot be read: ")
    assert err.index("Model 2 of 3") < at_once < err.index("Model 3 of 3") < at_the_end
    assert "2 of 3 models are scanned:\n  broken  The weights cannot be read: " in err
    assert "Traceback" not in err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(labels)
    assert [read_csv(tmp_path / f"{label}.csv").neurons for label in labels] == [80, 80]

    for file in tiny_models("gpt2").iterdir():  # once it is mended, only it is left to do
        (broken / file.name).write_bytes(file.read_bytes())
    code, out, err = mechamap(*words, "--out", "out", "--resume")
    assert code == 0
    assert [Path(line).name for line in out.splitlines()] == [labels[0], "broken", labels[1]]
    assert err.count("80 neurons were scored before") == 2
    assert err.count("80 neurons scored in") == 1


def test_events_say_which_model_they_are_about(
    mechamap: Said, tiny_models: Callable[..., Path], small: Path, tmp_path: Path
) -> None:
    gpt2, broken = tiny_models("gpt2"), damaged(tiny_models("gpt2"), tmp_path / "broken")
    code, out, _ = mechamap("scan", gpt2, broken, "--config", small, "--events", "jsonl", "--layers", "0")
    events = [json.loads(line) for line in out.splitlines()]
    assert code == 1
    assert events[0] == {"event": "sweep_started", "models": [gpt2.name, "broken"]}
    assert events[-1] == {"event": "sweep_finished", "states": {gpt2.name: "complete", "broken": "failed"}}
    kinds = [(event["model"], event["event"]) for event in events[1:-1] if event["event"] != "stage"]
    assert kinds == [
        (gpt2.name, "model_started"),
        (gpt2.name, "started"),
        (gpt2.name, "layer"),
        (gpt2.name, "finished"),
        (gpt2.name, "model_finished"),
        ("broken", "model_started"),
        ("broken", "model_finished"),
    ]
    assert {"event", "kind", "message", "hint", "state", "run", "model"} == set(events[-2])
    assert (events[-2]["kind"], events[-2]["run"]) == ("WeightsError", None)


class Interrupted(ScanProgress):
    """Progress of a scan that is interrupted by the keyboard after its first layer."""

    def __call__(self, event: ScanEvent) -> None:
        super().__call__(event)
        if isinstance(event, LayerFinished):
            signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_the_sweep_after_the_layer_and_says_how_to_go_on(
    mechamap: Said, tiny_models: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt2 = tiny_models("gpt2")
    config = listing(tmp_path, f"{{model: {gpt2}, label: one}}", f"{{model: {gpt2}, label: two, layers: 1-2}}")
    with monkeypatch.context() as interrupted:
        interrupted.setattr(sweep_progress, "ScanProgress", Interrupted)
        code, out, err = mechamap("scan", "--config", config)
    assert (code, out) == (130, "")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    kept = tmp_path / "home" / "runs" / "one-1"
    assert "Stopping after this layer" in err
    assert err.splitlines()[-4:] == [
        "cancelled",
        f"  one: 1 of 3 layers were finished; they are kept in {kept}",
        "  Not begun: two",
        "  To go on: the same command with --resume",
    ]
    code, out, err = mechamap("scan", "--config", config, "--resume")
    assert (code, out.splitlines()) == (0, [str(kept), str(kept.parent / "two-1")])
    assert len(Run.open(kept).complete_layers) == 3


def test_a_model_that_is_named_is_scanned_alone(
    mechamap: Said, tiny_models: Callable[..., Path], tmp_path: Path
) -> None:
    config = listing(tmp_path, "demo", "gpt2")
    code, out, err = mechamap("scan", tiny_models("gpt2"), "--config", config, "--out", "run", "--layers", "0")
    assert (code, out) == (0, f"{tmp_path / 'run'}\n")
    assert err.startswith(f"The models that {config} lists are ignored, because MODEL is given.\n")
    assert "models" not in json.loads((tmp_path / "run" / "run.json").read_text())["config"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["demo", "./nowhere"], "No such file or folder: nowhere"),
        (["demo", "a b"], "not a valid hub id"),
        (["demo", "demo"], "demo is listed twice with the same settings"),
        (["demo", "gpt2", "--csv", "-"], "--csv would write every model to standard output"),
        (["demo", "gpt2", "--json", "all.json"], '--json "{model}.json"'),
        (["demo", "gpt2", "--csv", "no/{model}.csv"], "no does not exist"),
        (["demo", "gpt2", "--out", "a-run"], "a-run holds a run; of several models, each gets its own folder"),
        (["demo", "gpt2", "--out", "a-file"], "a-file is a file"),
        (["demo", "gpt2", "--out", "runs"], "holds a run already"),
        (["demo", "gpt2", "--layers", "5-2"], "runs backwards"),
        (["--config", "empty.yaml"], "list several in a config file under `models:`"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_scanned(
    mechamap: Said, tmp_path: Path, words: list[str], said: str
) -> None:
    for folder in ("a-run", "runs/gpt2"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "run.json").write_text("{}")
    (tmp_path / "a-file").write_text("")
    (tmp_path / "empty.yaml").write_text("models: []")
    code, out, err = mechamap("scan", *words)
    assert code in (1, 2)
    assert out == ""
    assert said in err
    assert "Model 1" not in err
    assert not (tmp_path / "home" / "runs").exists()


def test_the_plan_of_several_models_counts_their_runs_together(
    mechamap: Said, tiny_models: Callable[..., Path], small: Path
) -> None:
    gpt2, llama = tiny_models("gpt2"), tiny_models("llama")
    code, out, _ = mechamap("scan", gpt2, llama, "--config", small, "--plan")
    assert code == 0
    assert re.search(rf"^{gpt2.name}\n  model .*\n(  .*\n)+\n{llama.name}\n  model ", out, re.M)
    assert re.search(r"^Together: 2 runs of [\d.]+ kB on disk, .* free; about ", out, re.M)
    assert out.endswith("\nThey fit.\n")
    code, out, _ = mechamap("scan", gpt2, llama, "--config", small, "--plan", "--events", "jsonl")
    first, second, together = map(json.loads, out.splitlines())
    assert [first["model"], second["model"]] == [gpt2.name, llama.name]
    assert first["name"] == str(gpt2)
    assert together["run"] == first["run"]["total"] + second["run"]["total"]
    assert (together["event"], together["fits"], together["lacking"]) == ("sweep_plan", True, [])


def test_a_plan_of_which_one_fails_or_does_not_fit_ends_with_1(
    mechamap: Said, tiny_models: Callable[..., Path], small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpt2 = tiny_models("gpt2")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    code, out, err = mechamap("scan", gpt2, "nobody/nothing", "--config", small, "--plan")
    assert code == 1
    assert "nothing: Model not found" in err
    assert out.endswith("Not all of them fit: nothing\n")
    monkeypatch.setattr(places, "free_memory", lambda: 100_000_000)
    monkeypatch.setattr(places, "_own_memory", lambda: 0)
    code, out, _ = mechamap("scan", gpt2, tiny_models("llama"), "--config", small, "--plan")
    assert code == 1
    assert out.count("This scan does not fit") == 2
