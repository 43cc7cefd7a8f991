"""Parts of one corpus scan, made apart from each other, put together into one run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.config.scan_config import ScanConfig
from mechamap.errors import RunError, UsageError
from mechamap.runs.corpus.record import CorpusRecord
from mechamap.runs.library import check_run_folder
from mechamap.runs.lock import RunLock
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap.scan.clock import Clock, now
from mechamap.scan.corpus.absorb import absorb
from mechamap.scan.corpus.gate.ledger import newest_state, read_ledger
from mechamap.scan.corpus.identity import check_same, missing_shards
from mechamap.scan.corpus.kept_text import Surroundings
from mechamap.scan.corpus.publish import Publication, missing_problem, without_findings
from mechamap.scan.corpus.shard_pass import WORK_FOLDER, CorpusFolders, remove_unneeded
from mechamap.scan.corpus.state import CorpusState, LayerSpan

__all__ = ["merge_parts"]


def merge_parts(parts: Sequence[Path], out: Path) -> Run:
    """Put parts of a corpus scan together.

    Args:
        parts: folders of runs over different shards of one corpus, by one model with the same settings.
        out: a new folder for the run over all of them. Unless it is complete, it keeps what is needed
            to add more parts.

    Returns:
        The run.

    Raises:
        RunError: a part is none or damaged, belongs to another scan, or has shards that another one has; or the folder
            cannot be written. Nothing is left in it then.
        UsageError: no part was given.
    """
    if not parts:
        raise UsageError("No part was given.", "Name the folders of the parts.")
    clock = Clock()
    first, *others = [folder.absolute() for folder in parts]
    ledgers = {folder: read_ledger(folder / WORK_FOLDER) for folder in (first, *others)}
    identity = ledgers[first].get("identity")
    if identity is None:
        raise RunError(f"{first} does not say which scan it belongs to.", "Copy the part again.")
    for folder in others:
        check_same(ledgers[folder], identity, folder)
    check_run_folder(out, resume=False)
    fresh = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with RunLock(out):
            return _merged([first, *others], identity, out, clock)
    except OSError as error:
        _clear(out, fresh)
        raise RunError(f"{out} cannot be written: {error.strerror or error}.", "Choose another folder.") from None
    except BaseException:
        _clear(out, fresh)
        raise


def _merged(parts: Sequence[Path], identity: Mapping[str, Any], out: Path, clock: Clock) -> Run:
    run = Run.open(parts[0])
    config, corpus, settings = _checked(run, identity)
    record = _unread(run.record)
    spans = tuple(LayerSpan(rows.layer, rows.first_row, rows.width, torch.device("cpu")) for rows in record.layers)
    folders = CorpusFolders(out / WORK_FOLDER)
    folders.make()
    state: CorpusState | None = None
    for part in parts:
        of_part = CorpusFolders(part / WORK_FOLDER)
        theirs = CorpusState.load(of_part.root, spans, settings, config.categories)
        if state is None:  # not before one is read: only then is it sure that the record gives the sizes that are there
            state = CorpusState.empty(spans, settings, config.categories)
        absorb(state, folders, theirs, of_part)
    assert state is not None
    state.save(folders.root, {"identity": identity})
    remove_unneeded(folders, state)
    missing = missing_shards(identity, state.shards)
    if missing:
        record = replace(record, problems=(*record.problems, missing_problem(missing)))
    around = Surroundings.for_settings(record.neurons, settings)
    publication = Publication(out, record, np.array(run.figure("write")), around, corpus.files, len(identity["shards"]))
    timings = {"total": clock.since_start()}
    merged = publication.publish(state, folders, run_state="complete", finished=now(), timings=timings)
    if not missing:
        shutil.rmtree(folders.root, ignore_errors=True)
    return merged


def _checked(run: Run, identity: Mapping[str, Any]) -> tuple[ScanConfig, CorpusRecord, CorpusSettings]:
    """The settings and the corpus of a part.

    Raises:
        RunError: its record has none, or is of another scan than what was gathered.
    """
    config, corpus = run.config, run.record.corpus
    if corpus is None or config.corpus is None:
        raise RunError(f"{run.path} is no run over a corpus.", "Give folders of runs over parts of a corpus.")
    words = {category.name: list(category.words) for category in config.categories}
    neurons = [[rows.layer, rows.width] for rows in run.record.layers]
    if (identity.get("categories"), identity.get("neurons")) != (words, neurons) or run.categories != tuple(words):
        raise RunError(
            f"{run.path} has gathered other neurons or categories than its record names.", "Copy the part again."
        )
    return config, corpus, config.corpus


def _unread(record: RunRecord) -> RunRecord:
    """A part's record without what it says of the part."""
    return without_findings(
        replace(
            record,
            layers=tuple(replace(rows, complete=False, flags=()) for rows in record.layers),
            created=now(),
        )
    )


def _clear(out: Path, fresh: bool) -> None:
    """Leave nothing of a run that did not come about."""
    if newest_state(out / WORK_FOLDER) is None or not (out / "run.json").exists():
        shutil.rmtree(out / WORK_FOLDER, ignore_errors=True)
        if fresh:
            shutil.rmtree(out, ignore_errors=True)
