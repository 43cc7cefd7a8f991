"""The explorer of this tree against that of another checkout, an earlier commit's: first frame, and opening a run.

``python -m benchmarks.before CHECKOUT --run RUN`` starts both in turn, each a whole process in a pseudo-terminal, from
the start of Python to the painted frame, and compares wall-clock time and the processors' time pair by pair.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import pexpect

from benchmarks.explorer import SIZE
from benchmarks.figures import Figure, environment, ratio, table

__all__ = ["before_figures"]

MOST = 1.05  # times the earlier commit's
TITLES = {"start": "first frame", "browse": "a run opened, its table painted"}


class Took(NamedTuple):
    """Seconds to the first frame, and of the processors until the process had ended."""

    wall: float
    processors: float


def before_figures(checkout: Path, run: Path, rounds: int) -> list[Figure]:
    """Ratios of this tree to the other checkout, medians over ``rounds`` pairs, of which every other begins with it."""
    here = Path(__file__).resolve().parent.parent
    figures = []
    for mode, title in TITLES.items():
        words = (mode, str(run)) if mode == "browse" else (mode,)
        for tree in (here, checkout):  # compiles the modules and fills the disk cache
            _measure(tree, *words)
        pairs = []
        for number in range(rounds):
            first, second = (here, checkout) if number % 2 else (checkout, here)
            took = {first: _measure(first, *words), second: _measure(second, *words)}
            pairs.append((took[here], took[checkout]))
        for what in Took._fields:
            seconds = [(getattr(ours, what), getattr(theirs, what)) for ours, theirs in pairs]
            figures.append(ratio(f"{title}, {what} time / before", seconds, MOST, ("now", "before")))
    return figures


def _measure(tree: Path, mode: str, *arguments: str) -> Took:
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        used, started = _processors(), time.monotonic()
        process = pexpect.spawn(
            sys.executable,
            ["-m", "benchmarks.explorer_driver", str(result), mode, *arguments],
            dimensions=SIZE, timeout=120, cwd=str(tree),
            env=environment(TERM="xterm-256color", MECHAMAP_HOME=str(Path(folder) / "home"), PYTHONPATH=str(tree)),
        )  # fmt: skip
        process.delaybeforesend = None
        output = process.read()
        process.close()
        if not result.exists():
            raise RuntimeError(f"the {mode} app of {tree} did not paint:\n{output.decode(errors='replace')}")
        painted: float = json.loads(result.read_text(encoding="utf-8"))["painted"]
        return Took(painted - started, _processors() - used)


def _processors() -> float:
    """Processor seconds of this process's children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.before", description=__doc__)
    parser.add_argument("checkout", type=Path, help="a working tree of the earlier commit, as of git worktree add")
    parser.add_argument("--run", type=Path, required=True, help="folder of the run to open")
    parser.add_argument("--rounds", type=int, default=15, help="pairs per figure (default: 15)")
    arguments = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    figures = before_figures(arguments.checkout.resolve(), arguments.run.resolve(), arguments.rounds)
    print(table(f"Explorer, {arguments.run.name}, against {arguments.checkout.name}", figures))


if __name__ == "__main__":
    main()
