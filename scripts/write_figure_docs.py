"""Write docs/figures.md from the catalogue of figures: ``python scripts/write_figure_docs.py``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from mechamap.figures.catalogue import FIGURES
from mechamap.figures.figure import Figure, JudgedFigure, MadeBy, Shape

FILE = Path(__file__).parent.parent / "docs" / "figures.md"
HEAD = """\
# The figures

<!-- Written by scripts/write_figure_docs.py from mechamap/figures/catalogue.py; change that, then run it. -->

Each figure is a file in the folder of a run, `NAME.npy`. Filters, sort columns and `--by` know it by each of its
names. [findings.md](findings.md) says how the figures of a category are worked out and checked. The threshold is the
value from which a neuron counts for a category, where none is given ([interpret.md](interpret.md)).
"""
_TITLES: dict[Shape, str] = {
    "category": "One value for each neuron and category",
    "neuron": "One value for each neuron",
    "tokens": "One value for each of a neuron's most extreme tokens",
    "list": "Contexts and ranges of a neuron over a corpus",
}
_MADE_BY: dict[MadeBy, str] = {
    "scan": "every scan",
    "experts": "scans of models with routed experts",
    "corpus": "scans over a corpus",
    "after scan": "scans, where `second_text` has it",
    "confirm": "`mechamap confirm`",
    "second text": "scans likewise, `mechamap confirm --text`",
    "ablate": "`mechamap ablate`",
}


def text() -> str:
    """The whole page."""
    return "\n".join([HEAD, *(part for shape, title in _TITLES.items() for part in _section(shape, title))])


def _section(shape: Shape, title: str) -> Iterator[str]:
    yield f"## {title}\n"
    headings = ["figure", "what it is", "worked out by", *(["threshold"] if shape == "category" else [])]
    yield _row(headings)
    yield _row(["---"] * len(headings))
    for figure in FIGURES.values():
        if figure.shape == shape:
            cells = [_names(figure), figure.about, _MADE_BY[figure.made_by], _threshold(figure)]
            yield _row(cells[: len(headings)])
    yield ""


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _names(figure: Figure) -> str:
    names = ", ".join(f"`{name}`" for name in (figure.name, *figure.aliases))
    return f"{names} (`--by` also: `{figure.title}`)" if figure.title else names


def _threshold(figure: Figure) -> str:
    if not isinstance(figure, JudgedFigure):
        return ""
    if figure.usual is None:
        return "that of the scan, usually 0.2"
    if figure.ascending:
        return f"{figure.usual:g} or below"
    if figure.two_sided:
        return f"{figure.usual:g}, or {figure.mirrored(figure.usual):g} and below".replace("-", "−")
    return f"{figure.usual:g}"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")
