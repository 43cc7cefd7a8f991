"""What a plan says of memory, against the most that the processes of real scans take.

Longer than the other tests and dependent on the machine's libraries: `make measured`.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.by_name import plan_scan
from support.repository import ROOT

from mechamap.config.scan_config import ScanConfig
from mechamap.config.schema import default_config, with_overrides

pytestmark = [
    pytest.mark.measured,
    pytest.mark.smollm2,
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks of memory are read from /proc"),
]

TEXT = " ".join(["On Monday the dog ate a red apple in Paris, and the cat took a train to London."] * 1500)

# Runs a scan, and prints the most memory that its process had: what is its own, and files that are mapped.
MEASURED = """
import sys, threading, time
from pathlib import Path
from mechamap.cli.main import main

most = {"RssAnon": 0, "RssFile": 0}

def watch():
    while True:
        for line in Path("/proc/self/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name in most:
                most[name] = max(most[name], int(value.split()[0]) * 1024)
        time.sleep(0.002)

threading.Thread(target=watch, daemon=True).start()
code = main(sys.argv[1:])
print(code, most["RssAnon"], most["RssFile"])
"""

# How far the most memory of a scan may be from what its plan says.
FACTOR = 1.25


def measured(model: str, folder: Path, *flags: str) -> tuple[int, int]:
    """Most bytes of a real scan's process: its own, and of files that it has mapped."""
    command = [sys.executable, "-c", MEASURED, "scan", model, "--device", "cpu", "--out", str(folder / "run"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
    code, own, mapped = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stderr
    return own, mapped


def config_of(**changes: object) -> ScanConfig:
    return with_overrides(default_config(), device="cpu", **changes)


@pytest.mark.parametrize("long", [False, True])
def test_the_bundled_model_takes_the_memory_that_was_planned(tmp_path: Path, long: bool) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    config = config_of(texts=[TEXT]) if long else config_of()
    (need,) = plan_scan("demo", config).memory
    own, mapped = measured("demo", tmp_path, *(["--text", str(tmp_path / "text.txt")] if long else []))
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR
    if long:  # where the text is what takes the memory
        assert need.activations > 2 * need.weights and need.activations > 300e6


@pytest.mark.parametrize(("dtype", "layers"), [("auto", "all"), ("bfloat16", "all"), ("auto", "0-2")])
def test_a_real_model_takes_the_memory_that_was_planned(
    smollm2_path: Path, tmp_path: Path, dtype: str, layers: str
) -> None:
    plan = plan_scan(str(smollm2_path), config_of(dtype=dtype, layers=layers))
    (need,) = plan.memory
    own, mapped = measured(str(smollm2_path), tmp_path, "--dtype", dtype, "--layers", layers)
    if plan.scan.weights.cast:  # pages of the file that they are cast from: given back when memory gets short
        mapped = min(mapped, 150_000_000)
    assert need.needed / FACTOR < own + mapped < need.needed * FACTOR
