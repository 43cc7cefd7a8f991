"""The characters that screens are drawn with, each named once."""

from __future__ import annotations

__all__ = [
    "BARS",
    "CURSOR",
    "DOWN",
    "FLAG",
    "FULL_BLOCK",
    "JOINT",
    "LIGHT_BLOCK",
    "MARK",
    "MORE_LEFT",
    "MORE_RIGHT",
    "PENDING",
    "TITLE_JOINT",
    "UP",
]


CURSOR, MARK = "▸", "●"
DOWN, UP = "▼", "▲"  # the direction of a sort, and that in which a token drives a neuron
MORE_LEFT, MORE_RIGHT = "‹", "›"
BARS = " ▁▂▃▄▅▆▇█"  # a count in eighths of the largest one
FULL_BLOCK, LIGHT_BLOCK = "█", "░"
PENDING, FLAG = "…", "!"  # a layer that is not finished, and one with a warning
JOINT, TITLE_JOINT = " · ", " ── "
