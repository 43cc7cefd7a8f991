"""Which neurons a filter means, and in which order: ``selectivity.food > 0.9 and layer >= 20``, ``-reads.food,layer``.

Numbers a neuron has (``layer neuron expert max min mean_all std_all fire dead``, with experts ``tokens``; ``expert`` is
-1 where it is part of none), figures per category
(``selectivity.food``; ``reads`` is another name for it), a figure alone for the current category (``reads > 0.9``), a
category alone for its selectivity (``food > 0.8``), ``confirmed.food`` for neurons whose reading of it is confirmed,
``best`` for the category with the largest \\|selectivity\\|
(``best == food``), and a text for neurons that have it among their highest or lowest tokens (``"apple"``, ``apple``,
``token == "apple"``). What is not computed (NaN) satisfies no comparison. The explorer's filter and the command line
speak the same language; its grammar is in :mod:`mechamap.query.syntax`.
"""

from __future__ import annotations

from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.figures.catalogue import FIGURES, figure_names, named
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import confirmed
from mechamap.figures.of_run import how_to_get, why_undefined
from mechamap.figures.values import known_values
from mechamap.query.syntax import Both, Comparison, Name, Negation, Node, Number, Operation, Text, parse, wrong
from mechamap.runs.run import Run
from mechamap.wording.suggest import suggestion

__all__ = ["chosen_rows", "matching", "query_names", "sorted_rows"]


_PLACES = ("layer", "neuron", "expert")

Numbers: TypeAlias = "NDArray[np.floating] | NDArray[np.integer] | float"
Mask: TypeAlias = "NDArray[np.bool_]"


def matching(run: Run, expression: str, category: str | None = None) -> NDArray[np.bool_]:
    """Which neurons the expression is true of, ``[neurons]``; none of layers that are not complete.

    Args:
        category: the current one, meant by a figure without a category.

    Raises:
        QueryError: with the position of the mistake.
    """
    query = _Query(run, expression, category)
    nodes = parse(expression, run.categories)
    if len(nodes) > 1:
        wrong(expression, nodes[1].at, "a second expression.", "Join conditions with and, or or.")
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
    query = _Query(run, columns, category)
    rows = np.arange(run.neurons, dtype=np.int64) if rows is None else np.asarray(rows, dtype=np.int64)
    keys = []
    for node in parse(columns, run.categories):
        values = np.asarray(query.numbers(node))
        if not values.ndim:
            wrong(columns, node.at, "this is the same for every neuron.", f"Sort by one of {query.known()}.")
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


def query_names(run: Run) -> tuple[str, ...]:
    """Every name that means something in a query on this run."""
    figures = [figure for figure in run.record.figures if figure not in figure_names("tokens")]
    aliases = [alias for figure in FIGURES.values() if figure.name in figures for alias in figure.aliases]
    per_category = [figure for figure in figures if run.figure(figure).ndim > 1]
    if run.has("p"):
        per_category.append("confirmed")
        aliases.append("confirmed")
    dotted = [f"{figure}.{category}" for figure in per_category for category in run.categories]
    return (*_PLACES, *figures, *aliases, *dotted, "best", "token", *run.categories)


