"""A path that a person gives may begin with ``~``, wherever it is given, and is a Path from there on."""

from __future__ import annotations

from pathlib import Path

import pytest

from mechamap.cli.main import build_parser, main
from mechamap.cli.report_options import report_options
from mechamap.cli.scan_options import scan_options


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def test_of_a_scan(home: Path) -> None:
    words = ["--config=~/a.yaml", "--out=~/runs", "--csv=~/a.csv", "--json=-"]
    args = build_parser().parse_args(["scan", "demo", *words])
    options = scan_options(args)
    assert args.config == home / "a.yaml"
    assert options.out == home / "runs"
    assert options.exports == (("csv", home / "a.csv"), ("json", None))


def test_of_a_report(home: Path) -> None:
    (home / "tables").mkdir()
    for given, out, is_folder in (("~/a.md", home / "a.md", False), ("~/tables", home / "tables", True)):
        options = report_options(build_parser().parse_args(["interpret", "run", f"--out={given}"]))
        assert (options.out, options.is_folder) == (out, is_folder)


def test_of_a_config(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "init", "~/mine.yaml"]) == 0
    assert (home / "mine.yaml").is_file()
    assert main(["config", "check", "~/mine.yaml"]) == 0
    assert f"{home / 'mine.yaml'}: ok" in capsys.readouterr().out
