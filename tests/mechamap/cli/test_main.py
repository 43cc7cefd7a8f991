"""The ``mechamap`` command, run as users run it: a process, its streams and its exit code."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pexpect
import pytest
from support.recorded_run import recorded_run
from support.repository import ROOT

from mechamap.cli.main import main
from mechamap.config.schema import load_config
from mechamap.csv_files.run import read_csv
from mechamap.runs.run import Run

SOME_TEXT = " ".join(["The dog ate a red apple. On Monday the cat sat in Paris with a horse and a cow."] * 4)
Mechamap = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {
        **os.environ,
        "MECHAMAP_HOME": str(home),
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "COLUMNS": "100",
    }


@pytest.fixture
def mechamap(tmp_path: Path, environment: dict[str, str]) -> Mechamap:
    """Run ``mechamap`` with these words, in an empty folder and with an empty data folder."""

    def run(*words: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "mechamap", *map(str, words)]
        return subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            timeout=240,
            check=False,
        )

    return run


@pytest.fixture
def recorded(home: Path) -> Run:
    return recorded_run(home / "runs" / "tiny-1")


def in_process(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    """The same command without a new process: code, stdout, stderr."""
    code = main([*map(str, words)])
    out, err = capsys.readouterr()
    return code, out, err


# --- usage ---


def test_help_answers_without_loading_anything_heavy(environment: dict[str, str]) -> None:
    code = (
        "import sys\nfrom mechamap.cli.main import main\n"
        "try: main(['--help'])\nexcept SystemExit as done: assert done.code == 0\n"
        "print([name for name in ('torch', 'transformers', 'numpy', 'yaml', 'textual') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "score a model's neurons" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scn", "demo"], "Did you mean scan?"),
        (["scan"], "No model was named."),
        (["scan", "demo", "--treshold", "0.3"], "Did you mean --threshold?"),
        (["scan", "demo", "--threshold", "high"], "invalid float value: 'high'"),
        (["scan", "demo", "--thresh", "0.3"], "Did you mean --threshold?"),
        (["scan", "demo", "--dtype", "fp32"], 'Did you mean "float32"?'),
        (["scan", "demo", "--layers", "5-2"], "runs backwards"),
        (["scan", "demo", "--csv", "-", "--json", "-"], "both write to standard output"),
        (["scan", "demo", "--csv", "-", "--events", "jsonl"], "both write to standard output"),
        (["scan", "demo", "--resume"], "--out DIR"),
        (["scan", "demo", "--config", "missing.yaml"], "missing.yaml: no such file"),
        (["runs", "remove"], "choose list, show or rm"),
        (["export", "x", "--format", "cvs"], "Did you mean csv?"),
        (["export", "x", "--out", "file.xyz"], "Give --format"),
        (["config", "check"], "required: F"),
    ],
)
def test_wrong_usage_is_told_with_the_nearest_right_one(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    code, out, err = in_process(capsys, *words)
    assert code == 2
    assert out == ""
    assert err.startswith("error: ")
    assert said in err
    assert "Traceback" not in err


def test_nothing_asked_shows_what_there_is(mechamap: Mechamap) -> None:
    done = mechamap()
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage: mechamap" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["scan", "./nowhere"], "No such file or folder: nowhere"),
        (["scan", "not a model"], "not a valid hub id"),
        (["export", "nothing"], "Unknown run 'nothing'"),
        (["export", "nothing.csv"], "No such file: nothing.csv"),
        (["runs", "show", "nothing"], "Unknown run 'nothing'"),
        (["doctor", "./nowhere"], "No such file or folder: nowhere"),
        (["scan", "demo", "--text", "nowhere.txt"], "nowhere.txt does not exist"),
        (["scan", "demo", "--csv", "no/such/folder.csv"], "does not exist"),
    ],
)
def test_what_cannot_be_done_exits_1_with_a_title_and_what_to_do(
    mechamap: Mechamap, words: list[str], said: str
) -> None:
    done = mechamap(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failure_nobody_thought_of_is_one_line_and_a_log_file(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(home))

    def broken() -> None:
        raise ZeroDivisionError("planted\nfor the test")

    monkeypatch.setattr("mechamap.runs.library.list_runs", broken)
    code, _, err = in_process(capsys, "runs")
    assert code == 1
    assert "ZeroDivisionError: planted\n" in err
    assert "Traceback" not in err
    log = home / "log" / "failures.log"
    assert str(log) in err
    assert "Traceback" in log.read_text()


# --- runs ---


def test_runs_are_listed_shown_and_removed(mechamap: Mechamap, recorded: Run, home: Path) -> None:
    recorded_run(home / "runs" / "tiny-2", complete=1)
    listed = mechamap("runs").stdout.splitlines()
    assert listed == mechamap("runs", "list").stdout.splitlines()
    assert listed[0].split() == ["NAME", "MODEL", "STATE", "LAYERS", "NEURONS", "CATEGORIES", "SIZE", "CREATED"]
    assert [line.split()[:5] for line in listed[1:]] == [
        ["tiny-2", "tiny", "cancelled", "1/3", "48", "3"][:5],
        ["tiny-1", "tiny", "complete", "3/3", "48"],
    ]
    shown = mechamap("runs", "show", "tiny-1").stdout
    assert "L1.N7" in shown
    assert "1,234 parameters" in shown
    refused = mechamap("runs", "rm", "tiny-2")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert (home / "runs" / "tiny-2").exists()
    wrong = mechamap("runs", "rm", "tiny-2", "tiny-9", "--yes")
    assert wrong.returncode == 1
    assert (home / "runs" / "tiny-2").exists()
    assert mechamap("runs", "rm", "tiny-2", "--yes").returncode == 0
    assert not (home / "runs" / "tiny-2").exists()
    assert (home / "runs" / "tiny-1").exists()


def test_no_runs_is_no_failure(mechamap: Mechamap) -> None:
    done = mechamap("runs")
    assert (done.returncode, done.stdout) == (0, "")
    assert "mechamap scan demo" in done.stderr


def test_a_damaged_run_is_listed_as_such(mechamap: Mechamap, recorded: Run) -> None:
    assert recorded.path is not None
    (recorded.path / "run.json").write_text('{"format": 1')
    assert mechamap("runs").stdout.splitlines()[1].split()[:3] == ["tiny-1", "?", "damaged"]
    shown = mechamap("runs", "show", "tiny-1")
    assert shown.returncode == 1
    assert "not valid JSON" in shown.stderr


# --- export ---


def test_an_export_to_stdout_is_data_alone(mechamap: Mechamap, recorded: Run, tmp_path: Path) -> None:
    done = mechamap("export", "tiny-1")
    assert done.returncode == 0
    (tmp_path / "seen.csv").write_text(done.stdout)
    assert read_csv(tmp_path / "seen.csv").neurons == 48
    assert "all 48 neurons" in done.stderr


def test_an_export_is_filtered_sorted_and_limited(mechamap: Mechamap, recorded: Run, tmp_path: Path) -> None:
    done = mechamap(
        "export", "tiny-1", "--out", "best.csv", "--wide", "--where", "layer >= 1 and not dead",
        "--sort", "-reads.food,layer", "--limit", "4",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout == ""
    table = pd.read_csv(tmp_path / "best.csv")
    assert table["name"][0] == "L1.N7"
    assert len(table) == 4
    assert table["selectivity.food"].is_monotonic_decreasing
    assert "4 rows, where layer >= 1 and not dead, first 4 by -reads.food,layer: 4 of 48 neurons" in done.stderr
    assert str(tmp_path / "best.csv") in done.stderr
    again = mechamap("export", "tiny-1", "--out", "best.csv")
    assert again.returncode == 1
    assert "already exists" in again.stderr
    assert len(pd.read_csv(tmp_path / "best.csv")) == 4
    assert mechamap("export", "tiny-1", "--out", "best.csv", "--overwrite").returncode == 0


def test_the_suffix_of_the_file_says_the_format(mechamap: Mechamap, recorded: Run, tmp_path: Path) -> None:
    for name in ("out.json", "out.parquet", "out.md"):
        assert mechamap("export", "tiny-1", "--out", name).returncode == 0
    assert json.loads((tmp_path / "out.json").read_text())["model"] == "tiny"
    assert len(pd.read_parquet(tmp_path / "out.parquet")) > 48
    assert (tmp_path / "out.md").read_text().startswith("# tiny")


def test_a_current_category_can_be_given(mechamap: Mechamap, recorded: Run) -> None:
    named = mechamap("export", "tiny-1", "--where", "food > 0.9", "--wide").stdout
    assert mechamap("export", "tiny-1", "--where", "reads > 0.9", "--category", "food", "--wide").stdout == named
    assert "L1.N7" in named
    wrong = mechamap("export", "tiny-1", "--category", "fod")
    assert wrong.returncode == 2


def test_a_mistake_in_a_filter_is_pointed_at(mechamap: Mechamap, recorded: Run) -> None:
    done = mechamap("export", "tiny-1", "--where", "food > 0.9 and laier > 3")
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert lines[1].strip() == "food > 0.9 and laier > 3"
    assert lines[2].index("^") - lines[1].index("food") == 15
    assert "Did you mean layer?" in lines[3]


def test_a_csv_is_exported_like_a_run(mechamap: Mechamap, recorded: Run, tmp_path: Path) -> None:
    mechamap("export", "tiny-1", "--out", "one.csv")
    done = mechamap("export", "one.csv", "--format", "json")
    assert len(json.loads(done.stdout)["results"]) == 48
    missing = mechamap("export", "one.csv", "--where", "food > 0.9")
    assert missing.returncode == 2
    assert "this run has no selectivity" in missing.stderr


def test_a_reader_that_leaves_early_is_no_traceback(environment: dict[str, str], home: Path) -> None:
    recorded_run(home / "runs" / "big-1", layers=30, width=1000)
    with subprocess.Popen(
        [sys.executable, "-m", "mechamap", "export", "big-1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith(b"model,")
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(60) == 1


# --- config ---


def test_the_config_is_shown_whole_and_can_be_read_back(mechamap: Mechamap, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("threshold: 0.7\nextend: default\ncategories:\n  weather: [rain, snow]\n")
    shown = mechamap("config", "show", "mine.yaml")
    assert shown.returncode == 0
    (tmp_path / "whole.yaml").write_text(shown.stdout)
    assert load_config(tmp_path / "whole.yaml") == load_config(tmp_path / "mine.yaml")
    assert mechamap("config").stdout == mechamap("config", "show").stdout


def test_a_config_is_checked(mechamap: Mechamap, tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("categories:\n  weather: [rain, snow]\n  tree: {words: [oak, elm, pine]}\n")
    good = mechamap("config", "check", "good.yaml")
    assert good.returncode == 0
    assert good.stdout.startswith("good.yaml: ok, 2 categories with 5 words, ")
    (tmp_path / "bad.yaml").write_text("threshold: 0.5\ntreshold: 0.2\n")
    bad = mechamap("config", "check", "bad.yaml")
    assert bad.returncode == 2
    assert "bad.yaml:2:1" in bad.stderr


def test_a_starter_config_is_right_as_it_stands(mechamap: Mechamap, tmp_path: Path) -> None:
    done = mechamap("config", "init")
    assert (done.returncode, done.stdout) == (0, "mechamap.yaml\n")
    assert mechamap("config", "check", "mechamap.yaml").returncode == 0
    config = load_config(tmp_path / "mechamap.yaml")
    assert config.categories[-1].name == "weather"
    assert len(config.categories) == len(load_config(None).categories) + 1
    (tmp_path / "mechamap.yaml").write_text("mine")
    again = mechamap("config", "init")
    assert again.returncode == 2
    assert (tmp_path / "mechamap.yaml").read_text() == "mine"


# --- the real thing, on the bundled model ---


def test_a_scan_prints_the_run_as_the_last_line_and_tells_the_rest_on_stderr(
    mechamap: Mechamap, tmp_path: Path
) -> None:
    done = mechamap(
        "scan", "demo", "--layers", "0,2", "--limit-neurons", "50", "--top_k_tokens", "4", "--threshold", "0.1",
        "--csv", "out.csv", "--json", "out.json", "--out", "here",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    run = Run.open(done.stdout.splitlines()[-1])
    assert done.stdout.count("\n") == 1
    assert run.path == tmp_path / "here"
    assert [(layer.layer, layer.width) for layer in run.layers] == [(0, 50), (2, 50)]
    assert run.record.model.name == "demo"
    assert run.figure("top_values").shape == (100, 4)
    assert "positions: " in done.stderr
    for category in run.categories:
        assert f"\n{category}" in done.stderr
    best = int(np.abs(np.asarray(run.column("selectivity", "food"))).argmax())
    assert str(run.neuron_name(best)) in done.stderr
    read = read_csv(tmp_path / "out.csv")
    assert read.neurons == 100
    assert read.record.model.name == "demo"
    results = json.loads((tmp_path / "out.json").read_text())["results"]
    assert len(results) == 100
    assert min((value for its in results.values() for value in its["categories"].values()), default=1.0) >= 0.1
    again = mechamap("scan", "demo", "--out", "here")
    assert again.returncode == 1
    assert "holds a run already" in again.stderr


def test_a_scan_can_tell_its_events_to_a_pipe(mechamap: Mechamap) -> None:
    told = mechamap("scan", "demo", "--text", "-", "--events", "jsonl", "--layers", "0,1", stdin=SOME_TEXT + "\n")
    assert told.returncode == 0, told.stderr
    events = [json.loads(line) for line in told.stdout.splitlines()]
    kinds = [event["event"] for event in events]
    assert kinds.count("layer") == 2
    assert kinds.index("started") < kinds.index("layer") < kinds.index("finished") == len(kinds) - 1
    run = Run.open(events[-1]["run"])
    assert run.texts == (SOME_TEXT,)


def test_a_scan_can_give_its_data_to_a_pipe(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, home: Path, tmp_path: Path
) -> None:
    monkeypatch.setenv("MECHAMAP_HOME", str(home))
    code, out, err = in_process(
        capfd, "scan", "demo", "--custom_text", SOME_TEXT, "--csv", "-", "--layers", "0", "--no-bos"
    )
    assert code == 0, err
    (tmp_path / "seen.csv").write_text(out)
    assert read_csv(tmp_path / "seen.csv").record.model.name == "demo"
    run = Run.open(home / "runs" / "demo-1")
    assert (run.texts, run.config.add_bos) == ((SOME_TEXT,), False)


def test_a_scan_that_fails_says_so_among_its_events(capfd: pytest.CaptureFixture[str]) -> None:
    code, out, err = in_process(capfd, "scan", "demo", "--events", "jsonl", "--layers", "9")
    assert code == 2
    last = json.loads(out.splitlines()[-1])
    assert (last["event"], last["kind"]) == ("error", "UsageError")
    assert last["message"] in err


@pytest.mark.skipif(os.name == "nt", reason="Ctrl+C cannot be sent to one process there")
def test_ctrl_c_keeps_the_layers_that_are_finished(
    environment: dict[str, str], mechamap: Mechamap, tmp_path: Path
) -> None:
    text = tmp_path / "long.txt"
    text.write_text("The dog ate a red apple near a train in Paris on Monday while seven cats slept. " * 250)
    words = ["scan", "demo", "--text", str(text), "--keep-activations", "never", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        [sys.executable, "-m", "mechamap", *words, "--events", "jsonl"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, cwd=tmp_path,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        for line in process.stdout:
            if json.loads(line)["event"] == "layer":
                process.send_signal(signal.SIGINT)
                break
        _, err = process.communicate(timeout=240)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    run = Run.open(tmp_path / "run")
    done = len(run.complete_layers)
    assert run.record.state == "cancelled"
    assert 1 <= done < 4
    assert f"{done} of 4 layers were finished; they are kept" in err
    finite = np.isfinite(np.asarray(run.figure("max")))
    assert finite[: done * 640].all()
    resumed = mechamap(*words, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert len(Run.open(tmp_path / "run").complete_layers) == 4


def test_a_file_that_is_there_already_is_found_before_the_scan(mechamap: Mechamap, home: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_text("precious")
    done = mechamap("scan", "demo", "--csv", "out.csv")
    assert done.returncode == 1
    assert "already exists" in done.stderr
    assert (tmp_path / "out.csv").read_text() == "precious"
    assert not (home / "runs").exists()


# --- at a terminal ---


@pytest.fixture
def at_terminal(environment: dict[str, str], tmp_path: Path) -> Callable[..., pexpect.spawn[str]]:
    def spawn(*words: str) -> pexpect.spawn[str]:
        return pexpect.spawn(
            sys.executable, ["-m", "mechamap", *words], cwd=tmp_path, env=environment, encoding="utf-8", timeout=120
        )

    return spawn


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
def test_removing_a_run_asks_at_a_terminal(at_terminal: Callable[..., pexpect.spawn[str]], recorded: Run) -> None:
    assert recorded.path is not None
    for answer, code in (("n", 130), ("", 130), ("y", 0)):
        terminal = at_terminal("runs", "rm", "tiny-1")
        terminal.expect(r"\[y/N\]")
        assert recorded.path.exists()
        terminal.sendline(answer)
        terminal.expect(pexpect.EOF)
        terminal.wait()
        terminal.close()
        assert terminal.exitstatus == code
    assert not recorded.path.exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no pseudo-terminals there")
def test_a_terminal_shows_one_line_that_is_updated_and_ctrl_c_before_the_pass_ends_at_once(
    at_terminal: Callable[..., pexpect.spawn[str]], home: Path
) -> None:
    terminal = at_terminal("scan", "demo")
    terminal.expect(r"\r\x1b\[Kloading torch")
    terminal.sendintr()
    terminal.expect("cancelled")
    terminal.expect(pexpect.EOF)
    terminal.wait()  # its end: to close the terminal of a process that is still ending would kill it
    terminal.close()
    assert terminal.exitstatus == 130
    assert not (home / "runs").exists()


def test_doctor_says_what_there_is_and_proves_a_model(mechamap: Mechamap, home: Path) -> None:
    done = mechamap("doctor", "demo")
    assert done.returncode == 0, done.stderr
    for name in (
        "mechamap",
        "python",
        "torch",
        "cpu",
        "free memory",
        "runs",
        "log",
        "configs",
        "hub cache",
        "cached models",
    ):
        assert f"\n{name} " in f"\n{done.stdout}"
    assert str(home) in done.stdout
    assert "transformer.h.3.mlp.c_proj" in done.stdout
    assert "\n4 layers proved: the largest errors are rebuild " in done.stdout


# --- the documentation ---


def test_the_page_about_the_command_line_is_not_stale() -> None:
    spec = importlib.util.spec_from_file_location("write_cli_docs", ROOT / "scripts" / "write_cli_docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FILE.read_text(encoding="utf-8") == module.text(), "run: python scripts/write_cli_docs.py"


@pytest.mark.parametrize("words", [["--offline", "scan", "nobody/nothing"], ["scan", "nobody/nothing", "--offline"]])
def test_offline_reaches_no_network(
    words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for variable in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):
        monkeypatch.setenv(variable, "0")  # put back afterwards
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: pytest.fail("it reaches the network"))
    assert main(words) == 1
    assert "is not in the local cache" in capsys.readouterr().err
    assert os.environ["HF_HUB_OFFLINE"] == "1"
