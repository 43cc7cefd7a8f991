"""The language of filters and sort columns, parsed into a small tree; names get their meaning in ``names``.

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

from collections.abc import Callable, Iterable
from typing import NoReturn

from mechamap.query.lexemes import Lexeme, lexemes_of, wrong
from mechamap.query.nodes import Both, Comparison, Name, Negation, Node, Number, Operation, Text
from mechamap.wording.plain import shortened

__all__ = ["parse"]


_COMPARISONS = ("<", "<=", ">", ">=", "==", "!=")
_DEEPEST = 50  # brackets and signs inside one another


def parse(source: str, names: Iterable[str] = ()) -> tuple[Node, ...]:
    """The expressions of a comma-separated list (a filter is a list of one).

    Args:
        names: names to recognise although they are not a single word, such as a category ``proper noun``.

    Raises:
        QueryError: with the position of the mistake.
    """
    parser = _Parser(source, lexemes_of(source, names))
    expressions = [parser.either()]
    while parser.take(","):
        expressions.append(parser.either())
    if parser.now.kind != "end":
        parser.unexpected("and, or, or a comparison such as > 0.5")
    return tuple(expressions)


class _Parser:
    """Recursive descent over the lexemes, one method a rule of the grammar above."""

    def __init__(self, source: str, lexemes: list[Lexeme]) -> None:
        self.source = source
        self.lexemes = lexemes
        self.position = 0
        self.depth = 0

    @property
    def now(self) -> Lexeme:
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
        wrong(self.source, now.position, f"{shortened(now.value)!r} is here, but {expected} was expected.", hint)

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
