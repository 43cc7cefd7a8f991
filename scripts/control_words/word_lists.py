"""Lists that are kept by hand, in files beside this one."""

from __future__ import annotations

from pathlib import Path

__all__ = ["FUNCTION_WORDS", "KEPT_OUT", "NAMES"]


def _read(name: str) -> frozenset[str]:
    lines = (Path(__file__).parent / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(word for line in lines if not line.startswith("#") for word in line.split())


NAMES = _read("names")
KEPT_OUT = _read("kept_out")
FUNCTION_WORDS = _read("function_words")
