"""Whatever a run, a path, a config or an error holds, no command lets it steer the terminal: byte by byte, on a pty."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import sys
import threading
from collections.abc import Callable
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any

import pytest
from support.recorded_run import checked_run

from mechamap.cli.main import main

# ANSI, OSC 8 and 52, C1 as bytes and as characters, bidirectional overrides, NUL, a lone surrogate, an invisible tag
HOSTILE = "\x1b[31m\x1b]8;;http://x\x07\x1b]52;c;ZXZpbA==\x07\x9b2J\u202e\u2066\x00\x7f\ud83d\U000e0041\r\b"
IN_A_RUN = HOSTILE.replace("\ud83d", "")  # which is refused with that, see the last test
OURS = re.compile(rb"\r\x1b\[K|\r\n")  # the progress line, and line ends as a terminal device writes them
STEERS = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\U000e0000-\U000e0fff]"
)


@contextmanager
def terminal(monkeypatch: pytest.MonkeyPatch) -> Any:
    """stdout and stderr on a terminal of their own; yields what it got, which is whole when the block is left."""
    master, slave = pty.openpty()
    got: list[bytes] = []

    def read() -> None:
        while True:
            try:
                data = os.read(master, 65_536)
            except OSError:
                return
            if not data:
                return
            got.append(data)

    reader = threading.Thread(target=read)
    reader.start()
    with monkeypatch.context() as streams:
        streams.setattr(sys, "stdout", TextIOWrapper(os.fdopen(os.dup(slave), "wb"), encoding="utf-8"))
        streams.setattr(sys, "stderr", TextIOWrapper(os.fdopen(os.dup(slave), "wb"), encoding="utf-8"))
        try:
            yield got
        finally:
            sys.stdout.close()
            sys.stderr.close()
            os.close(slave)
            reader.join()
            os.close(master)


@pytest.fixture
def on_a_terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., bytes]:
    """Run a command, and see that nothing of what it wrote steers the terminal."""
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path / "home"))

    def run(*words: str) -> bytes:
        with terminal(monkeypatch) as got:
            main(list(words))
        written = OURS.sub(b"\n", b"".join(got))
        text = written.decode("utf-8")  # bytes that are no UTF-8 steer too
        assert STEERS.findall(text) == [], text[:2_000]
        assert "Traceback" not in text and "unexpected" not in text.lower(), text
        return written

    return run


def hostile(value: Any) -> Any:
    """The same value with every text in it hostile, keys of words and categories included."""
    if isinstance(value, str):
        return value + IN_A_RUN
    if isinstance(value, list):
        return [hostile(item) for item in value]
    if isinstance(value, dict):
        return {key: hostile(item) for key, item in value.items()}
    return value


@pytest.fixture
def hostile_run(tmp_path: Path) -> Path:
    """A run of somebody else's: texts, tokens, names of the model and of categories, notes."""
    folder = tmp_path / "evil\x1b[31m\u202e"
    checked_run(folder)
    file = folder / "run.json"
    record = json.loads(file.read_text())
    for key in ("model", "tokens", "problems", "undefined", "versions"):
        if key in record:
            kept = {
                name: record[key][name]
                for name in ("dtype", "device")
                if isinstance(record[key], dict) and name in record[key]
            }
            record[key] = hostile(record[key])
            if isinstance(record[key], dict):
                record[key].update(kept)
    text = json.dumps(record)
    for name in ("animal", "food", "color"):
        text = text.replace(f'"{name}"', json.dumps(name + IN_A_RUN))
    file.write_text(text)
    (folder / "notes.json").write_text(
        json.dumps({"format": 1, "neurons": {"L0.N3": {"note": IN_A_RUN, "marked": True}}})
    )
    return folder


