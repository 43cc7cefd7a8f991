"""Dataclasses from the plain values of JSON, every type checked, and back."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, dataclass, field, fields, is_dataclass
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

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


_MEMBERS: dict[type[Any], tuple[tuple[Field[Any], Any], ...]] = {}  # kept, as types are slow to look up
_NAMES = {str: "a text", bool: "true or false", int: "a whole number", float: "a number", type(None): "null"}


def from_plain_values(kind: type[T], value: object, place: str) -> T:
    """The dataclass ``kind`` from a JSON object; keys that it does not know are passed over.

    Args:
        place: what the value is called in a message, such as ``proof[0]``.

    Raises:
        ValueError: a member is missing or of another type; the message names it.
    """
    read: T = _dataclass(kind, value, place)
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


def _dataclass(kind: type[Any], value: object, place: str) -> Any:
    if not isinstance(value, dict):
        raise _wrong(place, value, "an object")
    members: dict[str, Any] = {}
    for member, hint in _members(kind):
        if member.name in value:
            members[member.name] = _read(hint, value[member.name], f"{place}.{member.name}")
        elif member.default is MISSING and member.default_factory is MISSING:
            raise ValueError(f"{place} has no {member.name}")
    if issubclass(kind, Recorded):
        members["lacking"] = frozenset(member.name for member, _ in _members(kind)) - members.keys()
    return kind(**members)


def _read(hint: Any, value: object, place: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if is_dataclass(hint) and isinstance(hint, type):
        return _dataclass(hint, value, place)
    if origin in (types.UnionType, Union):
        return _one_of(args, value, place)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise _wrong(place, value, "a list")
        return tuple(_read(args[0], item, f"{place}[{number}]") for number, item in enumerate(value))
    if origin in (dict, Mapping):
        if not isinstance(value, dict):
            raise _wrong(place, value, "an object")
        return {key: _read(args[1], item, f"{place}.{key}") for key, item in value.items()}
    return _scalar(hint, args, value, place)


def _scalar(hint: Any, choices: tuple[Any, ...], value: object, place: str) -> Any:
    """A text, number or truth value; one of ``choices`` where there are some."""
    if choices:
        if value not in choices:
            raise _wrong(place, value, " or ".join(map(str, choices)))
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise _wrong(place, value, _NAMES[hint])
    return value


def _one_of(hints: tuple[Any, ...], value: object, place: str) -> Any:
    """Read as the first type that fits; where none does, the message is that of the first, None aside."""
    if value is None and type(None) in hints:
        return None
    wrong: ValueError | None = None
    for hint in hints:
        try:
            return _read(hint, value, place)
        except ValueError as error:
            wrong = wrong or error
    raise wrong or _wrong(place, value, "something else")


def _wrong(place: str, value: object, expected: str) -> ValueError:
    shown = repr(value)
    return ValueError(f"{place} is {shown if len(shown) <= 40 else shown[:40] + '...'}; expected {expected}")
