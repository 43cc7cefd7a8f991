"""Which model is meant is asked once on the way of a command, where the name comes in."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

import pytest

from mechamap.catalog import source
from mechamap.cli.main import main

ASKING = ("scan.sweep_jobs", "csv_files.limits", "engine.methods", "engine.reports")


@pytest.fixture
def resolved(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that are resolved, in order, by whichever module."""
    for module in ASKING:  # none of them may import it while it is patched
        importlib.import_module(f"mechamap.{module}")
    names: list[str] = []
    resolve = source.resolve

    def counted(name: str) -> source.ModelSource:
        names.append(name)
        return resolve(name)

    for name, imported in list(sys.modules.items()):
        if name.startswith("mechamap.") and getattr(imported, "resolve", None) is resolve:
            monkeypatch.setattr(imported, "resolve", counted)
    return names


def scanned(folder: Path, *flags: str) -> str:
    assert main(["scan", "demo", "--layers", "0", "--keep-activations", "never", "--out", str(folder), *flags]) == 0
    return str(folder)


def test_a_scan_with_its_warning_and_its_plan_asks_once_which_model_is_meant(
    resolved: list[str], tmp_path: Path
) -> None:
    scanned(tmp_path / "run")
    assert resolved == ["demo"]
    scanned(tmp_path / "planned", "--plan")
    assert resolved == ["demo", "demo"]


def test_a_sweep_asks_once_for_each_model(resolved: list[str], tmp_path: Path) -> None:
    folder = str(source.demo_folder())
    assert main(["scan", "demo", folder, "--layers", "0", "--out", str(tmp_path / "runs")]) == 0
    assert resolved == ["demo", folder]


def test_a_comparison_that_runs_both_models_again_asks_once_for_each(resolved: list[str], tmp_path: Path) -> None:
    runs = [scanned(tmp_path / name) for name in ("a", "b")]
    resolved.clear()
    assert main(["compare", *runs, "--match", "--draws", "1", "--words", "200"]) == 0
    assert resolved == ["demo", "demo"]
