"""The tables of a report, by key."""

from __future__ import annotations

__all__ = ["TABLES"]


TABLES = (
    "info",
    "categories",
    "top",
    "layers",
    "signs",
    "depth",
    "specialisation",
    "specialists",
    "several",
    "combinations",
    "correlation",
    "correlation_neurons",
    "dead",
)
"""The keys of the tables, in their order. ``signs``, ``specialisation`` and ``dead`` need what not every run has."""
