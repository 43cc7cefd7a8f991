"""Commands and code that the README and the pages under docs/ show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from support.repository import ROOT

__all__ = ["Page", "pages"]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPT = "$ "


@dataclass(frozen=True, slots=True)
class Page:
    """A page, and what it shows.

    Attributes:
        name: its path in the repository.
        commands: lines behind a ``$``, each as words; what follows a pipe is left out.
        python: its blocks of Python.
        yaml: its blocks of YAML.
        bare: lines that look like commands and have no ``$`` in front.
    """

    name: str
    commands: tuple[tuple[str, ...], ...]
    python: tuple[str, ...]
    yaml: tuple[str, ...]
    bare: tuple[str, ...]


@cache
def pages() -> tuple[Page, ...]:
    """The README and every page that is written for readers, generated ones included."""
    files = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return tuple(_read(file) for file in files)


def _read(file: Path) -> Page:
    blocks = _FENCE.findall(file.read_text(encoding="utf-8"))
    lines = [line for language, block in blocks if language in {"", "console"} for line in block.splitlines()]
    return Page(
        file.relative_to(ROOT).as_posix(),
        tuple(_commands(lines)),
        tuple(block for language, block in blocks if language == "python"),
        tuple(block for language, block in blocks if language == "yaml"),
        tuple(line for line in lines if line.startswith("mechamap ") and not line.startswith("mechamap [")),
    )


def _commands(lines: list[str]) -> Iterator[tuple[str, ...]]:
    for line in lines:
        if line.startswith(_PROMPT):
            words = shlex.split(line.removeprefix(_PROMPT), comments=True)
            yield tuple(words[: words.index("|")] if "|" in words else words)
