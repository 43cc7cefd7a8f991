"""Completion in real shells: each is asked what can follow, as when the tab key is pressed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pexpect
import pytest
from support.repository import ROOT

from mechamap.cli.main import COMMANDS, build_parser
from mechamap.cli.shells.words import command_words, explorer_words, walk

HOSTILE = "a $(touch pwned)"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with two runs, one of a name that a shell must not evaluate, and a hub cache with a model."""
    for name in ("gpt2-1", HOSTILE):
        (tmp_path / "runs" / name).mkdir(parents=True)
        record = '{"format": 1, "state": "complete",\n"categories": ["date", "food", "parts of speech"], "figures": []}'
        (tmp_path / "runs" / name / "run.json").write_text(record, encoding="utf-8")
    (tmp_path / "hub" / "models--some-body--a-model").mkdir(parents=True)
    monkeypatch.setenv("MECHAMAP_HOME", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path


def script(shell: str, home: Path) -> Path:
    """The script that the command prints, in a file."""
    file = home / f"completion.{shell}"
    with file.open("wb") as stream:
        subprocess.run(
            [sys.executable, "-m", "mechamap", "completion", shell],
            stdout=stream, check=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=60,
        )  # fmt: skip
    return file


def bash(file: Path, lines: Iterable[str]) -> dict[str, list[str]]:
    """What bash offers for the last word of each line."""
    offered = {}
    for line in lines:
        words = line.split(" ")
        function = "_mechamap" if words[0] == "mechamap" else "_mechamap_tui"
        ask = f'source "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); {function}; printf "%s\\n" "${{COMPREPLY[@]}}"'
        done = subprocess.run(
            ["bash", "-c", ask, str(file), *words],
            capture_output=True, text=True, check=True, timeout=20, cwd=file.parent,
        )  # fmt: skip
        assert done.stderr == ""
        offered[line] = done.stdout.split("\n")[:-1]
    return offered


def fish(file: Path, lines: Iterable[str]) -> dict[str, list[str]]:
    """What fish offers, without its descriptions."""
    ask = f"source {file}\n" + "\n".join(f"complete -C '{line}'; echo ----" for line in lines)
    done = subprocess.run(["fish", "-c", ask], capture_output=True, text=True, check=True, timeout=30, cwd=file.parent)
    assert done.stderr == ""
    answers = done.stdout.split("----\n")
    return {
        line: [offered.partition("\t")[0] for offered in answer.splitlines()]
        for line, answer in zip(lines, answers, strict=False)
    }


def zsh(file: Path, lines: Iterable[str]) -> dict[str, list[str]]:
    """What zsh makes of the last word of each line at the press of the key."""
    shell = pexpect.spawn(
        "zsh", ["-f", "-i"],
        env=os.environ | {"TERM": "dumb"}, encoding="utf-8", timeout=20, dimensions=(40, 200), cwd=str(file.parent),
    )  # fmt: skip
    show = 'show() { zle complete-word; print -r -- "<$BUFFER>"; BUFFER=""; }; zle -N show; bindkey "^T" show'
    shell.sendline(f"PS1=''; autoload -U compinit; compinit -u -D; source {file}; {show}; print rea''dy")
    shell.expect("ready\r\n")
    offered = {}
    for line in lines:
        shell.send(f"{line}\x14")
        shell.expect("<([^>]*)>")
        offered[line] = [str(shell.match.group(1)).strip().rpartition(" ")[2]]
    shell.close(force=True)
    return offered


SHELLS: dict[str, Callable[[Path, Iterable[str]], dict[str, list[str]]]] = {"bash": bash, "fish": fish, "zsh": zsh}
LINES = {
    "mechamap interp": "interpret",
    "mechamap runs sh": "show",
    "mechamap runs show gp": "gpt2-1",
    "mechamap runs show ex": "example",
    "mechamap compare example gp": "gpt2-1",
    "mechamap scan --quan": "--quantize",
    "mechamap export gpt2-1 --category fo": "food",
    "mechamap export --format parq": "parquet",
    "mechamap scan demo pythia-16": "pythia-160m",
    "mechamap scan some-body": "some-body/a-model",
    "mechamap completion fi": "fish",
    "mechamap-tui exam": "example",
    "mechamap-tui --off": "--offline",
}


@pytest.mark.parametrize("shell", SHELLS)
def test_commands_flags_and_names_are_completed(home: Path, shell: str) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    offered = SHELLS[shell](script(shell, home), LINES)
    assert {line: offered[line] for line, wanted in LINES.items() if wanted not in offered[line]} == {}


def test_a_name_is_quoted_and_never_evaluated(home: Path) -> None:
    file = script("bash", home)
    assert r"a\ \$\(touch\ pwned\)" in bash(file, ["mechamap runs show "])["mechamap runs show "]
    assert not (home / "pwned").exists()


def test_every_command_is_among_the_words() -> None:
    words = {command.path for command in walk(command_words(build_parser()))}
    assert len([path for path in words if len(path) == 2]) == len(COMMANDS)
    assert ("mechamap", "runs", "show") in words


def test_the_explorers_flags_are_those_of_its_parser() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "mechamap_tui", "--help"],
        capture_output=True, text=True, check=True, timeout=60, env=os.environ | {"PYTHONPATH": str(ROOT)},
    ).stdout  # fmt: skip
    flags = {name for flag in explorer_words().flags for name in flag.names}
    assert flags == set(re.findall(r"(?<![\w-])--?[a-z]+", shown))
