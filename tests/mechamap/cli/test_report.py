"""``mechamap report``: a page in a file or on standard output; the same from Python."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.recorded_run import recorded_run

import mechamap as mm
from mechamap.cli.main import main
from mechamap.errors import ExportError, UsageError

NEURON = "L1.N7"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    recorded_run(tmp_path / "run")
    return tmp_path / "run"


def test_a_page_is_written_once_and_replaced_only_on_demand(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["report", str(run), "--neuron", NEURON, "--out", str(tmp_path / "page.html")]
    assert main(command) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'page.html'}\n" and "1 neuron of run" in err
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert page.startswith("<!DOCTYPE html>") and page.endswith("</html>\n")
    assert main(command) == 1
    assert "already exists" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0


def test_a_page_goes_to_standard_output_in_the_format_that_is_named(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), "--where", "layer == 1 and neuron < 2", "--format", "md"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("# L1.N0, L1.N1 of tiny\n") and "## L1.N1" in out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "No neuron was named"),
        (("--neuron", "L9.N0"), "Layer 9"),
        (("--neuron", NEURON, "--out", "page.pdf"), "ends in .html or .md"),
        (("--neuron", NEURON, "--category", "fod"), "food"),
    ],
)
def test_what_cannot_be_a_page_is_refused(
    run: Path, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", str(run), *words]) == 2
    assert told in capsys.readouterr().err


def test_python_writes_the_page_of_the_command_line(run: Path, tmp_path: Path) -> None:
    assert main(["report", str(run), "--neuron", NEURON, "--out", str(tmp_path / "page.md")]) == 0
    (tmp_path / "python").mkdir()
    opened = mm.open(run)
    target = opened.report(tmp_path / "python" / "page.md", [NEURON])
    assert target.read_bytes() == (tmp_path / "page.md").read_bytes()
    assert opened[NEURON].report(tmp_path / "python" / "neuron.html").is_file()
    with pytest.raises(UsageError, match="No neuron was named"):
        opened.report(tmp_path / "none.html")
    with pytest.raises(ExportError, match="overwrite=True"):
        opened.report(target, [NEURON])