class _Query:
    """One expression on one run: nodes to arrays."""

    def __init__(self, run: Run, source: str, category: str | None) -> None:
        self.run = run
        self.source = source
        self.category = category

    # --- conditions ---

    def mask(self, node: Node) -> Mask:
        match node:
            case Both():
                return _joined([self.mask(operand) for operand in node.operands], every=node.every)
            case Negation():
                return ~self.mask(node.operand)
            case Comparison():
                pairs = zip(node.operators, node.operands, node.operands[1:], strict=False)
                return _joined([self.compared(*pair) for pair in pairs], every=True)
            case Text():
                return self.with_token(node.value)
            case Name() if node.value == "confirmed" or (node.category is None and _is_flag(node.value)):
                return self.flagged(node)
            case Name(category=None) if node.value not in query_names(self.run) and node.value not in self.figures:
                return self.with_token(node.value)
            case Number():
                hint = "To look for it as a token, put it in quotes."
            case Name():
                self.numbers(node)  # an unknown name is the greater mistake
                spelled = node.value if node.category is None else f"{node.value}.{node.category}"
                hint = f"Compare it: {spelled} > 0.5"
                if node.category is None:
                    hint += f'; or look for the token: "{node.value}"'
            case _:
                hint = "Compare it, as in: reads > 0.9"
        wrong(self.source, node.at, "this is a number, not a condition.", hint)

    def flagged(self, node: Name) -> Mask:
        """Neurons whose reading of a category is confirmed, or of which a figure such as ``dead`` says yes."""
        if node.value == "confirmed":
            self.figure("p", node.at)
            return confirmed(self.run, self.category_of(node))
        with np.errstate(invalid="ignore"):
            return np.asarray(self.numbers(node)) > 0

    def compared(self, operator: str, left: Node, right: Node) -> Mask:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Name) and one.category is None and one.value in ("best", "token"):
                if operator not in ("==", "!="):
                    wrong(self.source, one.at, f"{one.value} can only be compared with == and !=.")
                same = self.best_is(other) if one.value == "best" else self.with_token(self.spelling(other))
                return same if operator == "==" else ~same
        # A number is compared as the figure's own type: 0.7 that was stored as float32 is at 0.7.
        a, b = self.numbers(left), self.numbers(right)
        with np.errstate(invalid="ignore"):
            match operator:
                case "<":
                    found = a < b
                case "<=":
                    found = a <= b
                case ">":
                    found = a > b
                case ">=":
                    found = a >= b
                case "==":
                    found = a == b
                case _:
                    found = (a != b) & ~np.isnan(a) & ~np.isnan(b)
        return np.broadcast_to(np.asarray(found), (self.run.neurons,))

    def best_is(self, node: Node) -> Mask:
        category = self.spelling(node)
        if category not in self.run.categories:
            self.unknown(node.at, category, self.run.categories, "category")
        selectivity = np.abs(self.figure("selectivity", node.at))  # [neurons, categories]
        none = np.isnan(selectivity).all(axis=1)
        best = np.where(np.isnan(selectivity), -1, selectivity).argmax(axis=1)
        found: Mask = (best == self.run.category_index(category)) & ~none
        return found

    def spelling(self, node: Node) -> str:
        if isinstance(node, Text) or (isinstance(node, Name) and node.category is None):
            return node.value
        wrong(self.source, node.at, "a name or a text in quotes was expected here.")

    def with_token(self, text: str) -> Mask:
        """Neurons with the text among their highest or lowest tokens, spaces around it and case aside."""
        wanted = text.strip().casefold()
        pieces = self.run.record.tokens.pieces
        hit = np.array([piece.strip().casefold() == wanted for piece in pieces] + [False])  # the last for position -1
        found = np.zeros(self.run.neurons, dtype=np.bool_)
        for figure in ("top_positions", "bottom_positions"):
            if self.run.has(figure) and hit.any():
                positions = self.run.figure(figure)  # [neurons, k]
                for column in range(positions.shape[1]):
                    at = positions[:, column]
                    found |= hit[np.where((at >= 0) & (at < len(pieces)), at, len(pieces))]
        return found

    # --- numbers ---

    @property
    def figures(self) -> tuple[str, ...]:
        """Figures that some run has, whether or not this one does, by all of their names."""
        aliases = [alias for figure in FIGURES.values() for alias in figure.aliases]
        return (*figure_names("neuron", "category"), *aliases)

    def numbers(self, node: Node) -> Numbers:
        match node:
            case Number():
                return node.value
            case Operation():
                return self.computed(node)
            case Name():
                return self.named(node)
            case Text() if node.value in self.run.categories:
                return self.named(Name(node.at, "selectivity", node.value))
            case Text():
                wrong(self.source, node.at, "a text cannot be compared with a number.", 'Try: token == "apple"')
            case _:
                wrong(self.source, node.at, "this is a condition where a number was expected.")

    def computed(self, node: Operation) -> Numbers:
        a, *rest = (np.asarray(self.numbers(operand), dtype=np.float64) for operand in node.operands)
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            match node.operator:
                case "neg":
                    return -a
                case "abs":
                    found: NDArray[np.floating] = np.abs(a)
                    return found
                case "+":
                    return a + rest[0]
                case "-":
                    return a - rest[0]
                case "*":
                    return a * rest[0]
                case _:
                    quotient = np.true_divide(a, rest[0])
                    return np.where(np.isinf(quotient), np.nan, quotient)  # x / 0 is no number to sort by

    def named(self, node: Name) -> Numbers:
        run = self.run
        figure = named(node.value)
        name = node.value if figure is None else figure.name
        if node.category is None:
            if name in _PLACES:
                return {"layer": run.layer_of, "neuron": run.index_of, "expert": run.expert_of}[name]
            if name not in self.figures and name not in run.record.figures and name in run.categories:
                return self.named(Name(node.at, "selectivity", name))
        if node.category is None and name in ("best", "token"):
            wrong(self.source, node.at, f"{name} is no number.", f'Compare it, as in: {name} == "food"')
        if name in figure_names("tokens") or (name not in self.figures and name not in run.record.figures):
            self.unknown(node.at, node.value, query_names(run), "name")
        array = self.figure(name, node.at)
        if array.ndim == 1:
            if node.category is not None:
                wrong(self.source, node.at, f"{name} has one value per neuron, none per category.", f"Write {name}.")
            return array
        category = self.category_of(node)
        if isinstance(figure, JudgedFigure) and figure.measured_as and node.value in figure.aliases:
            return known_values(run, figure, category)  # as the table shows it
        return array[:, run.category_index(category)]

    def category_of(self, node: Name) -> str:
        """The category that a name with a value per category is about."""
        run = self.run
        category = node.category if node.category is not None else self.category
        if category is None:
            some = run.categories[0] if run.categories else "food"
            wrong(self.source, node.at, f"{node.value} has a value per category.", f"Say which: {node.value}.{some}")
        if category not in run.categories:
            self.unknown(node.at + len(node.value) + 1, category, run.categories, "category")
        return category

    def figure(self, name: str, at: int) -> NDArray[np.floating]:
        figure = FIGURES.get(name)
        if figure is not None and (reason := why_undefined(self.run, figure)):
            wrong(self.source, at, f"{name} is not defined for this model.", reason)
        if not self.run.has(name):
            hint = (how_to_get(figure) if figure is not None else "") or f"Choose from {self.known()}."
            if name == "tokens":
                hint = f'{hint} To look for the token, write token == "tokens".'
            wrong(self.source, at, f"this run has no {name}.", hint)
        return self.run.figure(name)

    def known(self) -> str:
        return ", ".join((*_PLACES, *(name for name in self.run.record.figures if name not in figure_names("tokens"))))

    def unknown(self, at: int, name: str, known: tuple[str, ...], kind: str) -> NoReturn:
        choices = ", ".join(known) if kind == "category" else self.known()
        wrong(
            self.source,
            at,
            f"unknown {kind} {name!r}.",
            suggestion(name, known, cutoff=0.5) or f"Choose from {choices}.",
        )


def _is_flag(name: str) -> bool:
    figure = FIGURES.get(name)
    return figure is not None and figure.flag


def _joined(masks: list[Mask], *, every: bool) -> Mask:
    found = masks[0]
    for mask in masks[1:]:
        found = found & mask if every else found | mask
    return found
