"""A config file as a tree of values that know where they stand, so that a mistake can name file, line and column.

A plain mapping (from run.json, from a request) becomes the same tree, its positions being key paths; the rules in
:mod:`mechamap.config.settings` are written once, for both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from mechamap.errors import ConfigError
from mechamap.system.paths import is_whole
from mechamap.wording.advice import Hint
from mechamap.wording.plain import shortened

__all__ = ["Located", "LocatedValue", "fail", "from_plain"]


LocatedValue: TypeAlias = "str | int | float | bool | list[Located] | dict[str, Located] | None"


@dataclass(frozen=True, slots=True)
class Located:
    """A value and where it was written (``file:line:column``, or a key path)."""

    value: LocatedValue
    where: str
    written: str = ""  # a scalar's own spelling: YAML reads 007 as a number, a word list wants "007"
    key_where: str = ""  # where the key in front of it was written

    def described(self) -> str:
        """The value in words, for "what was found"."""
        value = self.value
        if isinstance(value, str):
            return f'the text "{shortened(value)}"' if value.strip() else "an empty text"
        if isinstance(value, list | dict):
            kind = "list" if isinstance(value, list) else "mapping"
            return f"a {kind}" if value else f"an empty {kind}"
        if isinstance(value, bool):
            return f"the yes-or-no value {self.written}"
        return "nothing" if value is None else f"the number {shortened(self.written)}"


def fail(place: Located | str, problem: str, expected: str, hint: Hint = "") -> NoReturn:
    """Raise the ConfigError ``where: found, expected ...``."""
    if isinstance(place, Located):
        # An omitted value has no place worth pointing at; its key has.
        place = place.key_where if place.value is None and not place.written and place.key_where else place.where
    raise ConfigError.at(place, problem, expected, hint)


def from_plain(data: object, where: str) -> Located:
    """The tree of plain Python values (as ``json.load`` gives them); ``where`` is the key path so far, or ``source: ``.

    Raises:
        ConfigError: a value that YAML or JSON could not hold.
    """
    match data:
        case Located():
            return data
        case bool() | None:
            return Located(data, where, str(data).lower() if data is not None else "null")
        case str() if not is_whole(data):
            fail(where, f"{where} is {shortened(repr(data))}, which is not UTF-8", "text that a run can tell")
        case str() | int() | float():
            return Located(data, where, str(data))
        case Mapping():
            if wrong := next((key for key in data if isinstance(key, str) and not is_whole(key)), None):
                fail(where or "source", f"{shortened(repr(wrong))} is not UTF-8", "text that a run can tell")
            dot = "" if where == "" or where.endswith(": ") else "."
            items = {str(key): from_plain(value, f"{where}{dot}{key}") for key, value in data.items()}
            return Located(items, where.removesuffix(": "))
        case Sequence():
            return Located([from_plain(item, f"{where}[{n}]") for n, item in enumerate(data)], where)
    fail(where, f"a {type(data).__name__}", "text, a number, a list or a mapping")
