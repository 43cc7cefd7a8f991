"""The most memory that reading a large CSV takes, against what the run itself is.

Files of hundreds of megabytes, so not among the other tests: `make measured`. The figures of 2 GB are in
docs/exports.md.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.large_csv import write_large_csv
from support.repository import ROOT

pytestmark = [
    pytest.mark.measured,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc"),
]


# Reads a file, and prints the size of the run and the most memory that this took above what the process had before.
MEASURED = """
import sys
from pathlib import Path
from mechamap.csv_files.run import read_csv

def most():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

before = most()
run = read_csv(Path(sys.argv[1]))
print(run.neurons, sum(run.figure(name).nbytes for name in run.record.figures), most() - before)
"""


def test_reading_takes_a_few_times_the_run_and_not_the_file(tmp_path: Path) -> None:
    path = tmp_path / "large.csv"
    rows = write_large_csv(path, layers=8, width=8192, categories=20, listed=0.7)
    assert rows > 900_000 and path.stat().st_size > 200e6
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, str(path)], capture_output=True, text=True, cwd=ROOT, timeout=280, check=True
    )
    neurons, held, taken = map(int, done.stdout.split())
    assert neurons == 8 * 8192
    assert taken < 6 * held < path.stat().st_size / 3
