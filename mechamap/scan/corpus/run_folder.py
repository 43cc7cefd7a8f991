"""The folder of a run over a corpus: a new one, or one with a scan that is gone on with."""

from __future__ import annotations

from pathlib import Path

from mechamap.errors import RunError
from mechamap.models.loaded import LoadedModel
from mechamap.runs.library import check_run_folder, new_run_folder
from mechamap.runs.record import CORPUS_FORMAT
from mechamap.runs.run import Run
from mechamap.scan.corpus.shard_pass import WORK_FOLDER
from mechamap.scan.prepare import ScanRequest
from mechamap.wording.advice import Advice, Setting

__all__ = ["corpus_run_folder"]


def corpus_run_folder(request: ScanRequest, loaded: LoadedModel) -> Path:
    """Where a scan over a corpus writes.

    Raises:
        RunError: the folder holds a run that is not asked to be gone on with, or is complete, or is over texts; or it
            cannot be made.
    """
    if request.out is None:
        if request.resume:
            raise RunError("No run folder to resume was given.", Advice.of("Name one with {}.", Setting("out", "DIR")))
        return new_run_folder(request.label or loaded.label)
    folder = request.out.absolute()
    check_run_folder(folder, resume=request.resume)
    if (folder / "run.json").exists():
        record = Run.open(folder).record
        if record.corpus is None and record.format != CORPUS_FORMAT:
            raise RunError(f"{folder} holds a run over texts.", "Scan the corpus into another folder.")
        if record.state == "complete" and not (folder / WORK_FOLDER).exists():
            raise RunError(f"The run in {folder} is complete.", "Scan into another folder to read more of a corpus.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{folder} cannot be created: {error.strerror or error}.", "Choose another folder.") from None
    return folder
