"""What the environment says of languages and encodings."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from support.recorded_run import recorded_run
from support.terminal import Terminal

from mechamap.catalog.source import resolve
from mechamap.cli.main import main
from mechamap.config.scan_config import Category
from mechamap.config.schema import default_config
from mechamap.errors import ExportError
from mechamap.exports.target import check_target
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan

CONFIG = "categories:\n  food: [食べ物, pâté, 🍎]\n"
OURS = ("LC_", "LANG", "PYTHONIOENCODING", "PYTHONUTF8")


def mechamap(*words: str, **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run ``mechamap`` with none of the variables that name an encoding but these."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    command = [sys.executable, "-m", "mechamap", *words]
    return subprocess.run(command, env=environment | variables, capture_output=True, check=False)


def latin1_locale(folder: Path) -> dict[str, str]:
    """The variables that set a locale in ISO-8859-1, which is made in a folder."""
    if shutil.which("localedef") is None:
        pytest.skip("needs localedef to make a locale")
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", str(folder / "en_US.ISO-8859-1")], check=False
    )
    if made.returncode:
        pytest.skip("needs the sources of locales")
    return {"LOCPATH": str(folder), "LC_ALL": "en_US.ISO-8859-1"}


@pytest.mark.kind("locale_c")
def test_in_the_locale_c_words_of_any_script_are_printed_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    shown = mechamap("config", "show", str(tmp_path / "config.yaml"), LC_ALL="C").stdout
    assert "食べ物" in shown.decode("utf-8")
    assert "pâté" in shown.decode("utf-8")


@pytest.mark.kind("data_in_another_locale")
@pytest.mark.parametrize("real", [False, True])
def test_a_config_that_is_shown_has_the_words_of_the_one_that_was_read(tmp_path: Path, real: bool) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    variables = latin1_locale(tmp_path) if real else {"PYTHONIOENCODING": "ascii"}
    shown = mechamap("config", "show", str(tmp_path / "config.yaml"), **variables).stdout
    assert yaml.safe_load(shown.decode("utf-8"))["categories"]["food"]["words"] == ["食べ物", "pâté", "🍎"]


@pytest.mark.kind("data_in_another_locale")
def test_what_was_measured_is_json_on_a_terminal_of_another_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Latin1Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    text = "A dog ate pâté and 🍎 with bread. The dog saw pâté, and a cat saw the bread of the dog."
    categories = (Category("nourriture «à»", ("pâté", "🍎", "bread")), Category("animal", ("dog", "cat")))
    config = replace(default_config(), categories=categories, texts=(text,))
    run = scan(ScanRequest(resolve("demo"), config, tmp_path / "run"))
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Latin1Terminal(written, encoding="latin-1"))
    for words in (
        ["ablate", str(run.path), "--neuron", "L1.N123", "--json"],
        ["lens", str(run.path), "--neuron", "L1.N5", "--json"],
    ):
        written.seek(0)
        written.truncate()
        assert main(words) == 0
        sys.stdout.flush()
        told = written.getvalue().decode("utf-8")
        assert json.loads(told)
        assert "nourriture «à»" in told or words[0] == "lens"


@pytest.mark.kind("text_for_people_in_another_locale")
def test_what_goes_to_no_terminal_is_utf8_with_every_letter(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace("food", "nourriture à 食"), encoding="utf-8")
    checked = mechamap("config", "check", str(tmp_path / "config.yaml"), PYTHONIOENCODING="ascii")
    assert "  nourriture à 食: 3 words" in checked.stdout.decode("utf-8").splitlines()


@pytest.mark.kind("file_name_beyond_the_locale")
def test_a_file_name_that_the_locale_cannot_spell_is_an_error_in_words(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path; from mechamap.exports.target import check_target; "
        "check_target(Path('\\u98df.csv'), overwrite=True)"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    failed = subprocess.run(
        [sys.executable, "-c", code], env=environment | latin1_locale(tmp_path), capture_output=True, check=False
    )
    assert b"mechamap.errors.ExportError" in failed.stderr
    assert b"cannot stand in a file name in this locale" in failed.stderr
    with pytest.raises(ExportError, match="embedded null"):
        check_target(Path("a\0b.csv"), overwrite=True)


@pytest.mark.kind("words_typed_in_another_locale")
def test_a_category_that_is_typed_is_the_one_of_the_run(tmp_path: Path) -> None:
    run = recorded_run(tmp_path / "run")
    record = json.loads((tmp_path / "run" / "run.json").read_text(encoding="utf-8"))
    record["categories"][0] = "食べ物"
    (tmp_path / "run" / "run.json").write_text(json.dumps(record), encoding="utf-8")
    words = ("export", str(run.path), "--where", "reads.食べ物 > -2", "--sort", "reads.食べ物", "--limit", "2")
    done = mechamap(*words, **latin1_locale(tmp_path))
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 2


@pytest.mark.kind("explorer_in_another_locale")
def test_the_explorer_draws_lines_and_letters(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    variables = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C.UTF-8"}
    with Terminal([str(tmp_path / "run")], tmp_path / "home", columns=110, variables=variables) as terminal:
        screen = terminal.wait("1 Layers", "2 Neurons")
    assert "╭─ 1 Layers ─" in screen
    assert "\\u" not in screen


@pytest.mark.kind("explorer_without_standard_error")
@pytest.mark.skipif(shutil.which("script") is None or sys.platform != "linux", reason="needs the command script")
def test_the_explorer_refuses_a_standard_error_that_is_no_terminal(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    hidden = f"{sys.executable} -m mechamap_tui {tmp_path / 'run'} 2>/dev/null"
    shown = subprocess.run(["script", "-qec", hidden, "/dev/null"], capture_output=True, check=False)
    assert shown.stdout.decode().startswith("mechamap-tui: standard error is not a terminal.")
    assert shown.returncode == 1
