"""The neurons that a filter keeps, and their order: ``selectivity.food > 0.9 and layer >= 20``, ``-reads.food,layer``.

A name means:

- a number of the neuron: ``layer neuron expert max min mean_all std_all fire dead``, with experts ``tokens``
  (``expert`` is -1 for a neuron of none);
- a figure per category: ``selectivity.food``, or ``reads.food``, its other name; alone, as in ``reads > 0.9``, it is
  that of the current category;
- a category alone: its selectivity, ``food > 0.8``;
- ``confirmed.food``: neurons whose reading of the category is confirmed;
- ``best``: the category with the largest absolute selectivity, ``best == food``;
- ``first_token``: the token at which the neuron is highest, ``first_token == "apple"``; as a sort column
  their order in the alphabet;
- any other text: neurons that have it among their highest or lowest tokens: ``"apple"``, ``apple``,
  ``token == "apple"``.

What is not computed (NaN) satisfies no comparison. The explorer's filter and the command line use the same language;
its grammar is in :mod:`mechamap.query.syntax`, what a name means in :mod:`mechamap.query.names`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.figures.catalogue import FIGURES
from mechamap.figures.findings import confirmed
from mechamap.figures.strongest import strongest_category
from mechamap.figures.token_pieces import pieces_at
from mechamap.query.first_tokens import FirstTokens
from mechamap.query.lexemes import wrong
from mechamap.query.names import TEXTS, Names, Values, query_names
from mechamap.query.nodes import Both, Comparison, Name, Negation, Node, Number, Operation, Text
from mechamap.query.syntax import parse
from mechamap.runs.run import Run
from mechamap.words.known import without_case

__all__ = ["Query", "chosen_rows", "matching", "sorted_rows"]


_BLOCK = 4_000_000  # positions that are looked at together

Numbers: TypeAlias = "Values | float"
Mask: TypeAlias = "NDArray[np.bool_]"


def matching(run: Run, expression: str, category: str | None = None) -> NDArray[np.bool_]:
    """The neurons that the expression holds for, ``[neurons]``; none of layers that are not complete.

    Args:
        category: the current one, meant by a figure without a category.

    Raises:
        QueryError: with the position of the mistake.
    """
    query = Query(run, expression, category)
    nodes = parse(expression, run.categories)
    if len(nodes) > 1:
        wrong(expression, nodes[1].position, "a second expression begins here.", 'Join conditions with "and" or "or".')
    return query.mask(nodes[0]) & run.complete_rows


def sorted_rows(
    run: Run, columns: str, rows: NDArray[np.int64] | None = None, category: str | None = None
) -> NDArray[np.int64]:
    """Row numbers in the order of ``columns``, such as ``-reads.food,layer``; stable, what is not computed last.

    Args:
        columns: numbers or expressions of them, the first the most important; a leading ``-`` sorts downwards.
        rows: the rows to sort, in the order that ties keep; all where None.

    Raises:
        QueryError: with the position of the mistake.
    """
    query = Query(run, columns, category)
    rows = np.arange(run.neurons, dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    keys = []
    for node in parse(columns, run.categories):
        values = np.asarray(query.numbers(node))
        if not values.ndim:
            wrong(
                columns, node.position, "this is the same for every neuron.", f"Sort by one of {query.names.known()}."
            )
        keys.append(values[rows])
    if len(keys) == 1:
        return rows[np.argsort(keys[0], kind="stable")]
    return rows[np.lexsort(keys[::-1])]


def chosen_rows(
    run: Run, where: str | None = None, sort: str | None = None, limit: int | None = None, category: str | None = None
) -> NDArray[np.int64]:
    """Row numbers of complete layers that ``where`` keeps, in the order of ``sort``, the first ``limit`` of them.

    Raises:
        QueryError: with the position of the mistake.
        UsageError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise UsageError(f"The limit is {limit}; it must be at least 1.")
    rows = np.flatnonzero(run.complete_rows if where is None else matching(run, where, category))
    if sort is not None:
        rows = sorted_rows(run, sort, rows, category)
    return rows[:limit]


