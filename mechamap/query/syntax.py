"""The language of filters and sort columns, parsed into a small tree; names get their meaning in ``evaluate``.

    either    := both (("or" | "|") both)*
    both      := negation (("and" | "&") negation)*
    negation  := ("not" | "!") negation | comparison
    comparison:= sum (("<" | "<=" | ">" | ">=" | "==" | "=" | "!=") sum)*
    sum       := product (("+" | "-") product)*
    product   := sign (("*" | "/") sign)*
    sign      := ("-" | "+") sign | atom
    atom      := NUMBER | "TEXT" | NAME | NAME "." (NAME | "TEXT") | "abs" "(" sum ")" | "(" either ")"

Every node knows the character it began at, so that a mistake can be pointed at.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn, TypeAlias

from mechamap.errors import QueryError
from mechamap.wording.advice import Hint

__all__ = [
    "OPERATORS",
    "Both",
    "Comparison",
    "Name",
    "Negation",
    "Node",
    "Number",
    "Operation",
    "Text",
    "bracketed",
    "parse",
    "wrong",
]


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

_LEXEME = re.compile(
    r"""(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?(?!\w))
      | (?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<name>[^\W\d]\w*)
      | (?P<sign><=|>=|==|!=|<>|&&|\|\||[-+*/<>=!&|().,≤≥])""",
    re.VERBOSE,
)
_SPELLED = {"&&": "and", "&": "and", "||": "or", "|": "or", "!": "not", "=": "==", "<>": "!=", "≤": "<=", "≥": ">="}
OPERATORS = ("and", "or", "not", "abs")
_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_DEEPEST = 50  # brackets and signs inside one another


@dataclass(frozen=True, slots=True)
class _Lexeme:
    kind: str  # number, text, name, sign, end
    value: str
    position: int


def wrong(source: str, position: int, problem: str, hint: Hint = "") -> NoReturn:
    """Raise the QueryError that points at character ``at`` (counted from 0) of the expression."""
    raise QueryError.at(source, position, problem, hint)


def bracketed(condition: str, *joints: str) -> str:
    """A condition that can be joined to others: in brackets where ``or``, or one of ``joints``, is outside of any."""
    depth = 0
    for match in re.finditer(r"[()]| or | and ", re.sub(r'"(?:[^"\\]|\\.)*"', '""', condition)):
        depth += {"(": 1, ")": -1}.get(match[0], 0)
        if depth == 0 and match[0] in (" or ", *joints):
            return f"({condition})"
    return condition


def parse(source: str, names: Iterable[str] = ()) -> tuple[Node, ...]:
    """The expressions of a comma-separated list (a filter is a list of one).

    Args:
        names: names to recognise although they are not a single word, such as a category ``proper noun``.

    Raises:
        QueryError: with the position of the mistake.
    """
    parser = _Parser(source, _lexemes(source, [name for name in names if _is_odd(name)]))
    expressions = [parser.either()]
    while parser.take(","):
        expressions.append(parser.either())
    if parser.now.kind != "end":
        parser.unexpected("and, or, or a comparison such as > 0.5")
    return tuple(expressions)


def _lexemes(source: str, odd_names: list[str]) -> list[_Lexeme]:
    odd = [re.compile(re.escape(name) + r"(?!\w)") for name in sorted(odd_names, key=len, reverse=True) if name]
    lexemes: list[_Lexeme] = []
    position = 0
    while position < len(source):
        if source[position].isspace():
            position += 1
            continue
        match = next((match for pattern in odd if (match := pattern.match(source, position))), None)
        if match is not None:
            lexemes.append(_Lexeme("name", match[0], position))
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
            lexemes.append(_Lexeme(kind, value, position))
        position = match.end()
    return [*lexemes, _Lexeme("end", "", len(source))]


def _is_odd(name: str) -> bool:
    """Whether a category's name is not a lexeme; a name that looks like a number counts as one unless it is quoted."""
    match = _LEXEME.fullmatch(name)
    return match is None or match.lastgroup not in ("name", "number")


class _Parser:
    """Recursive descent over the lexemes, one method a rule of the grammar above."""

    def __init__(self, source: str, lexemes: list[_Lexeme]) -> None:
        self.source = source
        self.lexemes = lexemes
        self.position = 0
        self.depth = 0

    @property
    def now(self) -> _Lexeme:
        return self.lexemes[self.position]

    def take(self, *signs: str) -> str | None:
        """Consume the next lexeme if it is one of these signs, and return it; else None."""
        if self.now.kind == "sign" and self.now.value in signs:
            self.position += 1
            return self.lexemes[self.position - 1].value
        return None

    def unexpected(self, expected: str) -> NoReturn:
        now = self.now
        if now.kind == "end":
            wrong(self.source, now.position, f"the expression ends, but {expected} was expected.")
        hint = "Put quotes around a text of several words." if now.kind in ("name", "text") else ""
        wrong(self.source, now.position, f"{now.value!r} is here, but {expected} was expected.", hint)

    def either(self) -> Node:
        return self.joined("or", self.both)

    def both(self) -> Node:
        return self.joined("and", self.negation)

    def joined(self, word: str, part: Callable[[], Node]) -> Node:
        position = self.now.position
        operands = [part()]
        while self.take(word):
            operands.append(part())
        return operands[0] if len(operands) == 1 else Both(position, word == "and", tuple(operands))

    def negation(self) -> Node:
        position = self.now.position
        if self.take("not"):
            return Negation(position, self.nested(self.negation))
        return self.comparison()

    def comparison(self) -> Node:
        position = self.now.position
        operators, operands = [], [self.sum()]
        while operator := self.take(*_COMPARISONS):
            operators.append(operator)
            operands.append(self.sum())
        return operands[0] if not operators else Comparison(position, tuple(operators), tuple(operands))

    def sum(self) -> Node:
        return self.chained(("+", "-"), self.product)

    def product(self) -> Node:
        return self.chained(("*", "/"), self.sign)

    def chained(self, operators: tuple[str, ...], part: Callable[[], Node]) -> Node:
        node = part()
        position = self.now.position
        while operator := self.take(*operators):
            node = Operation(position, operator, (node, part()))
            position = self.now.position
        return node

    def sign(self) -> Node:
        position = self.now.position
        if self.take("-"):
            return Operation(position, "neg", (self.nested(self.sign),))
        return self.nested(self.sign) if self.take("+") else self.atom()

    def nested(self, part: Callable[[], Node]) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            wrong(self.source, self.now.position, "this is nested too deeply.")
        node = part()
        self.depth -= 1
        return node

    def atom(self) -> Node:
        now = self.now
        if self.take("abs"):
            if not self.take("("):
                self.unexpected("( after abs")
            inside = self.nested(self.sum)
            self.close()
            return Operation(now.position, "abs", (inside,))
        if self.take("("):
            inside = self.nested(self.either)
            self.close()
            return inside
        if now.kind not in ("number", "text", "name"):
            self.unexpected("a name, a number or a text in quotes")
        self.position += 1
        if now.kind == "number":
            return Number(now.position, float(now.value))
        if now.kind == "text":
            return Text(now.position, now.value)
        if not self.take("."):
            return Name(now.position, now.value)
        part = self.now
        if part.kind not in ("name", "text"):
            self.unexpected("a category")
        self.position += 1
        return Name(now.position, now.value, part.value)

    def close(self) -> None:
        if not self.take(")"):
            self.unexpected(")")
