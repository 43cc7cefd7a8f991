"""What is loaded by what, in a fresh interpreter: the fast paths load no torch, and the two packages stay apart."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.recorded_run import recorded_run
from support.repository import ROOT

HEAVY = ("torch", "transformers", "pandas", "pyarrow", "sklearn", "scipy")


def loaded_after(statements: str, cwd: Path = ROOT) -> set[str]:
    """Names of the modules that a fresh interpreter has after running ``statements``."""
    script = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{statements}\nprint(*sys.modules, file=sys.__stdout__)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=True, cwd=cwd
    )
    return set(done.stdout.splitlines()[-1].split())


def test_importing_the_package_loads_next_to_nothing() -> None:
    assert loaded_after("import mechamap").isdisjoint((*HEAVY, "numpy", "textual", "mechamap_tui"))


def test_the_help_of_the_command_line_loads_little() -> None:
    loaded = loaded_after(
        "from mechamap.cli.main import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    )
    assert loaded.isdisjoint((*HEAVY, "numpy", "msgspec", "importlib.metadata", "textual", "mechamap_tui"))


def test_the_help_of_the_explorer_loads_no_textual() -> None:
    loaded = loaded_after(
        "from mechamap_tui.__main__ import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass"
    )
    assert loaded.isdisjoint((*HEAVY, "numpy", "textual"))


def test_the_start_screen_loads_no_numpy() -> None:
    loaded = loaded_after("import mechamap_tui.app, mechamap_tui.start.screen")
    assert "textual" in loaded
    assert loaded.isdisjoint((*HEAVY, "numpy"))


def test_opening_a_run_needs_numpy_alone(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    loaded = loaded_after(f"from mechamap.runs.run import Run\nRun.open({str(tmp_path / 'run')!r}).column('max').sum()")
    assert "numpy" in loaded
    assert loaded.isdisjoint((*HEAVY, "textual", "mechamap_tui"))


def test_the_example_is_unpacked_and_opened_with_numpy_alone(tmp_path: Path) -> None:
    home = f"import os\nos.environ['MECHAMAP_HOME'] = {str(tmp_path)!r}\n"
    loaded = loaded_after(f"{home}import mechamap as mm\nmm.open('example')")
    assert "numpy" in loaded
    assert loaded.isdisjoint((*HEAVY, "textual", "mechamap_tui"))
    assert (tmp_path / "runs" / "example" / "run.json").is_file()


def test_the_engine_process_says_hello_without_torch() -> None:
    loaded = loaded_after("import mechamap.engine.server, mechamap.engine.methods")
    assert loaded.isdisjoint((*HEAVY, "numpy", "textual", "mechamap_tui"))


def test_no_module_of_the_explorer_loads_torch() -> None:
    statements = (
        "import importlib, pkgutil, mechamap_tui\n"
        "for module in pkgutil.walk_packages(mechamap_tui.__path__, 'mechamap_tui.'):\n"
        "    importlib.import_module(module.name)"
    )
    loaded = loaded_after(statements)
    assert "mechamap_tui.browse.screen" in loaded
    assert loaded.isdisjoint((*HEAVY, "mechamap.models", "mechamap.scan", "mechamap.capture", "mechamap.engine"))


def test_the_whole_explorer_on_a_run_with_every_screen_opened_loads_no_torch(tmp_path: Path) -> None:
    recorded_run(tmp_path / "run")
    statements = f"""
import asyncio
from mechamap_tui.app import MechaMapApp
from mechamap_tui.start.target import read_target
from mechamap_tui.jobs.draft import ScanDraft

async def main():
    app = MechaMapApp(read_target({str(tmp_path / "run")!r}))
    async with app.run_test(size=(100, 40)) as pilot:
        for key in ("question_mark", "e", "n", "colon", "i", "3", "t", "t", "t"):
            await pilot.press(key)
            await pilot.pause()
            while len(app.screen_stack) > 2:
                app.pop_screen()
            await pilot.pause()
    await app.explorer.close_engine()

asyncio.run(main())
"""
    loaded = loaded_after(statements, cwd=tmp_path)
    assert {"mechamap_tui.dialogs.export", "mechamap_tui.scan.form", "mechamap_tui.dialogs.help"} <= loaded
    assert loaded.isdisjoint(HEAVY)


def test_the_layers_of_the_house_hold() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.fail("import-linter is not installed; `make test` installs it")
    done = subprocess.run(
        [str(command), "--no-cache"], capture_output=True, text=True, timeout=120, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
