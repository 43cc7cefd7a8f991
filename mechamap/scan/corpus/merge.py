"""Parts of one corpus scan, made apart from each other, put together into one run."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from mechamap.errors import RunError, UsageError
from mechamap.runs.library import check_run_folder
from mechamap.runs.lock import RunLock
from mechamap.runs.record import RunRecord
from mechamap.runs.run import Run
from mechamap.scan.clock import Clock, now
from mechamap.scan.corpus.absorb import absorb
from mechamap.scan.corpus.identity import check_same, missing_shards
from mechamap.scan.corpus.kept_text import Surroundings
from mechamap.scan.corpus.publish import Publication, missing_problem, without_findings
from mechamap.scan.corpus.shard_pass import WORK_FOLDER, CorpusFolders, remove_unneeded
from mechamap.scan.corpus.state import CorpusState, LayerSpan, newest_state, read_ledger

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
    for folder in others:
        check_same(ledgers[folder], ledgers[first]["identity"], folder)
    check_run_folder(out, resume=False)
    fresh = not out.exists()
    try:
        out.mkdir(parents=True, exist_ok=True)
        with RunLock(out):
            return _merged([first, *others], out, clock)
    except OSError as error:
        _clear(out, fresh)
        raise RunError(f"{out} cannot be written: {error.strerror or error}.", "Choose another folder.") from None
    except BaseException:
        _clear(out, fresh)
        raise


def _merged(parts: Sequence[Path], out: Path, clock: Clock) -> Run:
    run = Run.open(parts[0])
    record = _unread(run.record)
    config = run.config
    assert config.corpus is not None
    spans = tuple(LayerSpan(rows.layer, rows.first_row, rows.width, torch.device("cpu")) for rows in record.layers)
    folders = CorpusFolders(out / WORK_FOLDER)
    folders.make()
    state = CorpusState.empty(spans, config.corpus, config.categories)
    for part in parts:
        of_part = CorpusFolders(part / WORK_FOLDER)
        theirs = CorpusState.load(of_part.root, spans, config.corpus, config.categories)
        absorb(state, folders, theirs, of_part)
    identity = read_ledger(parts[0] / WORK_FOLDER)["identity"]
    state.save(folders.root, {"identity": identity})
    remove_unneeded(folders, state)
    missing = missing_shards(identity, state.shards)
    if missing:
        record = replace(record, problems=(*record.problems, missing_problem(missing)))
    corpus = run.record.corpus
    assert corpus is not None
    around = Surroundings.for_settings(record.neurons, config.corpus)
    publication = Publication(out, record, np.array(run.figure("write")), around, corpus.files, len(identity["shards"]))
    timings = {"total": clock.since_start()}
    merged = publication.publish(state, folders, run_state="complete", finished=now(), timings=timings)
    if not missing:
        shutil.rmtree(folders.root, ignore_errors=True)
    return merged


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
