"""What a benchmark reports: a ratio with its spread, the bound it should keep, and how it was measured."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

__all__ = ["Figure", "environment", "paired", "ratio", "seconds", "table"]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. ``value`` is what ``bound`` is about; ``detail`` gives the absolute numbers."""

    name: str
    value: str
    bound: str
    kept: bool | None
    detail: str


def environment(**extra: str) -> dict[str, str]:
    """The environment for a measured process: this one's, but compiled modules are kept, as for any user."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"} | extra


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def paired(ours: Callable[[], float], theirs: Callable[[], float], rounds: int) -> list[tuple[float, float]]:
    """Measure both in turn, ``rounds`` times, so that a drift of the machine meets both alike."""
    return [(ours(), theirs()) for _ in range(rounds)]


def ratio(
    name: str, pairs: Sequence[tuple[float, float]], most: float, what: tuple[str, str], unit: str = "s"
) -> Figure:
    """The median over pairs of ours / theirs, which should be at most ``most``."""
    ratios = sorted(a / b for a, b in pairs)
    middle = statistics.median(ratios)
    ours, theirs = statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)
    return Figure(
        name,
        f"{middle:.2f} x",
        f"<= {most:g} x",
        middle <= most,
        f"{what[0]} {ours:.3g} {unit}, {what[1]} {theirs:.3g} {unit}; "
        f"{len(pairs)} pairs, ratios {ratios[0]:.2f} to {ratios[-1]:.2f}",
    )


def table(title: str, figures: Sequence[Figure]) -> str:
    """A Markdown table, as printed and as kept in RESULTS.md."""
    rows = [f"### {title}", "", "| figure | measured | bound | kept | detail |", "| --- | --- | --- | --- | --- |"]
    for figure in figures:
        kept = {True: "yes", False: "NO", None: "-"}[figure.kept]
        rows.append(f"| {figure.name} | {figure.value} | {figure.bound} | {kept} | {figure.detail} |")
    return "\n".join(rows) + "\n"
