"""The documentation as a site: every page in its place, every link leads somewhere, nothing from other hosts."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.documents import Page, pages
from support.repository import ROOT

from mechamap.cli.main import build_parser
from mechamap.config.scan_config import ScanConfig


def test_the_site_builds_without_a_warning_and_loads_nothing_from_other_hosts(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "WARNING" not in done.stderr
    built = sorted(site.rglob("*.html"))
    assert len(built) > 40
    loaded = re.compile(r'<(?:script|img|iframe)[^>]*\ssrc="https?:|<link[^>]*rel="stylesheet"[^>]*href="https?:')
    assert not [page for page in built if loaded.search(page.read_text(encoding="utf-8"))]
    assert "every MLP neuron" in (site / "index.html").read_text(encoding="utf-8")


def test_the_page_of_settings_is_what_the_default_config_says() -> None:
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "scripts" / "write_setting_docs.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert page == script.text()
    missing = [field.name for field in dataclasses.fields(ScanConfig) if f"| `{field.name}` |" not in page]
    assert not missing


@pytest.mark.parametrize("page", [page for page in pages() if page.commands], ids=lambda page: page.name)
def test_commands_that_a_page_shows_are_commands(page: Page) -> None:
    """Their words alone; `make documented` runs them."""
    for words in page.commands:
        if words[0] == "mechamap":
            assert build_parser().parse_known_args([word for word in words[1:] if word != "--offline"])[1] == [], words


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_commands_have_a_prompt_in_front(page: Page) -> None:
    assert not page.bare or page.name in {"docs/architecture.md", "docs/cli.md", "docs/replay.md"}
