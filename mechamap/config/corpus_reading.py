"""``corpus:`` of a config: what to read in place of the texts, and what to keep of it."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any, cast

from mechamap.config.corpus_settings import RANGES, CorpusSettings
from mechamap.config.located import Located, fail
from mechamap.config.settings import unknown_key, whole_number, yes_or_no
from mechamap.system.paths import user_path
from mechamap.wording.plain import shortened

__all__ = ["read_corpus"]


_KEYS = tuple(field.name for field in dataclasses.fields(CorpusSettings))
_NUMBERS = {
    field.name: whole_number(*RANGES[field.name], or_null=field.default is None)
    for field in dataclasses.fields(CorpusSettings)
    if field.name in RANGES
}
_EXAMPLE = 'files, folders or data sets, such as "corpus: [stories.jsonl]"'


def read_corpus(entry: Located, folder: Path) -> CorpusSettings | None:
    """A corpus: a list of sources, or a mapping with ``sources`` and what else differs; null for none.

    Args:
        folder: where the file lies; paths count from there.
    """
    if entry.value is None:
        return None
    if not isinstance(entry.value, dict):
        return CorpusSettings(_sources(entry, folder))
    values: dict[str, object] = {}
    for key, value in entry.value.items():
        if key == "sources":
            values[key] = _sources(value, folder)
        elif key == "per_line":
            values[key] = yes_or_no(value, f"corpus.{key}")
        elif key == "field":
            values[key] = _field(value)
        elif key in _NUMBERS:
            values[key] = _NUMBERS[key](value, f"corpus.{key}")
        else:
            unknown_key(key, value, _KEYS, " of the corpus")
    if "sources" not in values:
        fail(entry, "the corpus has no sources", _EXAMPLE)
    return CorpusSettings(**cast(Any, values))


def _sources(entry: Located, folder: Path) -> tuple[str, ...]:
    entries = entry.value if isinstance(entry.value, list) else [entry]
    if not entries:
        fail(entry, "the corpus has no sources", _EXAMPLE)
    return tuple(_source(each, folder) for each in entries)


def _source(entry: Located, folder: Path) -> str:
    if not isinstance(entry.value, str) or not entry.value.strip():
        fail(entry, f"a source of the corpus is {entry.described()}", _EXAMPLE)
    return entry.value if entry.value.startswith("hf:") else str(folder / user_path(entry.value))


def _field(entry: Located) -> str | None:
    if entry.value is None:
        return None
    if not isinstance(entry.value, str) or not entry.value:
        fail(entry, f"corpus.field is {shortened(entry.described())}", "the name of a member, such as text")
    return entry.value
