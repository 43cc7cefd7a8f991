"""The house is as docs/architecture.md draws it: its rooms, their size, their doors, and no circle of imports."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

import grimp
import pytest
from support.repository import ROOT

MOST_FILES = 16  # of a room; the command line has a file for each command
MAP = ROOT / "docs" / "architecture.md"
PACKAGES = sorted(file.parent for name in ("mechamap", "mechamap_tui") for file in (ROOT / name).rglob("__init__.py"))


def named(folder: Path) -> str:
    return folder.relative_to(ROOT).as_posix()


def modules_of(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.glob("*.py") if file.stem != "__init__")


def test_the_map_lists_the_rooms_there_are_and_no_others() -> None:
    listed = re.findall(r"^\| `((?:mechamap|mechamap_tui)/[\w/]*)/` \|", MAP.read_text(encoding="utf-8"), re.M)
    rooms = [named(folder) for folder in PACKAGES if folder.parent != ROOT]
    assert sorted(listed) == sorted(rooms)


def test_every_file_that_the_map_names_is_there() -> None:
    text = MAP.read_text(encoding="utf-8")
    files = set(re.findall(r"`((?:mechamap|mechamap_tui|tests|scripts|docs|configs)/[\w./-]+\.\w+)`", text))
    assert len(files) > 20
    assert [file for file in sorted(files) if not (ROOT / file).exists()] == []


def test_the_top_levels_hold_only_what_every_room_may_know() -> None:
    assert modules_of(ROOT / "mechamap") == ["__main__", "errors", "events"]
    assert modules_of(ROOT / "mechamap_tui") == ["__main__", "app", "command", "explorer", "palette"]


@pytest.mark.parametrize("folder", PACKAGES, ids=named)
def test_no_room_is_too_large_to_be_looked_over(folder: Path) -> None:
    if named(folder) != "mechamap/cli":
        assert len(modules_of(folder)) <= MOST_FILES


@pytest.mark.parametrize("folder", PACKAGES, ids=named)
def test_a_rooms_door_says_what_is_in_it_and_imports_nothing(folder: Path) -> None:
    tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
    assert ast.get_docstring(tree)
    if named(folder) != "mechamap":  # its names come when they are asked for (PEP 562)
        assert len(tree.body) == 1


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Imports inside functions and under TYPE_CHECKING count; those of the front door are looked up when asked for."""
    graph = grimp.build_graph("mechamap", "mechamap_tui", cache_dir=None)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules - {"mechamap"}}
    try:
        graphlib.TopologicalSorter(imports).prepare()
    except graphlib.CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")