class Query:
    """One expression on one run: nodes to arrays.

    Args:
        source: the expression, for messages that point at a mistake.
        category: the current one, meant by a figure without a category.
    """

    def __init__(self, run: Run, source: str, category: str | None) -> None:
        self.run = run
        self.source = source
        self.names = Names(run, source, category)

    def mask(self, node: Node) -> Mask:
        """The neurons that a condition holds for, ``[neurons]``.

        Raises:
            QueryError: it is none, or makes no sense on this run.
        """
        match node:
            case Both():
                return _joined([self.mask(operand) for operand in node.operands], all_of=node.is_and)
            case Negation():
                return ~self.mask(node.operand)
            case Comparison():
                pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
                return _joined([self.compared(*pair) for pair in pairs], all_of=True)
            case Text():
                return self.with_token(node.value)
            case Name() if node.value == "confirmed" or (node.category is None and _is_flag(node.value)):
                return self.flagged(node)
            case Name(category=None) if (
                node.value not in query_names(self.run) and node.value not in self.names.figures
            ):
                return self.with_token(node.value)
            case Number():
                hint = "To look for it as a token, put it in quotes."
            case Name():
                self.names.values(node)  # an unknown name is the greater mistake
                spelled = node.value if node.category is None else f"{node.value}.{node.category}"
                hint = f"Compare it: {spelled} > 0.5"
                if node.category is None:
                    hint += f'; or look for the token: "{node.value}"'
            case _:
                hint = "Compare it, as in: reads > 0.9"
        wrong(self.source, node.position, "this is a number, not a condition.", hint)

    def flagged(self, node: Name) -> Mask:
        """Neurons whose reading of a category is confirmed, or for which a figure such as ``dead`` is true."""
        if node.value == "confirmed":
            self.names.figure("p", node.position)
            return confirmed(self.run, self.names.category_of(node))
        with np.errstate(invalid="ignore"):
            return np.asarray(self.numbers(node)) > 0

    def compared(self, operator: str, left: Node, right: Node) -> Mask:
        for first, second in ((left, right), (right, left)):
            if isinstance(first, Name) and first.category is None and first.value in TEXTS:
                if operator not in ("==", "!="):
                    wrong(self.source, first.position, f"{first.value} can only be compared with == and !=.")
                same = self.named(first.value, second)
                return same if operator == "==" else ~same
        # A number is compared in the figure's own type: 0.7 that was stored as float32 equals 0.7.
        a, b = self.numbers(left), self.numbers(right)
        with np.errstate(invalid="ignore", over="ignore"):  # a number may be too large for the figure's type
            match operator:
                case "<":
                    result = a < b
                case "<=":
                    result = a <= b
                case ">":
                    result = a > b
                case ">=":
                    result = a >= b
                case "==":
                    result = a == b
                case _:
                    result = (a != b) & ~np.isnan(a) & ~np.isnan(b)
        return np.broadcast_to(np.asarray(result), (self.run.neurons,))

    def named(self, name: str, node: Node) -> Mask:
        """Neurons whose best category, first token or one of whose tokens is the text of ``node``."""
        match name:
            case "best":
                return self.best_is(node)
            case "first_token":
                return FirstTokens.of(self.run).matching(self.spelling(node))
            case _:
                return self.with_token(self.spelling(node))

    def best_is(self, node: Node) -> Mask:
        category = self.spelling(node)
        if category not in self.run.categories:
            self.names.unknown(node.position, category, self.run.categories, "category")
        best = strongest_category(self.names.figure("selectivity", node.position))
        matches: Mask = best == self.run.category_index(category)
        return matches

    def spelling(self, node: Node) -> str:
        if isinstance(node, Text) or (isinstance(node, Name) and node.category is None):
            return node.value
        wrong(self.source, node.position, "a name or a text in quotes was expected here.")

    def with_token(self, text: str) -> Mask:
        """Neurons with the text among their highest or lowest tokens, spaces around it and case aside."""
        token = without_case(text.strip())
        matches = np.zeros(self.run.neurons, dtype=np.bool_)
        for figure in ("top_positions", "bottom_positions"):
            if self.run.has(figure):
                for columns in self.columns_of(figure):
                    pieces, places = pieces_at(self.run, columns)
                    hits = {piece for piece in set(pieces) if without_case(piece.strip()) == token}
                    hit = np.array([piece in hits for piece in pieces] + [False])  # the last for no position
                    matches |= hit[places].any(axis=1)
        return matches

    def columns_of(self, figure: str) -> Iterator[NDArray[np.integer]]:
        """A figure of positions in blocks of columns, ``[neurons, columns]``, so that memory stays bounded."""
        positions = self.run.figure(figure)
        step = max(_BLOCK // max(len(positions), 1), 1)
        for first in range(0, positions.shape[1], step):
            yield positions[:, first : first + step]

    def numbers(self, node: Node) -> Numbers:
        """A number for each neuron, ``[neurons]``, or one for all.

        Raises:
            QueryError: it is none, or makes no sense on this run.
        """
        match node:
            case Number():
                return node.value
            case Operation(operator="neg", operands=(Number() as positive,)):
                return -positive.value  # as a number of no type, so that it is compared in the figure's own, too
            case Operation():
                return self.computed(node)
            case Name(value="first_token", category=None):
                return FirstTokens.of(self.run).ranks
            case Name():
                return self.names.values(node)
            case Text() if node.value in self.run.categories:
                return self.names.values(Name(node.position, "selectivity", node.value))
            case Text():
                wrong(self.source, node.position, "a text cannot be compared with a number.", 'Try: token == "apple"')
            case _:
                wrong(self.source, node.position, "this is a condition where a number was expected.")

    def computed(self, node: Operation) -> Numbers:
        chain = [node]  # a long sum is a deep tree on its left: no recursion there
        while isinstance(left := chain[-1].operands[0], Operation):
            chain.append(left)
        result: Numbers = self.numbers(chain[-1].operands[0])
        for each in reversed(chain):
            result = self.applied(each, result)
        return result

    def applied(self, node: Operation, first: Numbers) -> Numbers:
        """An operation whose first operand is known."""
        a = np.asarray(first, dtype=np.float64)
        rest = [np.asarray(self.numbers(operand), dtype=np.float64) for operand in node.operands[1:]]
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            match node.operator:
                case "neg":
                    return -a
                case "abs":
                    magnitude: NDArray[np.floating] = np.abs(a)
                    return magnitude
                case "+":
                    return a + rest[0]
                case "-":
                    return a - rest[0]
                case "*":
                    return a * rest[0]
                case _:
                    quotient = np.true_divide(a, rest[0])
                    return np.where(np.isinf(quotient), np.nan, quotient)  # x / 0 is not a number to sort by


def _is_flag(name: str) -> bool:
    figure = FIGURES.get(name)
    return figure is not None and figure.flag


def _joined(masks: list[Mask], *, all_of: bool) -> Mask:
    joined = masks[0]
    for mask in masks[1:]:
        joined = joined & mask if all_of else joined | mask
    return joined
