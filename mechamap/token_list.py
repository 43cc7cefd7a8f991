"""The ``top_tokens`` column of a CSV: a list of (token, value) pairs, as Python or as JSON writes it.

A file has hundreds of thousands of these, so the spelling that MechaMap and most scripts write is read with one regular
expression; whatever it does not cover exactly is parsed properly.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings

import numpy as np
from numpy.typing import NDArray

__all__ = ["TokenLists"]

_PAIR = re.compile(
    r"""\(('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"),\ (-?\d+(?:\.\d+)?(?:e[-+]?\d+)?)\)""", re.VERBOSE | re.DOTALL
)


class TokenLists:
    """The tokens and values of many neurons, each different token under one number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._spelled: dict[str, int] = {}  # number by the token's spelling in quotes
        self._lengths: list[int] = []
        self._tokens: list[int] = []  # of all neurons one after another, as are the values
        self._values: list[float] = []

    def add(self, cell: str) -> None:
        """Take the next neuron's cell; an empty one has no tokens.

        Raises:
            ValueError: it is no list of (token, value) pairs.
        """
        cell = cell.strip()
        found = _PAIR.findall(cell)
        if found:
            tokens, values = zip(*found, strict=True)
            # Each pair has ("(", ", ", ")") around it and ", " behind it, or with the last the two brackets.
            if sum(map(len, tokens)) + sum(map(len, values)) + 6 * len(found) == len(cell):
                self._tokens += [self._number(token) for token in tokens]
                self._values += map(float, values)
                self._lengths.append(len(found))
                return
        pairs = _read(cell)
        self._tokens += [self._numbers.setdefault(token, len(self._numbers)) for token, _ in pairs]
        self._values += [value for _, value in pairs]
        self._lengths.append(len(pairs))

    def _number(self, spelling: str) -> int:
        found = self._spelled.get(spelling)
        if found is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an unknown escape such as \\d is taken as it stands
                try:
                    token = ast.literal_eval(spelling)
                except SyntaxError:
                    raise ValueError(f"{spelling} is no text in quotes") from None
            found = self._spelled[spelling] = self._numbers.setdefault(token, len(self._numbers))
        return found

    @property
    def pieces(self) -> tuple[str, ...]:
        """Every different token, by its number."""
        return tuple(self._numbers)

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Token numbers (-1: none) and values (NaN), ``[neurons, k]`` for the longest list's k."""
        lengths = np.array(self._lengths, dtype=np.int64)
        k = int(lengths.max(initial=0))
        there = np.arange(k) < lengths[:, None]  # [neurons, k]
        positions = np.full(there.shape, -1, dtype=np.int32)
        values = np.full(there.shape, np.nan, dtype=np.float32)
        positions[there] = self._tokens
        values[there] = self._values
        return positions, values


def _read(cell: str) -> list[tuple[str, float]]:
    if not cell or cell == "[]":
        return []
    if cell.startswith("[["):
        return _from_json(cell)
    return _from_python(cell)


def _from_json(text: str) -> list[tuple[str, float]]:
    try:
        pairs = json.loads(text)
    except (ValueError, RecursionError):
        return _from_python(text)
    return [_pair(pair) for pair in pairs]


def _pair(pair: object) -> tuple[str, float]:
    match pair:
        case [str(token), bool()]:
            raise ValueError(f"the value of {token!r} is no number")
        case [str(token), int() | float() as value]:
            return token, float(value)
        case [str(token), None]:
            return token, math.nan
        case _:
            raise ValueError("each entry must be a token and a value")


def _from_python(text: str) -> list[tuple[str, float]]:
    """Read as Python's own syntax, evaluating nothing; ``nan``, ``inf`` and ``np.float32(1.5)`` are numbers too."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        raise ValueError("it is no list that Python or JSON would read") from None
    if not isinstance(tree, ast.List | ast.Tuple):
        raise ValueError("it is no list")
    pairs = []
    for entry in tree.elts:
        if not isinstance(entry, ast.List | ast.Tuple) or len(entry.elts) != 2:
            raise ValueError("each entry must be a token and a value")
        token, value = entry.elts
        if not isinstance(token, ast.Constant) or not isinstance(token.value, str):
            raise ValueError("a token must be a text in quotes")
        pairs.append((token.value, _number(value)))
    return pairs


def _number(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
            return float(value)
        case ast.Constant(value=None):
            return math.nan
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_number(operand)
        case ast.Name(id=("nan" | "inf") as name):
            return float(name)
        case ast.Call(args=[argument]):  # np.float32(1.5), tensor(1.5)
            return _number(argument)
    raise ValueError("a value must be a number")
