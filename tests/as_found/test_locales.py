"""What the environment says of languages and encodings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.kind("locale_c")
def test_in_the_locale_c_words_of_any_script_are_printed_as_they_are(tmp_path: Path) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("categories:\n  food: [食べ物, pâté]\n", encoding="utf-8")
    ours = ("LC_", "LANG", "PYTHONIOENCODING", "PYTHONUTF8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "mechamap", "config", "show", str(config)]
    shown = subprocess.run(command, env=environment | {"LC_ALL": "C"}, capture_output=True, check=True).stdout
    assert "食べ物" in shown.decode("utf-8")
    assert "pâté" in shown.decode("utf-8")
