"""Write the table of docs/reliability.md from what `make torture` has tried, each part of which held.

A part of the suite (MECHAMAP_TORTURE below 1) is printed and written nowhere.
"""

from __future__ import annotations

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))

from support.torture_figures import FIGURES  # noqa: E402

FILE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- by make torture -->\n", "<!-- until here -->\n"
# What was tried, by its name in the figures, and what held of all of it.
PARTS = {
    "killed scans": (
        "scans killed at random moments",
        "all can be read, complete layers are those of an undisturbed scan, and so is each run once it is finished; "
        "no temporary file left",
    ),
    "killed exports": ("exports killed", "the old file or the new one; no temporary file after the next use"),
    "killed notes": ("writers of notes killed", "no acknowledged note lost; no temporary file after the next use"),
    "two at once": ("two writers of notes, two scans to one folder", "no note lost; one scan refused"),
    "no room on the disk": (
        "scans, exports and notes where files may not grow beyond a random size",
        "told each time, nothing of what was there lost, all scans finished with the figures of an undisturbed one",
    ),
    "little memory": (
        "commands and the explorer under limits of the address space, from 20 MB up",
        "done, or told in a sentence; files and runs as they were",
    ),
    "little memory, ended by a library": (
        "of scans and confirmations under such limits, those that a library ended",
        "no traceback; runs as they were, or finished with the figures of an undisturbed scan",
    ),
    "taken away": (
        "scans and confirmations whose run is removed, moved, replaced, made unreadable or cut short meanwhile",
        "done or told; what was moved can be read",
    ),
    "taken away in the explorer": ("the same with a run that is open in the explorer, and keys after it", "no failure"),
    "runs": ("damaged runs, each through 8 commands", "no unforeseen error, no long message"),
    "corpora": ("damaged runs over corpora, likewise", "no unforeseen error, no long message"),
    "parts": ("parts of corpus scans, one of two damaged, put together", "no unforeseen error, no long message"),
    "damaged in the explorer": ("damaged runs, over texts and over corpora, opened in the explorer", "no failure"),
    "configs": ("damaged configs, nesting of 100,000 among them", "no crash, no unforeseen error"),
    "csvs": ("damaged CSVs", "no unforeseen error"),
    "filters": ("filters and sort expressions", "no unforeseen error, no long message"),
    "messages": ("damaged messages to the engine", "each answered, the engine lives"),
    "keys": ("random keys, from twelve screens", "no failure"),
}


def table() -> Iterator[str]:
    """The table's lines."""
    tried: dict[str, int] = defaultdict(int)
    cpu: dict[str, float] = defaultdict(float)
    memory: dict[str, int] = defaultdict(int)
    for line in FIGURES.read_text(encoding="ascii").splitlines():
        figure: dict[str, Any] = json.loads(line)
        part = figure["part"]
        tried[part] += figure["tried"]
        cpu[part], memory[part] = max(cpu[part], figure["cpu"]), max(memory[part], figure["memory"])
    yield f"Written by `make torture` on {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} CPU cores."
    yield ""
    yield "| tried | number | what held of all | CPU, at most | memory, at most |"
    yield "| --- | --- | --- | --- | --- |"
    for part, (what, held) in PARTS.items():
        if not tried[part] and part != "little memory, ended by a library":
            raise SystemExit(f"nothing of {part!r} was tried: {FIGURES} is not of the whole suite")
        most = (f"{cpu[part]:.1f} s", f"{memory[part] / 1e6:.0f} MB") if cpu[part] else ("", "")
        yield f"| {what} | {tried[part]:,} | {held} | {most[0]} | {most[1]} |"


def main() -> None:
    lines = "\n".join(table()) + "\n"
    if os.environ.get("MECHAMAP_TORTURE", "1") != "1":
        sys.stdout.write(lines)
        return
    page = FILE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    FILE.write_text(f"{before}{BEGIN}{lines}{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
