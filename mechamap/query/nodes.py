"""The tree that a filter or a list of sort columns is parsed into.

Every node knows the character it began at, so that a mistake can be pointed at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Both", "Comparison", "Name", "Negation", "Node", "Number", "Operation", "Text"]


@dataclass(frozen=True, slots=True)
class Number:
    position: int
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    position: int
    value: str


@dataclass(frozen=True, slots=True)
class Name:
    """``food`` or ``selectivity.food``: then ``category`` is the part after the dot."""

    position: int
    value: str
    category: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """``+ - * /`` of two, ``neg`` or ``abs`` of one."""

    position: int
    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A chain: each operand compared with the next."""

    position: int
    operators: tuple[str, ...]
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    position: int
    operand: Node


@dataclass(frozen=True, slots=True)
class Both:
    """``and`` (``is_and``) or ``or`` of conditions."""

    position: int
    is_and: bool
    operands: tuple[Node, ...]


Node: TypeAlias = Number | Text | Name | Operation | Comparison | Negation | Both
