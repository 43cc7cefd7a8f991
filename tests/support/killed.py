"""Work that is killed, or loses its run, at random moments, in forked children of this process: imports take longest.

python killed.py scans FOLDER FIRST LAST         a scan of the bundled model for each seed, in FOLDER/seed
python killed.py corpora CORPUS FOLDER FIRST LAST   likewise, scans over a corpus in shards
python killed.py exports RUN FILE FIRST LAST     exports over FILE
python killed.py notes RUN FIRST LAST            notes; each that is acknowledged is a line of output
python killed.py removed WORK WAY FOLDER FIRST LAST   a scan or a confirmation whose run is taken away; a line for each:
                                                 the seed, and how it ended
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import torch

from mechamap.catalog.source import resolve
from mechamap.checks.confirm import confirm_run
from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.schema import default_config, with_overrides
from mechamap.errors import MechaMapError
from mechamap.exports.registry import ExportRequest, export_run
from mechamap.models.loaded import LoadedModel
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap.scan.corpus import corpus_scan
from mechamap.scan.corpus.corpus_scan import scan_corpus
from mechamap.scan.prepare import ScanRequest
from mechamap.scan.scan import scan
from support.by_name import load_model, scan_request
from support.recorded_run import recorded_run

FORMATS = ("csv", "json")


def killed_after(work: Callable[[], object], seconds: float) -> None:
    """Do something in a child, and kill the child after some seconds if it is not done by then."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)


def scanned(loaded: LoadedModel, folder: Path, *, resume: bool = False) -> Run:
    config = with_overrides(default_config(), second_text="never", keep_activations="always")
    return scan(scan_request("demo", config, folder, resume=resume), loaded=loaded)


def scans(folder: Path, seeds: range) -> None:
    loaded = load_model("demo", device="cpu")
    began = time.monotonic()
    scanned(loaded, folder / "whole")
    longest = time.monotonic() - began
    for seed in seeds:
        seconds = random.Random(seed).uniform(0, 1.1 * longest)
        killed_after(lambda seed=seed: scanned(loaded, folder / str(seed)), seconds)  # type: ignore[misc]


def corpus_scanned(loaded: LoadedModel, corpus: Path, folder: Path, *, resume: bool = False) -> Run:
    """Two layers of the bundled model over a corpus, in shards so small that there are several; each is published."""
    corpus_scan._PAUSE, corpus_scan._SHARE = 0.0, 0
    settings = CorpusSettings((str(corpus),), seq_len=48, contexts=4, sample=100, occurrences=10, shard_tokens=180)
    config = replace(default_config(), corpus=settings, layers="1,3", second_text="never")
    return scan_corpus(ScanRequest(resolve("demo"), config, folder, resume), loaded=loaded)[0]


def corpora(corpus: Path, folder: Path, seeds: range) -> None:
    loaded = load_model("demo", device="cpu")
    corpus_scanned(loaded, corpus, folder / "whole")
    began = time.monotonic()
    corpus_scanned(loaded, corpus, folder / "again")
    longest = time.monotonic() - began
    for seed in seeds:
        seconds = random.Random(seed).uniform(0, longest)
        killed_after(lambda seed=seed: corpus_scanned(loaded, corpus, folder / str(seed)), seconds)  # type: ignore[misc]


def removed(work: str, way: str, folder: Path, seeds: range) -> None:
    """Take a run away from a scan that writes it, or a confirmation that reads it and adds to it."""
    loaded = load_model("demo", device="cpu")
    began = time.monotonic()
    scanned(loaded, folder / "whole")
    if work == "confirm":
        confirm_run(Run.open(folder / "whole"), loaded)
    longest = time.monotonic() - began
    for seed in seeds:
        run = folder / f"{work}-{way}-{seed}"
        if work == "confirm":
            scanned(loaded, run)
        child = os.fork()
        if child == 0:
            os._exit(
                _ended(lambda run=run: scanned(loaded, run) if work == "scan" else confirm_run(Run.open(run), loaded))
            )  # type: ignore[misc]
        time.sleep(random.Random(seed).uniform(0, longest))
        take_away(run, way)
        _, status = os.waitpid(child, 0)
        os.write(1, f"{seed} {ENDINGS.get(os.waitstatus_to_exitcode(status), 'killed')}\n".encode())


ENDINGS = {0: "done", 3: "told", 9: "unforeseen"}


def _ended(work: Callable[[], object]) -> int:
    try:
        work()
    except MechaMapError:
        return 3
    except BaseException:
        traceback.print_exc()
        return 9
    return 0


def take_away(run: Path, way: str) -> None:
    """Remove a run, move it, put another thing in its place, make it unreadable, or cut its files short."""
    if not run.exists():
        return
    if way == "moved":
        run.rename(run.with_name(f"{run.name}-moved"))
    elif way == "replaced":
        other = recorded_run(run.with_name(f"{run.name}-other")).path
        assert other is not None
        run.rename(run.with_name(f"{run.name}-moved"))
        with suppress(OSError):  # the scan has made the folder anew meanwhile
            other.rename(run)
    elif way == "cut":  # in place, which kills a process that reads a mapped file
        for file in run.glob("*.npy"):
            os.truncate(file, 0)
    elif way == "unreadable":  # for the super-user too, who may read everything
        for file in list(run.glob("*.*")):
            if file.suffix in (".json", ".npy"):
                file.unlink(missing_ok=True)
                file.mkdir()
    else:
        shutil.rmtree(run, ignore_errors=True)


def exports(folder: Path, file: Path, seeds: range) -> None:
    run = Run.open(folder)

    def work() -> None:
        while True:
            for format in FORMATS:
                export_run(run, file, ExportRequest(format), overwrite=True)

    for seed in seeds:
        killed_after(work, random.Random(seed).uniform(0, 0.3))


def notes(folder: Path, seeds: range) -> None:
    for seed in seeds:

        def work(seed: int = seed) -> None:
            for number in range(10_000):
                Notes(folder).write_note(f"L{seed}.N{number}", "seen")
                os.write(1, f"L{seed}.N{number}\n".encode())  # not before it is kept

        killed_after(work, random.Random(seed).uniform(0, 0.3))


def main() -> None:
    torch.set_num_threads(1)
    what, *words = sys.argv[1:]
    seeds = range(int(words[-2]), int(words[-1]))
    match what:
        case "scans":
            scans(Path(words[0]), seeds)
        case "corpora":
            corpora(Path(words[0]), Path(words[1]), seeds)
        case "removed":
            removed(words[0], words[1], Path(words[2]), seeds)
        case "exports":
            exports(Path(words[0]), Path(words[1]), seeds)
        case _:
            notes(Path(words[0]), seeds)


if __name__ == "__main__":
    main()
