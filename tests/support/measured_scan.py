"""The most memory that the process of a real scan takes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.repository import ROOT

__all__ = ["measured"]


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


def measured(model: str, folder: Path, *flags: str) -> tuple[int, int]:
    """Most bytes of a real scan's process: its own, and of files that it has mapped."""
    command = [sys.executable, "-c", MEASURED, "scan", model, "--device", "cpu", "--out", str(folder / "run"), *flags]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=280, check=False)
    code, own, mapped = map(int, done.stdout.splitlines()[-1].split())
    assert code == 0, done.stderr
    return own, mapped
