"""The words, numbers and signs of a filter, each with its position."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NoReturn

from mechamap.errors import QueryError
from mechamap.wording.advice import Hint

__all__ = ["OPERATORS", "Lexeme", "lexemes_of", "wrong"]


_LEXEME = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>[^\W\d]\w*)
      | (?P<sign><=|>=|==|!=|<>|&&|\|\||[-+*/<>=!&|().,≤≥])""",
    re.VERBOSE,
)
_SPELLED = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "=": "==", "<>": "!=", "≤": "<=", "≥": ">="}
OPERATORS = ("and", "or", "not", "abs")
_MOST = 5_000  # words, numbers and signs; more than anybody types, and few enough to be answered at once


@dataclass(frozen=True, slots=True)
class Lexeme:
    kind: str  # number, text, name, sign, end
    value: str
    position: int


def wrong(source: str, position: int, problem: str, hint: Hint = "") -> NoReturn:
    """Raise the QueryError that points at character ``position`` (counted from 0) of the expression."""
    raise QueryError.at(source, position, problem, hint)


def lexemes_of(source: str, names: Iterable[str] = ()) -> list[Lexeme]:
    """The lexemes of an expression, the last of them its end.

    Args:
        names: names to recognise although they are not a single word, longer ones first.

    Raises:
        QueryError: a quote is not closed, or a character is not allowed.
    """
    odd_names = sorted((name for name in names if name and _is_odd(name)), key=len, reverse=True)
    odd = [re.compile(re.escape(name) + r"(?!\w)") for name in odd_names]
    lexemes: list[Lexeme] = []
    position = 0
    while position < len(source):
        if len(lexemes) == _MOST:
            wrong(source, position, f"this is too long: more than {_MOST:,} words, numbers and signs.")
        if source[position].isspace():
            position += 1
            continue
        match = next((match for pattern in odd if (match := pattern.match(source, position))), None)
        if match is not None:
            lexemes.append(Lexeme("name", match[0], position))
        else:
            match = _LEXEME.match(source, position)
            if match is None:
                quote = source[position] in "\"'"
                problem = "this quote is not closed." if quote else f"{source[position]!r} is not allowed here."
                wrong(source, position, problem)
            kind = match.lastgroup or ""
            value = match[0]
            if kind == "text":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            elif kind == "sign":
                value = _SPELLED.get(value, value)
            elif kind == "name" and value.lower() in OPERATORS:
                kind, value = "sign", value.lower()
            lexemes.append(Lexeme(kind, value, position))
        position = match.end()
    return [*lexemes, Lexeme("end", "", len(source))]


def _is_odd(name: str) -> bool:
    """Whether a category's name is not a lexeme; a name that looks like a number counts as one unless it is quoted."""
    match = _LEXEME.fullmatch(name)
    return match is None or match.lastgroup not in ("name", "number")
