"""How large a corpus is, about: from a bounded part of it, where reading all of it would take too long."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.byte_streams import is_packed
from mechamap.corpus.counting import file_state
from mechamap.corpus.documents import Document
from mechamap.corpus.file_reading import member_of
from mechamap.corpus.inventory import FileRecord, Inventory, Marks, StreamRecord
from mechamap.corpus.source_files import FileKind, SourceFile
from mechamap.plan.corpus.file_glimpse import Seen, look_into

__all__ = ["Glimpse", "glimpse"]


_BYTES = 32_000_000  # that are read of all files together, about
_FILES = 64  # that are looked into, of a corpus with more
_CHARACTERS = 400_000  # of the texts that are kept
_MARKS = 65_536  # of all files together, as many as a scan has


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a part of a corpus' files says of all of them.

    Attributes:
        inventory: names and sizes are right; documents, blank ones, characters and marks are estimates, and hashes are
            missing, so that nothing can be read by it.
        documents: some, from all over the files.
    """

    inventory: Inventory
    documents: tuple[Document, ...]


def glimpse(files: Sequence[SourceFile], settings: CorpusSettings, stream: StreamRecord | None = None) -> Glimpse:
    """Look into some of a corpus' files at some places, thirty megabytes in all.

    Args:
        files: of the corpus, at least one.
        settings: how documents are told in them.
        stream: the data set behind them, which is not looked into.

    Raises:
        CorpusError: what was read of a file cannot be read.
        MissingExtra: a package that reads a file is not installed.
    """
    step = max(len(files) / _FILES, 1.0)
    chosen = [int(number * step) for number in range(min(len(files), _FILES))]
    members = {number: member_of(files[number], settings.field) for number in chosen}
    share = _BYTES // len(chosen), _CHARACTERS // len(chosen)
    seen = {number: look_into(files[number], members[number], *share) for number in chosen}
    rates = _rates([(files[number], of_file) for number, of_file in seen.items()])
    marks = max(_MARKS // len(files), 1)
    records = tuple(
        _record(file, members.get(number, ""), seen.get(number), rates, marks) for number, file in enumerate(files)
    )
    texts = [(records[number], text) for number, of_file in seen.items() for text in of_file.texts]
    documents = tuple(
        Document(place, record.document_name(record.documents - 1), text) for place, (record, text) in enumerate(texts)
    )
    return Glimpse(Inventory(settings.per_line, records, stream), documents)


_Group = tuple[FileKind, bool]


def _rates(looked: Sequence[tuple[SourceFile, Seen]]) -> Mapping[_Group, Seen]:
    """What was seen of the files of each kind together."""
    together: dict[_Group, Seen] = defaultdict(Seen)
    for file, seen in looked:
        together[_group(file)] += seen
    return together


def _group(file: SourceFile) -> _Group:
    return file.kind, is_packed(file)


def _record(
    file: SourceFile, member: str, seen: Seen | None, rates: Mapping[_Group, Seen], most_marks: int
) -> FileRecord:
    """The record of a file as it is likely to be."""
    size, modified = file_state(file)
    if seen is None or not seen.documents:
        seen = rates.get(_group(file)) or sum(rates.values(), Seen())
    factor = size / max(seen.bytes, 1)
    documents = 1 if file.kind is FileKind.TEXT else round(seen.documents * factor)
    characters = round(seen.characters * factor)
    blank = round(documents * seen.blank / max(seen.documents, 1))
    count = max(min(documents, most_marks), 1)
    numbers = tuple(number * documents // count for number in range(count))
    before = tuple(characters * number // count for number in range(count))
    marks = Marks(numbers, (0,) * count, before)
    return FileRecord(file.name, file.kind, member, size, modified, "", documents, blank, characters, marks)
