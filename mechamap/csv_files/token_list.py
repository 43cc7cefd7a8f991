"""The ``top_tokens`` column of a CSV: a list of (token, value) pairs, as Python or as JSON writes it.

A file has hundreds of thousands of these, so the spelling that MechaMap and most scripts write is taken apart at its
quotation marks, or with one regular expression; whatever that does not cover exactly is parsed properly.
"""

from __future__ import annotations

import ast
import json
import math
import re
import warnings
from array import array

import numpy as np
from numpy.typing import NDArray

__all__ = ["TokenLists", "TokenNumbers"]


_TOKEN = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_VALUE = r"-?\d+(?:\.\d+)?(?:e[-+]?\d+)?"
_PAIR = re.compile(rf"\(({_TOKEN}), ({_VALUE})\)", re.DOTALL)
_LIST = re.compile(rf"\[(?:\((?:{_TOKEN}), {_VALUE}\)(?:, (?!\])|(?=\])))+\]", re.DOTALL)
_FEW = 2**23  # values of a table of neurons and ranks that is small enough in any shape
_SPARSE = 4  # how many times as large as the lists themselves the table may be


class TokenNumbers(dict[str, int]):
    """Numbers every distinct token, in the order in which they appear."""

    def __missing__(self, token: str) -> int:
        number = self[token] = len(self)
        return number


class TokenLists:
    """The tokens and values of many neurons.

    Args:
        numbers: of the tokens, where several lists share them.
    """

    def __init__(self, numbers: TokenNumbers | None = None) -> None:
        self.numbers = TokenNumbers() if numbers is None else numbers
        self._spelled: dict[str, int] = {}  # number by the token's spelling in quotes
        self._ends = array("q", [0])  # where each neuron's tokens end among those of all
        self._tokens = array("i")
        self._values = array("f")

    def __len__(self) -> int:
        return len(self._ends) - 1

    def add(self, cell: str) -> None:
        """Take the next neuron's cell; an empty one has no tokens.

        Raises:
            ValueError: it is not a list of (token, value) pairs.
        """
        cell = cell.strip()
        if not (self._add_plain(cell) or self._add_quoted(cell)):
            try:
                pairs = _read(cell)
            except OverflowError:
                raise ValueError("a value is too large") from None
            self._tokens.extend([self.numbers[token] for token, _ in pairs])
            self._values.extend([value for _, value in pairs])
        self._ends.append(len(self._tokens))

    def _add_plain(self, cell: str) -> bool:
        """Take ``[('a', 0.5), ('b', 0.25)]`` without further quotation marks or backslashes; False if it is not so."""
        if '"' in cell or "\\" in cell or not (cell.startswith("[('") and cell.endswith(")]")):
            return False
        parts = cell.split("'")  # between the tokens ", 0.5), (", behind the last ", 0.25)]"
        between = "\0".join(parts[2::2])
        try:
            values = [*map(float, between[2:-2].split("), (\0, "))]
        except ValueError:
            return False
        if len(values) * 2 + 1 != len(parts) or not between.startswith(", "):
            return False
        self._values.fromlist(values)
        self._tokens.fromlist([*map(self.numbers.__getitem__, parts[1::2])])
        return True

    def _add_quoted(self, cell: str) -> bool:
        """Take such a list, whatever its tokens contain; False if the cell is not one."""
        if not _LIST.fullmatch(cell):
            return False
        tokens, values = zip(*_PAIR.findall(cell), strict=True)
        self._tokens.extend([self._number(token) for token in tokens])
        self._values.extend([*map(float, values)])
        return True

    def _number(self, spelling: str) -> int:
        number = self._spelled.get(spelling)
        if number is None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # an unknown escape such as \\d is taken as it stands
                try:
                    token = ast.literal_eval(spelling)
                except SyntaxError:
                    raise ValueError(f"{spelling} is not a text in quotes") from None
            number = self._spelled[spelling] = self.numbers[token]
        return number

    def says(self, neuron: int, cell: str) -> bool:
        """Whether a further cell holds the same as the one that was taken for a neuron.

        Raises:
            ValueError: it is not a list of (token, value) pairs.
        """
        further = TokenLists(self.numbers)
        further.add(cell)
        own = slice(self._ends[neuron], self._ends[neuron + 1])
        return self._tokens[own] == further._tokens and np.array_equal(
            np.array(self._values[own]), np.array(further._values), equal_nan=True
        )

    @property
    def pieces(self) -> tuple[str, ...]:
        """Every distinct token, by its number."""
        return tuple(self.numbers)

    @property
    def kept(self) -> int:
        """How many of each neuron's tokens :meth:`arrays` holds: all, unless a few lists are much longer than most."""
        lengths = np.diff(self._ends)
        longest = int(lengths.max(initial=0))
        room = max(_FEW, _SPARSE * len(self._tokens)) // max(len(lengths), 1)
        return max(min(longest, room), 1)

    @property
    def longer(self) -> int:
        """How many neurons have more tokens than that."""
        return int((np.diff(self._ends) > self.kept).sum())

    def arrays(self) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Token numbers (-1: none) and values (NaN), ``[neurons, k]`` both, k being :attr:`kept`."""
        k = self.kept
        ends = np.array(self._ends, np.int64)
        lengths = np.diff(ends)
        present = np.arange(k) < lengths[:, None]  # [neurons, k]
        tokens, values = np.array(self._tokens, np.int32), np.array(self._values, np.float32)
        if lengths.max(initial=0) > k:
            rank = np.arange(len(tokens)) - np.repeat(ends[:-1], lengths)
            tokens, values = tokens[rank < k], values[rank < k]
        numbers = np.full(present.shape, -1, dtype=np.int32)
        figures = np.full(present.shape, np.nan, dtype=np.float32)
        numbers[present] = tokens
        figures[present] = values
        return numbers, figures


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
            raise ValueError(f"the value of {token!r} is not a number")
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
        raise ValueError("it is not a list in Python or JSON") from None
    if not isinstance(tree, ast.List | ast.Tuple):
        raise ValueError("it is not a list")
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
        case ast.Call(func=ast.Name() | ast.Attribute(), args=[argument]):  # np.float32(1.5), tensor(1.5)
            return _number(argument)
    raise ValueError("a value must be a number")
