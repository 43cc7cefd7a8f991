"""Dataclasses from the plain values of JSON, every type checked, and back."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["OMIT_EMPTY", "Recorded", "from_plain_values", "to_plain_values"]


T = TypeVar("T")

OMIT_EMPTY = {"omit": True}
"""Metadata of a field that JSON lacks where it is None or empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Base of values that older versions wrote with fewer keys, so that they are written again as they were.

    Attributes:
        lacking: the keys that were not there when it was read; no member of the JSON object.
    """

    lacking: frozenset[str] = field(default=frozenset(), repr=False, compare=False)


_LARGEST = 2**63 - 1  # of whole numbers: what is worked out of them are floats, and arrays hold no more

_MEMBERS: dict[type[Any], tuple[tuple[Field[Any], Any], ...]] = {}  # kept, as types are slow to look up
_NAMES = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", type(None): "null"}


def from_plain_values(kind: type[T], value: object, place: str) -> T:
    """The dataclass ``kind`` from a JSON object; keys that it does not know are passed over.

    Args:
        place: what the value is called in a message, such as ``proof[0]``.

    Raises:
        ValueError: a member is missing or of another type; the message names it.
    """
    try:
        read: T = _reader(cast(Any, kind))(value)
    except _Misfit as misfit:
        raise ValueError(f"{place}{''.join(reversed(misfit.path))} {misfit.what}") from None
    return read


def to_plain_values(value: Any) -> Any:
    """What JSON holds of a value: objects for dataclasses and mappings, lists for tuples."""
    if is_dataclass(value) and not isinstance(value, type):
        lacking = value.lacking if isinstance(value, Recorded) else ()
        members = ((member, getattr(value, member.name)) for member, _ in _members(type(value)))
        return {
            member.name: to_plain_values(content)
            for member, content in members
            if (content or not member.metadata.get("omit") or content == 0)
            and (member.name not in lacking or content != member.default)
        }
    if isinstance(value, Mapping):
        return {key: to_plain_values(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain_values(item) for item in value]
    return value


def _members(kind: type[Any]) -> tuple[tuple[Field[Any], Any], ...]:
    if kind not in _MEMBERS:
        hints = get_type_hints(kind)
        _MEMBERS[kind] = tuple((member, hints[member.name]) for member in fields(kind) if member.name != "lacking")
    return _MEMBERS[kind]


class _Misfit(Exception):
    """A value that is not of its type: what it is, and the way to it from the inside out."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what
        self.path: list[str] = []


Reader: TypeAlias = "Callable[[object], Any]"


@cache
def _reader(hint: Any) -> Reader:
    """What reads values of a type; made once for each, as types are slow to look into."""
    origin, args = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass_reader(hint)
    if origin in (types.UnionType, Union):
        return _union_reader(args)
    if origin is tuple:
        return _list_reader(_reader(args[0]))
    if origin in (dict, Mapping):
        return _mapping_reader(_reader(args[1]))
    return _choice_reader(args) if args else _scalar_reader(hint)


def _dataclass_reader(kind: type[Any]) -> Reader:
    members = [
        (member.name, _reader(hint), member.default is MISSING and member.default_factory is MISSING)
        for member, hint in _members(kind)
    ]
    names, is_recorded = frozenset(name for name, *_ in members), issubclass(kind, Recorded)

    def read(value: object) -> Any:
        if not isinstance(value, dict):
            raise _wrong(value, "an object")
        known: dict[str, Any] = {}
        for name, reader, needed in members:
            if name in value:
                try:
                    known[name] = reader(value[name])
                except _Misfit as misfit:
                    misfit.path.append(f".{name}")
                    raise
            elif needed:
                raise _Misfit(f"has no {name}")
        if is_recorded:
            known["lacking"] = names - known.keys()
        return kind(**known)

    return read


def _list_reader(reader: Reader) -> Reader:
    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise _wrong(value, "a list")
        try:
            return tuple([reader(item) for item in value])
        except _Misfit:
            return tuple(_named(reader, item, f"[{number}]") for number, item in enumerate(value))

    return read


def _mapping_reader(reader: Reader) -> Reader:
    def read(value: object) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise _wrong(value, "an object")
        return {key: _named(reader, item, f".{key}") for key, item in value.items()}

    return read


def _named(reader: Reader, value: object, name: str) -> Any:
    try:
        return reader(value)
    except _Misfit as misfit:
        misfit.path.append(name)
        raise


def _choice_reader(choices: tuple[Any, ...]) -> Reader:
    def read(value: object) -> Any:
        if value not in choices:
            raise _wrong(value, " or ".join(map(str, choices)))
        return value

    return read


def _scalar_reader(hint: type) -> Reader:
    """Of a text, a number or a truth value; a whole number is a number, a truth value is none."""

    def read(value: object) -> Any:
        if type(value) is int and not -_LARGEST <= value <= _LARGEST:
            raise _wrong(value, f"a number of at most {_LARGEST}")
        if type(value) is hint:
            return value
        if hint is float and type(value) is int:
            return float(value)
        if not isinstance(value, hint) or isinstance(value, bool):
            raise _wrong(value, _NAMES[hint])
        return value

    return read


def _union_reader(hints: tuple[Any, ...]) -> Reader:
    """Of the first type that fits; where none does, the message is that of the first, None aside."""
    optional = type(None) in hints
    readers = [_reader(hint) for hint in hints if hint is not type(None)]

    def read(value: object) -> Any:
        if value is None and optional:
            return None
        wrong: _Misfit | None = None
        for reader in readers:
            try:
                return reader(value)
            except _Misfit as misfit:
                wrong = wrong or misfit
        raise wrong or _wrong(value, "something else")

    return read


def _wrong(value: object, expected: str) -> _Misfit:
    shown = repr(value)
    return _Misfit(f"is {shown if len(shown) <= 40 else shown[:40] + '...'}; expected {expected}")
