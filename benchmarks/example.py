"""The bundled example: from the command to its first neuron, against the first frame of an empty Textual app.

``python -m benchmarks.example`` measures whole processes in a pseudo-terminal in turn: the first opening on a machine,
which unpacks the example, and the next ones, which find it unpacked; and opening it in Python.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.explorer import measure
from benchmarks.figures import Figure, environment, paired, ratio, table
from mechamap.runs.example.place import packed_example

__all__ = ["example_figures"]

MOST = 2.0  # times an empty app's first frame
LARGEST = 6_000_000  # bytes of the packed example
_OPENING = """
import time
start = time.perf_counter()
import mechamap as mm
imported = time.perf_counter()
mm.open("example")
print(1000 * (imported - start), 1000 * (time.perf_counter() - imported))
"""


def example_figures(rounds: int) -> list[Figure]:
    """All figures about the example."""
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder) / "home"
        measure("browse", "example", home=kept)  # compiles the modules and fills the disk cache

        def empty() -> float:
            return measure("empty")[0]

        first = paired(lambda: measure("browse", "example")[0], empty, rounds)
        later = paired(lambda: measure("browse", "example", home=kept)[0], empty, rounds)
        torch = any(measure("browse", "example", home=home)[1]["torch"] for home in (None, kept))
        size = packed_example().stat().st_size
        return [
            ratio("first neuron, opened for the first time / an empty app", first, MOST, ("explorer", "empty app")),
            ratio("first neuron, opened again / an empty app", later, MOST, ("explorer", "empty app")),
            Figure("torch in the explorer's process", "yes" if torch else "no", "no", not torch, "2 processes"),
            Figure("size of the packed example", f"{size / 1e6:.2f} MB", "<= 6 MB", size <= LARGEST, ""),
            _in_python(kept, rounds),
        ]


def _in_python(home: Path, rounds: int) -> Figure:
    told = [
        subprocess.run(
            [sys.executable, "-c", _OPENING], capture_output=True, text=True, check=True,
            env=environment(MECHAMAP_HOME=str(home)),
        ).stdout.split()
        for _ in range(rounds)
    ]  # fmt: skip
    imported, opened = (statistics.median(float(times[part]) for times in told) for part in (0, 1))
    note = f"import mechamap {imported:.0f} ms before it, {rounds} processes"
    return Figure('mm.open("example")', f"{opened:.0f} ms", "", None, note)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.example", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="pairs per figure (default: 9)")
    print(table("The bundled example", example_figures(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
