"""Write the catalogue of keys from the explorer's bindings, and docs/keys.md from it.

``python scripts/write_key_docs.py``
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from textual.dom import DOMNode

import mechamap_tui
from mechamap.config.keys.catalogue import FILE, KeyAction, KeySection, catalogue_text
from mechamap.config.keys.spelling import key_text
from mechamap_tui.app import MechaMapApp
from mechamap_tui.terminal.key_sections import EVERYWHERE, SECTIONS, action_names, own_bindings_of

DOCS = Path(__file__).parent.parent / "docs" / "keys.md"
BEGIN = "<!-- Below: written by scripts/write_key_docs.py from the explorer's bindings. -->\n"


def parts() -> Iterator[type[DOMNode]]:
    """The app, the screens and the widgets of the explorer that have keys."""
    for module in pkgutil.walk_packages(mechamap_tui.__path__, "mechamap_tui."):
        if not module.name.endswith("__main__"):
            for _, part in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
                if issubclass(part, DOMNode) and part.__module__ == module.name and own_bindings_of(part):
                    yield part


def sections() -> list[KeySection]:
    """Every section with its actions, in the order of a file.

    Raises:
        ValueError: a part is not among the sections, or two actions with different keys have one name.
    """
    bound: dict[tuple[str, str], dict[str, list[str]]] = {}  # keys by section and name, and by Textual's action
    does: dict[tuple[str, str], str] = {}
    for part in parts():
        if part.__name__ not in SECTIONS:
            raise ValueError(f"{part.__name__} has keys; give it a section in mechamap_tui/terminal/key_sections.py")
        for binding, name in action_names(part, MechaMapApp):
            if name[0] == EVERYWHERE and part is not MechaMapApp:
                continue
            keys = bound.setdefault(name, {}).setdefault(binding.action, [])
            if binding.key not in keys:
                keys.append(binding.key)
            does.setdefault(name, binding.tooltip or binding.description)
    for name, by_action in bound.items():
        if len({tuple(keys) for keys in by_action.values()}) > 1:
            raise ValueError(f"{name}: {sorted(by_action)} have one name and different keys; give them an id each")
    return [
        KeySection(
            section.name,
            section.about,
            tuple(dict.fromkeys(section.inside)),
            tuple(
                KeyAction(action, does[owner, action], tuple(next(iter(bound[owner, action].values()))))
                for owner, action in bound
                if owner == section.name
            ),
        )
        for section in SECTIONS.values()
    ]


def docs_text() -> str:
    """docs/keys.md, its part that is written by hand as it is."""
    by_hand = DOCS.read_text(encoding="utf-8").partition(BEGIN)[0]
    return by_hand + BEGIN + "".join(map(_table, sections()))


def _table(section: KeySection) -> str:
    lines = [f"\n### {section.name}\n", f"{section.about[:1].upper()}{section.about[1:]}.\n"]
    lines += ["| action | keys | |", "| --- | --- | --- |"]
    for action in section.actions:
        keys = " ".join(f"`{key_text(key)}`" if key != "grave_accent" else "`` ` ``" for key in action.keys)
        lines.append(f"| `{action.name}` | {keys} | {action.does} |".replace("`|`", r"`\|`"))
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    FILE.write_text(catalogue_text(sections()), encoding="utf-8")
    DOCS.write_text(docs_text(), encoding="utf-8")
    sys.stdout.write(f"{FILE}\n{DOCS}\n")
