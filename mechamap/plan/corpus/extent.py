"""What a corpus holds: counted where it is small, else estimated from a part of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from mechamap.config.corpus_settings import CorpusSettings
from mechamap.corpus.corpus import Corpus
from mechamap.corpus.counting import file_state
from mechamap.corpus.documents import Document
from mechamap.corpus.finding import find_files
from mechamap.corpus.hub import open_stream
from mechamap.corpus.inventory import Inventory
from mechamap.corpus.opening import divided, open_corpus
from mechamap.plan.corpus.glimpse import glimpse

__all__ = ["Extent", "extent_of"]


READ_WHOLE = 48_000_000  # bytes of files that are read whole, as a scan does; that takes a third of a second
FILES = 2_000  # that are read whole at most; opening one takes a tenth of a millisecond
_PLACES, _EACH = 200, 2  # from how many places of a corpus documents are sampled, and how many at each
_LONGEST = 20_000  # characters of a document that are looked at
_PACKED = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Extent:
    """What a corpus holds.

    Attributes:
        inventory: of its files.
        sampled: documents from all over it.
        corpus: it, where every record was looked at; None where the inventory is an estimate.
    """

    inventory: Inventory
    sampled: tuple[Document, ...]
    corpus: Corpus | None

    @property
    def is_open(self) -> bool:
        """Whether it ends with a data set that is read as it comes, whose length is not known."""
        return self.inventory.stream is not None

    @property
    def bytes(self) -> int:
        """Of its files on disk."""
        return sum(file.size for file in self.inventory.files)


def extent_of(settings: CorpusSettings, stage: Callable[[str], None] = lambda text: None) -> Extent:
    """Look at a corpus.

    Args:
        stage: called with a few words on what is being done.

    Raises:
        CorpusError, MissingExtra: as those of :func:`~mechamap.corpus.opening.open_corpus`, as far as it was read.
    """
    sources, hub = divided(settings)
    files = find_files(sources, settings.per_line)
    states = [file_state(file) for file in files]
    key = settings.sources, settings.field, settings.per_line, tuple(states)
    if key in _known:
        return _known[key]
    if sum(size for size, _ in states) <= READ_WHOLE and len(files) <= FILES:
        stage("counting the documents of the corpus")
        corpus = open_corpus(settings, lambda progress: stage(f"counting the documents of {progress.name}"))
        extent = Extent(corpus.inventory, _shortened(_documents(corpus)), corpus)
    else:
        stage("looking into the files of the corpus")
        stream = open_stream(hub, settings.field) if hub is not None else None
        found = glimpse(files, settings, stream.record if stream is not None else None)
        extent = Extent(found.inventory, found.documents, None)
    _known.clear()
    _known[key] = extent
    return extent


_Key = tuple[tuple[str, ...], str | None, bool, tuple[tuple[int, int], ...]]
_known: dict[_Key, Extent] = {}  # the last corpus, which forms ask about often


def _documents(corpus: Corpus) -> Sequence[Document]:
    """Documents from places all over the files; the first of a data set where there are no files."""
    starts: list[int] = []
    for record, first in zip(corpus.inventory.files, corpus.inventory.starts, strict=False):
        marks = record.marks.documents[:1] if record.name.endswith(_PACKED) else record.marks.documents
        starts += [first + document for document in marks]
    step = max(len(starts) / _PLACES, 1.0)
    documents: dict[int, Document] = {}
    for number in range(min(len(starts), _PLACES)):
        start = starts[int(number * step)]
        for document in corpus.read(start, min(start + _EACH, corpus.inventory.documents)):
            documents[document.number] = document
    return list(documents.values()) or list(islice(corpus.read(), _PLACES))


def _shortened(documents: Sequence[Document]) -> tuple[Document, ...]:
    return tuple(replace(document, text=document.text[:_LONGEST]) for document in documents)
