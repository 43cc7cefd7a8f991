"""A scan being filled in: the text of each field, what is wrong with it, and the config keys it sets."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from mechamap.errors import MechaMapError, UsageError
from mechamap.system.paths import user_path
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.data.form_fields import FIELDS

__all__ = ["ScanDraft"]


_SETTINGS = (
    "layers", "limit_neurons", "threshold", "top_k_tokens", "second_text", "dtype", "device", "revision",
)  # fmt: skip
_NUMBERS = {"limit_neurons": int, "top_k_tokens": int, "threshold": float}


@dataclass(frozen=True, slots=True)
class ScanDraft:
    """Every field as text; an empty one leaves the config as it is."""

    model: str = ""
    config: str = ""
    text: str = ""
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
        with_overrides(load_config(self.config_file), **changes)
        return changes

    @property
    def config_file(self) -> Path | None:
        return user_path(self.config) if self.config else None

    def command(self) -> str:
        """The command line that does the same."""
        words = ["mechamap", "scan", self.model or "MODEL"]
        for field in FIELDS[1:]:
            value = getattr(self, field.name)
            if value:
                words += [field.flag, value]
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
        else:
            from mechamap.config.schema import default_config, with_overrides

            with_overrides(default_config(), **{name: self._value(name)})
