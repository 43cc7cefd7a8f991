"""`mechamap interpret` as whole commands, from the start of Python to the last line: on a run and on CSVs of it.

Beside them, what a bare script with pandas takes that only reads the CSV and counts.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.figures import Figure, environment, seconds
from mechamap.catalog.source import resolve
from mechamap.config.schema import default_config
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.runs.run import Run
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan

__all__ = ["interpret_figures"]

MOST = 2.0  # seconds of the whole command on the CSV
BARE = """
import sys
import pandas as pd
rows = pd.read_csv(sys.argv[1]).dropna(subset="category")
print(rows.pivot_table(index="layer", columns="category", values="neuron", aggfunc="count"))
print(rows.pivot_table(index=["layer", "neuron"], columns="category", values="avg_activation").corr())
"""


def interpret_figures(model_path: Path, rounds: int) -> list[Figure]:
    """All figures about interpreting a run of ``model_path``."""
    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(str(model_path)), default_config(), Path(folder) / "run"))
        usual, hard = Path(folder) / "usual.csv", Path(folder) / "hard.csv"
        export_run(run, usual, ExportRequest("csv"))
        rows = _hard(run, usual, hard)
        neurons = f"{run.neurons:,} neurons"
        listed = f"{neurons}, {len(pd.read_csv(usual, usecols=['layer'])):,} rows"
        many = f"{neurons}, each in several categories, {rows:,} rows"
        command = [sys.executable, "-m", "mechamap", "interpret"]
        every = ["--multi-category", "--correlation"]
        return [
            _command("`mechamap interpret` of a CSV", [*command, str(usual)], rounds, listed, MOST),
            _command("with `--multi-category --correlation`", [*command, str(usual), *every], rounds, listed, MOST),
            _command("of a hard CSV", [*command, str(hard)], rounds, many, MOST),
            _command("of the run itself", [*command, str(run.path)], rounds, neurons, MOST),
            _command("all tables of the hard CSV as JSON", [*command, str(hard), "--format", "json"], rounds, many),
            _command("a script of pandas that counts and correlates", [sys.executable, "-c", BARE, str(usual)], rounds,
                     listed),
        ]  # fmt: skip


def _hard(run: Run, usual: Path, hard: Path) -> int:
    """Write a CSV that lists every neuron under two to seven categories, with the usual one's tokens."""
    rng = np.random.default_rng(0)
    tokens = pd.read_csv(usual).drop_duplicates(["layer", "neuron"])
    count = len(run.categories)
    each = rng.integers(2, max(count, 3), len(tokens))
    order = rng.random((len(tokens), count)).argsort(axis=1)  # [neurons, categories]
    rows = tokens.loc[tokens.index.repeat(np.minimum(each, count))].copy()
    rows["category"] = [run.categories[at] for its, k in zip(order, each, strict=True) for at in its[:k]]
    rows["avg_activation"] = (0.2 + rng.exponential(size=len(rows))).round(4)
    rows.to_csv(hard, index=False)
    return len(rows)


def _command(name: str, command: Sequence[str], rounds: int, what: str, most: float | None = None) -> Figure:
    def run() -> None:
        subprocess.run(command, check=True, capture_output=True, env=environment())

    run()  # the first one compiles modules and warms the page cache
    took = sorted(seconds(run) for _ in range(rounds))
    middle = statistics.median(took)
    return Figure(
        name,
        f"{middle:.2f} s",
        "-" if most is None else f"<= {most:g} s",
        None if most is None else middle <= most,
        f"{what}; {rounds} times, {took[0]:.2f} to {took[-1]:.2f} s",
    )
