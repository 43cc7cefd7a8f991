"""The expressions of a comma-separated list, as they were typed."""

from __future__ import annotations

from collections.abc import Iterable

from mechamap.query.lexemes import lexemes_of

__all__ = ["parts_of"]


def parts_of(source: str, names: Iterable[str] = ()) -> tuple[str, ...]:
    """The text of each expression that :func:`mechamap.query.syntax.parse` reads, in their order.

    Raises:
        QueryError: a quote is not closed, or a character is not allowed.
    """
    depth, begin = 0, 0
    parts = []
    for lexeme in lexemes_of(source, names):
        if lexeme.kind == "sign":
            depth += {"(": 1, ")": -1}.get(lexeme.value, 0)
        if lexeme.kind == "end" or (lexeme.kind == "sign" and lexeme.value == "," and not depth):
            parts.append(source[begin : lexeme.position].strip())
            begin = lexeme.position + 1
    return tuple(parts)
