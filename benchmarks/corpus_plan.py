"""What a plan says of a scan over a corpus, against whole commands: seconds, most memory, size on disk."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, environment
from mechamap.catalog.source import resolve
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config, with_overrides
from mechamap.plan.scan_plan import plan_scan

__all__ = ["corpus_plan_figures"]


_SCAN = """
import resource, sys
from mechamap.cli.main import main
code = main(sys.argv[1:])
print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def corpus_plan_figures(models: list[tuple[str, str]], corpus: Path, tokens: int, rounds: int) -> list[Figure]:
    """What scans of models, as (name, number format), took over what their plans said, the medians of some rounds."""
    figures: list[Figure] = []
    for name, dtype in models:
        settings = CorpusSettings((str(corpus.absolute()),), max_tokens=tokens)
        config = replace(with_overrides(default_config(), dtype=dtype), corpus=settings)
        pairs = [(plan_scan(resolve(name), config), _scan(name, dtype, corpus, tokens)) for _ in range(rounds)]
        planned = [
            (plan.seconds.total, plan.memory[0].needed, plan.run.total) for plan, _ in pairs if plan.seconds is not None
        ]
        taken = [scan for _, scan in pairs]
        for place, (what, within, divisor, unit) in enumerate(
            (("time", 2.0, 1, "s"), ("memory", 1.2, 1e6, "MB"), ("disk", 1.1, 1e6, "MB"))
        ):
            rows = sorted(
                (real[place] / said[place], real[place], said[place]) for real, said in zip(taken, planned, strict=True)
            )
            ratio, real, said = rows[len(rows) // 2]
            figures.append(
                Figure(
                    f"{Path(name).name} {dtype}: {what} taken over planned",
                    f"{ratio:.2f} x",
                    f"within {within:g} x",
                    1 / within <= ratio <= within,
                    f"{real / divisor:,.1f} {unit} taken, {said / divisor:,.1f} {unit} planned; {tokens:,} tokens, "
                    f"{rounds} rounds, ratios {rows[0][0]:.2f} to {rows[-1][0]:.2f}",
                )
            )
    return figures


def _scan(name: str, dtype: str, corpus: Path, tokens: int) -> tuple[float, int, int]:
    """Seconds, most bytes in memory and bytes of the run of a whole command."""
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        words = [
            "scan",
            name,
            "--corpus",
            str(corpus),
            "--max-tokens",
            str(tokens),
            "--dtype",
            dtype,
            "--out",
            str(run),
        ]
        began = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-c", _SCAN, *words],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=True,
            text=True,
        )
        taken = time.perf_counter() - began
        code, memory = map(int, done.stdout.splitlines()[-1].split())
        if code:
            raise RuntimeError(f"the scan ended with {code}")
        return taken, memory, sum(file.stat().st_size for file in run.rglob("*") if file.is_file())
