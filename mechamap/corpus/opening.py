"""A corpus is opened: its files are found and read once, or compared to what is known of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.counting import changed, counted, file_state, sha256_of
from mechamap.corpus.documents import InventoryProgress, ProgressListener
from mechamap.corpus.finding import find_files
from mechamap.corpus.hub import is_hub_source, open_stream
from mechamap.corpus.inventory import FileRecord, Inventory
from mechamap.corpus.source_files import SourceFile
from mechamap.errors import CorpusError
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

__all__ = ["divided", "open_corpus"]

_MARKS, _FEWEST = 65_536, 16  # of all files together, which is some megabytes in a run; of each one

_ANEW = "Give the same corpus as before, or scan it anew."


def open_corpus(
    settings: CorpusSettings, on_progress: ProgressListener | None = None, inventory: Inventory | None = None
) -> Corpus:
    """The corpus that settings name, every record of its files looked at.

    Args:
        settings: its sources, and how documents are told in them.
        on_progress: hears how far the reading is; what it raises ends it.
        inventory: what an earlier reading found; the files are compared to it in place of being read once more. Of one
            that was written at another time, such as a copy on another machine, the bytes are compared.

    Raises:
        CorpusError: a source is not there, or something in it cannot be read; the message names file and line. Or the
            files are others than those of ``inventory``.
        MissingExtra: a package that reads a source is not installed.
    """
    of_files, hub = divided(settings)
    files = find_files(of_files, settings.per_line)
    before = inventory.stream if inventory is not None else None
    stream = open_stream(hub, settings.field, before) if hub is not None else None
    progress = _Progress(files, on_progress)
    record = stream.record if stream is not None else None
    if inventory is None:
        most = max(_MARKS // max(len(files), 1), _FEWEST)
        records = [
            counted(file, settings.field, most, partial(progress.add, number)) for number, file in enumerate(files)
        ]
    else:
        if (inventory.per_line, inventory.stream) != (settings.per_line, record):
            raise CorpusError("The corpus is read in another way, or its data set has changed, since last time.", _ANEW)
        records = _same_files(files, inventory.files, settings.field, progress)
    inventory = Inventory(settings.per_line, tuple(records), record)
    if stream is None and inventory.blank == inventory.documents:
        names = printable(", ".join(settings.sources))
        raise CorpusError(
            f"The corpus {names} has no text, in {quantity(inventory.documents, 'document')}.",
            "Give files with text.",
        )
    return Corpus(settings.sources, files, inventory, stream)


def divided(settings: CorpusSettings) -> tuple[tuple[str, ...], str | None]:
    """The sources that are files or folders, and the data set of the hub behind them, None where there is none.

    Raises:
        CorpusError: there are no sources, or a data set is not the last one.
    """
    sources = settings.sources
    hub = [source for source in sources if is_hub_source(source)]
    if not sources:
        raise CorpusError("No corpus is given.", "Name files, folders, or a data set of the hub: hf:owner/name.")
    if hub and (len(hub) > 1 or not is_hub_source(sources[-1])):
        raise CorpusError(
            "Only one data set of the hub can be read, as the last source of a corpus: how many documents it has is "
            "not known before it has been read.",
            "Give it last, and other data sets as files.",
        )
    return sources[: len(sources) - len(hub)], hub[0] if hub else None


class _Progress:
    """Counts the bytes that are read, and tells of it."""

    def __init__(self, files: Sequence[SourceFile], listener: ProgressListener | None) -> None:
        self._files, self._listener = files, listener
        self._total = sum(file_state(file)[0] for file in files) if listener is not None else 0
        self._read = 0

    def add(self, number: int, count: int) -> None:
        self._read += count
        if self._listener is not None:
            name, files = self._files[number].name, len(self._files)
            self._listener(InventoryProgress(name, number, files, self._read, self._total))


def _same_files(
    files: Sequence[SourceFile], records: Sequence[FileRecord], field: str | None, progress: _Progress
) -> list[FileRecord]:
    """The records of files that are those of an inventory, each with the time at which the file was written here.

    Raises:
        CorpusError: there are other files, or one has changed.
    """
    now, before = [file.name for file in files], [record.name for record in records]
    if now != before:
        other = sorted(set(now) ^ set(before)) or now
        raise CorpusError(
            f"The corpus has other files than when it was first read: {quantity(len(now), 'file')} in place of "
            f"{len(before):,}, such as {printable(other[0])}.",
            _ANEW,
        )
    same: list[FileRecord] = []
    for number, (file, record) in enumerate(zip(files, records, strict=True)):
        size, modified = file_state(file)
        if (size, str(file.kind)) != (record.size, record.kind):
            raise changed(file)
        if record.member and field not in (None, record.member):
            raise CorpusError(f"{file.shown} was read by its member {record.member!r}, not {field!r}.", _ANEW)
        if modified != record.modified and sha256_of(file, partial(progress.add, number)) != record.sha256:
            raise changed(file)
        same.append(replace(record, modified=modified))
    return same
