"""A scan being filled in: the text of each field, what is wrong with it, and the config keys it sets."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mechamap.config.bundled import config_path
from mechamap.errors import MechaMapError, UsageError
from mechamap.system.paths import user_path
from mechamap.system.plain_values import to_plain_values
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.data.form_fields import FIELDS

if TYPE_CHECKING:
    from mechamap.config.corpus_settings import CorpusSettings

__all__ = ["ScanDraft", "sources_of"]


_SETTINGS = (
    "layers", "limit_neurons", "threshold", "top_k_tokens", "second_text", "dtype", "device", "revision",
)  # fmt: skip
_OF_CORPUS = ("field", "max_tokens")
_NUMBERS = {"limit_neurons": int, "top_k_tokens": int, "max_tokens": int, "threshold": float}


@dataclass(frozen=True, slots=True)
class ScanDraft:
    """Every field as text; an empty one leaves the config as it is."""

    model: str = ""
    config: str = ""
    text: str = ""
    corpus: str = ""
    field: str = ""
    max_tokens: str = ""
    layers: str = ""
    limit_neurons: str = ""
    threshold: str = ""
    top_k_tokens: str = ""
    second_text: str = ""
    dtype: str = ""
    device: str = ""
    revision: str = ""

    def with_field(self, name: str, value: str) -> ScanDraft:
        return replace(self, **{name: value.strip()})

    def problem(self, name: str) -> str | None:
        """What is wrong with a field, in a sentence; None if nothing."""
        try:
            self._check(name)
        except MechaMapError as error:
            return " ".join(error_text(error).split())
        return None

    def problems(self) -> dict[str, str]:
        """Everything that is wrong, by field."""
        problems = ((field.name, self.problem(field.name)) for field in fields(self))
        return {name: problem for name, problem in problems if problem is not None}

    def changes(self) -> dict[str, object]:
        """The config keys that differ from the config file's, as the engine takes them.

        Raises:
            MechaMapError: a field does not make sense.
        """
        from mechamap.config.schema import load_config, with_overrides
        from mechamap.system.text_files import read_text_file

        changes: dict[str, object] = {}
        if self.text:
            changes["texts"] = [read_text_file(user_path(self.text))]
        for name in _SETTINGS:
            if getattr(self, name):
                changes[name] = self._value(name)
        config = load_config(self.config_file)
        if (corpus := self._corpus(config.corpus)) is not None:
            changes["corpus"] = corpus
        with_overrides(config, **changes)
        return changes

    def _corpus(self, base: CorpusSettings | None) -> dict[str, object] | None:
        """The corpus with what the form changes of it; None where it changes nothing.

        Raises:
            UsageError: a text is given as well, or settings of a corpus and none.
        """
        given: dict[str, object] = {name: self._value(name) for name in _OF_CORPUS if getattr(self, name)}
        if not (self.corpus or given or (self.text and base is not None)):
            return None
        if self.text:
            raise UsageError("A corpus is read in place of a text, and both are given.", "Leave one of them out.")
        sources = sources_of(self.corpus)
        if not sources and base is None:
            label = next(field.label for field in FIELDS if field.name in given)
            raise UsageError(f"{label} is about a corpus, and none is given.")
        plain = to_plain_values(base) if base is not None else {}
        return plain | given | {"sources": sources or _absolute(plain["sources"])}

    @property
    def config_file(self) -> Path | None:
        return config_path(self.config) if self.config else None

    def command(self) -> str:
        """The command line that does the same."""
        words = ["mechamap", "scan", self.model or "MODEL"]
        for field in FIELDS[1:]:
            value = getattr(self, field.name)
            for each in _typed_apart(value) if field.name == "corpus" else filter(None, [value]):
                words += [field.flag, each]
        return shlex.join(words)

    def _value(self, name: str) -> object:
        text = getattr(self, name)
        kind: Any = _NUMBERS.get(name, str)
        try:
            return kind(text)
        except ValueError:
            expected = "a whole number" if kind is int else "a number"
            raise UsageError(f"{text!r} is not {expected}.") from None

    def _check(self, name: str) -> None:
        value = getattr(self, name)
        if name == "model":
            from mechamap.catalog.source import resolve

            resolve(value)
        elif not value:
            return
        elif name == "config":
            from mechamap.config.schema import load_config

            load_config(self.config_file)
        elif name == "text":
            from mechamap.system.text_files import read_text_file

            read_text_file(user_path(value))
        elif name == "corpus":
            _check_sources(value)
        elif name in _OF_CORPUS:
            from mechamap.config.schema import default_config, with_overrides

            with_overrides(default_config(), corpus={"sources": ["corpus"], name: self._value(name)})
        else:
            from mechamap.config.schema import default_config, with_overrides

            with_overrides(default_config(), **{name: self._value(name)})


def sources_of(text: str) -> list[str]:
    """The sources of a corpus as they are typed: data sets, and paths, in quotation marks where they have spaces."""
    return _absolute(_typed_apart(text))


def _absolute(sources: Iterable[str]) -> list[str]:
    return [source if source.startswith("hf:") else str(user_path(source).absolute()) for source in sources]


def _typed_apart(text: str) -> list[str]:
    if not text or os.path.exists(user_path(text)):  # noqa: PTH110 False for what can be no path
        return [text] if text else []
    try:
        return shlex.split(text)
    except ValueError:  # a quotation mark that is not closed yet
        return [text]


def _check_sources(text: str) -> None:
    """See that the sources of a corpus are there; folders and data sets are looked through later, before the model is
    loaded.

    Raises:
        MechaMapError: one is not, or is of a kind that is not read.
    """
    from mechamap.corpus.finding import existing_source, find_files

    for source in _typed_apart(text):
        if not source.startswith("hf:") and existing_source(source).is_file():
            find_files([source], per_line=False)
