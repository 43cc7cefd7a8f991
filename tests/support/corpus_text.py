"""A small corpus of natural text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mechamap.text.natural_text import natural_passages

__all__ = ["documents", "write_corpus"]


def documents(count: int = 24, words: int = 60) -> list[str]:
    """The beginnings of passages, of various lengths."""
    passages = natural_passages()
    return [" ".join(passages[n % len(passages)].split()[: words // 2 + (7 * n) % words]) for n in range(count)]


def write_corpus(path: Path, texts: Sequence[str]) -> Path:
    """The texts as records, a line each."""
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path
