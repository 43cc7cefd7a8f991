"""The explorer against an empty Textual app: first frame, opening a run, and the time from a key to its paint.

Each measurement is a whole process in a pseudo-terminal of its own, from the start of Python to the painted frame.
``python -m benchmarks.explorer --run RUN [--model MODEL]`` measures on any run.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pexpect

from benchmarks.figures import Figure, environment, paired, ratio, table

__all__ = ["explorer_figures", "measure"]

SIZE = (45, 160)  # rows, columns


def explorer_figures(model: Path, rounds: int) -> list[Figure]:
    """All figures about the explorer, on a run of ``model`` that is scanned first."""
    from mechamap.catalog.source import resolve
    from mechamap.config.schema import default_config
    from mechamap.scan.prepare import ScanRequest
    from mechamap.scan.scan import scan

    with tempfile.TemporaryDirectory() as folder:
        run = scan(ScanRequest(resolve(str(model)), default_config(), out=Path(folder) / "run"))
        assert run.path is not None
        return figures_on(run.path, str(model), rounds)


def figures_on(run: Path, model: str, rounds: int) -> list[Figure]:
    """The figures on a run; without a model none while a scan runs."""
    seen: list[dict[str, Any]] = []

    def painted(mode: str, *arguments: str) -> float:
        seconds, result = measure(mode, *arguments)
        seen.append(result)
        return seconds

    painted("start")  # compiles the modules and fills the disk cache
    painted("browse", str(run))
    first = paired(lambda: painted("start"), lambda: painted("empty"), rounds)
    opened = paired(lambda: painted("browse", str(run)), lambda: painted("empty"), rounds)
    figures = [
        ratio("first frame / an empty Textual app's", first, 1.5, ("explorer", "empty app")),
        ratio("a run opened, its table painted / an empty app", opened, 2.0, ("explorer", "empty app")),
        _key_figure("key to paint, idle", 20, measure("keys", str(run))[1], seen),
        _key_figure("key to paint, in a report", 20, measure("report", str(run))[1], seen),
    ]
    if model:
        figures.append(_key_figure("key to paint, while a scan runs", 60, measure("keys", str(run), model)[1], seen))
    loaded = any(result["torch"] for result in seen)
    figures.append(
        Figure("torch in the explorer's process", "yes" if loaded else "no", "no", not loaded, f"{len(seen)} processes")
    )
    return figures


def _key_figure(name: str, most: float, result: dict[str, Any], seen: list[dict[str, Any]]) -> Figure:
    seen.append(result)
    times = sorted(1000 * seconds for seconds in result["keys"] if not math.isnan(seconds))
    middle = statistics.median(times)
    slow = times[int(0.95 * (len(times) - 1))]
    return Figure(
        name, f"{middle:.1f} ms", f"<= {most:g} ms", middle <= most,
        f"{len(times)} keys, 95 % within {slow:.1f} ms, slowest {times[-1]:.1f} ms",
    )  # fmt: skip


def measure(mode: str, *arguments: str, home: Path | None = None) -> tuple[float, dict[str, Any]]:
    """Seconds from the start of a process to its first frame, and what it wrote about itself.

    Args:
        mode, arguments: of ``benchmarks.explorer_driver``.
        home: the data folder; an empty one where not given.
    """
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        started = time.monotonic()
        process = pexpect.spawn(
            sys.executable,
            ["-m", "benchmarks.explorer_driver", str(result), mode, *arguments],
            dimensions=SIZE,
            timeout=120,
            env=environment(
                TERM="xterm-256color", COLORTERM="truecolor", MECHAMAP_HOME=str(home or Path(folder) / "home")
            ),
        )
        process.delaybeforesend = None
        output = process.read()
        process.close()
        if not result.exists():
            raise RuntimeError(f"the {mode} app did not get to its first frame:\n{output.decode(errors='replace')}")
        told: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return told["painted"] - started, told


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.explorer", description=__doc__)
    parser.add_argument("--run", type=Path, required=True, help="folder of the run to open")
    parser.add_argument("--model", default="", help="what to scan while keys are pressed (default: nothing)")
    parser.add_argument("--rounds", type=int, default=5, help="pairs per figure (default: 5)")
    arguments = parser.parse_args()
    figures = figures_on(arguments.run.resolve(), arguments.model, arguments.rounds)
    print(table(f"Explorer on {arguments.run.name}", figures))


if __name__ == "__main__":
    main()
