"""Data sets of the hub, read row by row as they come, through the library ``datasets``."""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mechamap.corpus.documents import LARGEST_DOCUMENT
from mechamap.corpus.inventory import StreamRecord
from mechamap.corpus.members import chosen_member, listed, no_member
from mechamap.errors import CorpusError, MissingExtra
from mechamap.system.paths import user_path
from mechamap.wording.advice import Advice, Setting
from mechamap.wording.amounts import size
from mechamap.wording.plain import printable
from mechamap.wording.suggest import suggestion

__all__ = ["HUB", "HubStream", "is_hub_source", "open_stream"]

HUB = "hf:"
"""What a source begins with that is a data set of the hub."""

_COMMIT = re.compile("[0-9a-f]{40}")


def is_hub_source(source: str) -> bool:
    return source.startswith(HUB)


@dataclass(frozen=True, slots=True)
class _Reference:
    """``hf:owner/name[/config][:split]``, or ``hf:./folder[:split]``, a data set's folder on this machine."""

    path: str
    config: str | None
    split: str | None


@dataclass(frozen=True, slots=True)
class HubStream:
    """A data set that is open.

    Attributes:
        record: its name, column and fingerprint.
        rows: the library's data set.
    """

    record: StreamRecord
    rows: Any

    def texts(self, first: int) -> Iterator[tuple[int, str]]:
        """The text of every row from row ``first`` on, counted from 0, each with the offset 0; a null is empty.

        Rows in front are read and dropped where the data set's format knows no other way.

        Raises:
            CorpusError: the data set cannot be read any further, or a row has no text.
        """
        member, number = self.record.member, first
        rows = iter(self.rows.skip(first) if first else self.rows)
        while True:
            number += 1
            where = f"{printable(self.record.name)}:{number}"
            try:
                row = next(rows)
            except StopIteration:
                return
            except Exception as error:  # what goes wrong in the many libraries that fetch and unpack data sets
                raise _unreachable(where, error) from None
            yield 0, _text(where, row, member)


def _text(where: str, row: Mapping[str, Any], member: str) -> str:
    if member not in row:
        raise no_member(where, member, list(row))
    text = row[member]
    if text is not None and not isinstance(text, str):
        raise CorpusError(
            f"{where}: {listed([member])} is not a text.", Advice.of("Choose another column with {}.", Setting("field"))
        )
    if text and len(text) > LARGEST_DOCUMENT:
        raise CorpusError(f"{where} is a text of more than {size(LARGEST_DOCUMENT)}.", "Choose another data set.")
    return text or ""


def open_stream(source: str, field: str | None, before: StreamRecord | None = None) -> HubStream:
    """A data set of the hub, of which the first row has been read.

    Args:
        source: ``hf:owner/name[/config][:split]``; the split is ``train`` where not given, or the only one.
        field: which column holds the text.
        before: what an earlier reading has recorded; the same commit is read again, whatever has come to the hub since.

    Raises:
        CorpusError: there is no such data set, configuration, split or column, or the hub cannot be reached.
        MissingExtra: the library ``datasets`` is not installed.
    """
    reference, name = _reference(source), printable(source)
    datasets = _library(name)
    try:
        builder = datasets.load_dataset_builder(reference.path, reference.config, revision=_commit(before))
        splits = builder.as_streaming_dataset()
    except Exception as error:  # as above
        raise _unreachable(name, error) from None
    rows = splits[_split(name, reference.split, list(splits))]
    try:
        first = next(iter(rows), None)
        columns = rows.features
    except Exception as error:  # as above
        raise _unreachable(name, error) from None
    if columns is not None:
        known = list(columns)
        of_text = [key for key, column in columns.items() if getattr(column, "dtype", "") in ("string", "large_string")]
    else:
        known = list(first or {})
        of_text = [key for key, value in (first or {}).items() if isinstance(value, str)]
    member = chosen_member(name, known, of_text, field)
    if first is not None:
        _text(f"{name}:1", first, member)
        rows = rows.select_columns([member])
    return HubStream(StreamRecord(source, member, str(builder.hash)), rows)


def _commit(before: StreamRecord | None) -> str | None:
    """The commit that was read before; None for the newest one, and where there are no commits, as in a folder."""
    return before.fingerprint if before is not None and _COMMIT.fullmatch(before.fingerprint) else None


def _library(name: str) -> Any:
    try:
        import datasets
    except ImportError:
        raise MissingExtra(
            f"Reading {name} needs the package datasets, which is not installed.",
            "Install it: pip install 'mechamap[corpus]'",
        ) from None
    datasets.disable_progress_bars()  # they would be drawn over ours
    datasets.utils.logging.set_verbosity(logging.CRITICAL)  # what it logs as an error, it raises too
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it counts its tries on the terminal
    return datasets


def _reference(source: str) -> _Reference:
    """What a source names.

    Raises:
        CorpusError: it is not of the form that is read.
    """
    rest, _, split = source.removeprefix(HUB).partition(":")
    if rest.startswith((".", "/", "~")):
        return _Reference(str(user_path(rest)), None, split or None)
    parts = rest.split("/")
    if not 1 <= len(parts) <= 3 or not all(parts) or ":" in split:
        raise CorpusError(
            f"{printable(source)} names no data set of the hub.",
            "Write it as hf:owner/name, or with more as hf:owner/name/config:split.",
        )
    config = parts[2] if len(parts) == 3 else None
    return _Reference("/".join(parts[:2]), config, split or None)


def _split(name: str, split: str | None, known: list[str]) -> str:
    """The split to read.

    Raises:
        CorpusError: there is no such split, or it is not clear which.
    """
    names = ", ".join(map(printable, known))
    if split is None and "train" in known:
        return "train"
    if split is None and len(known) == 1:
        return known[0]
    if split is None:
        raise CorpusError(f"{name} has no split train; it has {names}.", f"Name one: {name}:{printable(known[0])}")
    if split not in known:
        raise CorpusError(
            f"{name}: there is no split {printable(split)!r}; there are {names}.", suggestion(split, known)
        )
    return split


def _unreachable(where: str, error: Exception) -> CorpusError:
    """The error of a data set that the library could not open or read, in its words."""
    lines = itertools.dropwhile(lambda line: not line.strip(), str(error).splitlines())
    reason = printable(next(lines, "").strip()).rstrip(".") or type(error).__name__
    hint = "Check its name and configuration: hf:owner/name/config:split."
    if isinstance(error, ConnectionError | TimeoutError):
        hint = "Check its name and the network; a copy on this machine can be given as files."
    return CorpusError(f"{where} cannot be read: {reason}.", hint)
