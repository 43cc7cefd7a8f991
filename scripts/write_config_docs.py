"""Scan and confirm a model with each bundled config, and write docs/configs.md from what that gives.

``python scripts/write_config_docs.py --model ~/.cache/mechamap/SmolLM2-135M-Instruct``. The runs are kept in
``--runs``; one that is there already is not made again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import mechamap as mm
from mechamap.config.bundled import bundled_names
from mechamap.figures.findings import confirmed
from mechamap.runs.coverage import Coverage

DOCS = Path(__file__).parent.parent / "docs" / "configs.md"
BEGIN = "<!-- Below: written by scripts/write_config_docs.py. -->\n"
# They change the default, and have no categories or no model of their own.
CHANGED_DEFAULTS = ("people", "sweep")
HEAD = (
    "| category | words found | occurrences | tokens each | confirmed | best neuron | strength | held-out AUROC | p |"
)


def domains() -> tuple[str, ...]:
    """The configs that have categories and a text of their own, the default first."""
    return ("default", *(name for name in bundled_names() if name not in (*CHANGED_DEFAULTS, "default")))


def scanned(name: str, model: str, folder: Path) -> mm.ScannedRun:
    """The confirmed run of a model with a config."""
    if (folder / name).exists():
        return mm.open(folder / name)
    return mm.scan(model, config=name, out=folder / name, confirm=True, progress=False)


def table(name: str, run: mm.ScannedRun) -> Iterator[str]:
    """A config's categories, a line for each."""
    yield f"\n### {name}\n"
    yield HEAD
    yield "| --- " + "| ---: " * 4 + "| --- " + "| ---: " * 3 + "|"
    for category in run.categories:
        found = run.data.record.coverage[category]
        best = run.top(category, 1)
        row = {column: best[column][0] for column in best.columns}
        yield (
            f"| {category} | {words_found(found)} | {found.occurrences} | {mean_tokens(found):.1f} "
            f"| {int(confirmed(run.data, category).sum())} | `{row['neuron']}` | {row['value']:.2f} "
            f"| {row['held']:.2f} | {probability(float(row['p']))} |"
        )


def words_found(coverage: Coverage) -> str:
    """``16 of 16``."""
    return f"{len(coverage.found)} of {len(coverage.found) + len(coverage.not_found)}"


def mean_tokens(coverage: Coverage) -> float:
    """Over the words that were found."""
    return sum(word.tokens for word in coverage.found.values()) / max(len(coverage.found), 1)


def probability(p: float) -> str:
    return "< .001" if p < 0.001 else f"{p:.3f}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Make what runs are missing, print the tables and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="the model to scan")
    parser.add_argument("--runs", type=Path, default=Path("config-runs"), help="the folder of the runs")
    asked = parser.parse_args(arguments)
    lines: list[str] = []
    for name in domains():
        for line in table(name, scanned(name, asked.model, asked.runs)):
            lines.append(line)
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    by_hand = DOCS.read_text(encoding="utf-8").partition(BEGIN)[0]
    DOCS.write_text(by_hand + BEGIN + "\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
