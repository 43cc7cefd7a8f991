"""Every command and block of code that the README and docs/ show does what it says, in a small world of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import Page, pages
from support.repository import ROOT

from mechamap.config.keys.key_file import read_keys
from mechamap.config.schema import default_config, load_config

# Exit codes that pages show on purpose, by the command.
REFUSED = {"mechamap scan ~/models/llama-3b --plan": 1}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[list[object]]]:
    """By page: each command, its exit code and what it said."""
    folder = tmp_path_factory.mktemp("documented")
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]),
    }
    command = [sys.executable, "-m", "support.documented_runner", str(folder / "world"), str(folder / "result.json")]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    making = folder / "world" / "making.txt"
    assert done.returncode == 0, (done.stderr[-2000:], making.read_text() if making.exists() else "")
    result: dict[str, list[list[object]]] = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    return result


@pytest.mark.timeout(900)
@pytest.mark.parametrize("page", [page for page in pages() if page.commands or page.python], ids=lambda page: page.name)
def test_what_a_page_shows_runs(page: Page, outcomes: dict[str, list[list[object]]]) -> None:
    assert len(outcomes[page.name]) == len(page.commands) + bool(page.python)
    failed = [
        f"{command}: {code}\n{said}"
        for command, code, said in outcomes[page.name]
        if code != REFUSED.get(str(command), 0) or "Traceback" in str(said)
    ]
    assert not failed, "\n\n".join(failed)


@pytest.mark.parametrize("page", [page for page in pages() if page.yaml], ids=lambda page: page.name)
def test_yaml_is_a_config_or_keys(page: Page, tmp_path: Path) -> None:
    for block in page.yaml:
        file = tmp_path / "shown.yaml"
        file.write_text(block, encoding="utf-8")
        (tmp_path / "weather.txt").write_text(" ".join(default_config().texts), encoding="utf-8")
        if page.name == "docs/keys.md":
            keys = read_keys(file)
            assert keys.keys and not keys.problems
        else:
            load_config(file)