COMMANDS = (
    ("runs", "show", "{run}"),
    ("export", "{run}"),
    ("export", "{run}", "--format", "json"),
    ("export", "{run}", "--format", "md"),
    ("export", "{run}", "--where", "reads.food > " + HOSTILE),
    ("export", "{run}", "--sort", HOSTILE),
    ("export", "{run}", "--category", HOSTILE),
    ("export", "{run}", "--out", "/nowhere/" + HOSTILE.replace("\x00", "")),
    ("interpret", "{run}"),
    ("interpret", "{run}", "--format", "json"),
    ("interpret", "{run}", "--format", "md"),
    ("interpret", "{run}", "--format", "csv"),
    ("interpret", "{run}", "--table", HOSTILE),
    ("compare", "{run}", "{run}"),
    ("compare", "{run}", "{run}", "--format", "json"),
    ("confirm", "{run}"),
    ("ablate", "{run}", "--neuron", "L0.N3"),
    ("ablate", "{run}", "--neuron", HOSTILE),
    ("lens", "{run}", "--neuron", "L0.N3"),
    ("runs", "rm", HOSTILE.replace("\x00", "")),
    ("scan", HOSTILE),
    ("scan", "demo", "--text", HOSTILE),
    ("scan", "demo", "--config", HOSTILE.replace("\x00", "")),
    ("scan", "demo", "--device", HOSTILE, "--plan"),
    ("scan", "demo", "--layers", HOSTILE),
    ("config", "show", "{config}"),
    ("config", "check", "{config}"),
    ("config", "check", "{broken}"),
    ("doctor", HOSTILE),
    ("doctor", "{run}"),
    ("merge", HOSTILE, "{run}", "--out", "/nowhere/" + HOSTILE),
    ("merge", "{part}", "--out", "{part}/" + IN_A_RUN.replace("\x00", "")),
    ("scan", "demo", "--corpus", HOSTILE),
    ("scan", "demo", "--corpus", "hf:" + HOSTILE),
    ("scan", "demo", "--corpus", "{corpus}"),
    ("scan", "demo", "--corpus", "{corpus}", "--field", HOSTILE),
    ("scan", "demo", "--corpus", "{corpus}", "--shard", HOSTILE),
    ("scan", "demo", "--adapter", HOSTILE),
    ("sets", "{run}", "show", HOSTILE),
    ("sets", "{run}", "add", HOSTILE, "L0.N3"),
    ("sets", "{run}", "import", "--in", HOSTILE),
    ("views", "{run}", "show", HOSTILE),
    ("views", "{run}", "add", HOSTILE, "--where", HOSTILE),
    ("views", "{run}", "rename", HOSTILE, HOSTILE),
    ("neurons", "{run}", "--view", HOSTILE),
    ("probe", "{run}", "--neuron", HOSTILE, "--text", HOSTILE),
    ("steer", "{run}", "--set", HOSTILE, "--text", HOSTILE),
    (
        "steer",
        "demo",
        "--neuron",
        "L1.N3",
        "--text",
        HOSTILE.replace("\x00", ""),
        "--strengths",
        "1",
        "--controls",
        "1",
    ),
    (
        "steer",
        "demo",
        "--neuron",
        "L1.N3",
        "--text",
        HOSTILE.replace("\x00", ""),
        "--mode",
        "zero",
        "--as",
        "transformers",
    ),
    (HOSTILE,),
    ("scan", "--" + HOSTILE),
)


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: ascii(" ".join(words))[1:60])
def test_no_command_lets_it_through(
    on_a_terminal: Callable[..., bytes], hostile_run: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    config, broken = tmp_path / f"config{HOSTILE.replace(chr(0), '')[:12]}.yaml", tmp_path / "broken.yaml"
    config.write_text('categories:\n  "food\\x1b[31m\\u202e": ["apple\\x1b]0;x\\a", "pear\\x9b"]\n')
    broken.write_text(f"thresh{HOSTILE}: 1\n".encode(errors="replace").decode())
    corpus = tmp_path / f"corpus{IN_A_RUN.replace(chr(0), '')[:12]}.jsonl"
    corpus.write_text(json.dumps({f"te{HOSTILE}xt": HOSTILE, f"two{HOSTILE}": "x"}) + "\n" + HOSTILE[:5] + "\n")
    part = tmp_path / "part"
    (part / "corpus" / "state-1").mkdir(parents=True)
    (part / "corpus" / "state-1" / "ledger.json").write_text(
        json.dumps({"version": 1, "shards": [], "identity": {"shards": [], "categories": IN_A_RUN}})
    )
    shutil.copytree(hostile_run, part, dirs_exist_ok=True)
    places = {"run": hostile_run, "config": config, "broken": broken, "corpus": corpus, "part": part}
    assert on_a_terminal(*(word.format(**places) if "{" in word else word for word in words))


def test_the_list_of_runs(on_a_terminal: Callable[..., bytes], hostile_run: Path, tmp_path: Path) -> None:
    (tmp_path / "home" / "runs").mkdir(parents=True)
    hostile_run.rename(tmp_path / "home" / "runs" / hostile_run.name)
    assert b"evil" in on_a_terminal("runs")


def test_what_goes_to_a_file_or_a_program_is_as_it_is(
    hostile_run: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(["export", str(hostile_run), "--format", "json"]) == 0
    assert "\x9b2J\u202e".encode() in capsysbinary.readouterr().out


def test_a_run_with_half_of_a_character_is_refused(on_a_terminal: Callable[..., bytes], hostile_run: Path) -> None:
    record = (hostile_run / "run.json").read_text(encoding="utf-8")
    (hostile_run / "run.json").write_text(record.replace("\\u202e", "\\ud83d\\u202e"), encoding="utf-8")
    assert b"holds half of a character" in on_a_terminal("runs", "show", str(hostile_run))
