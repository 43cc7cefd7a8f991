"""What a name in a filter means on a run: a number of each neuron, or the column of a figure."""

from __future__ import annotations

from typing import NoReturn, TypeAlias

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FIGURES, figure_names, named
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import how_to_get, why_undefined
from mechamap.figures.values import known_values
from mechamap.query.lexemes import wrong
from mechamap.query.nodes import Name
from mechamap.runs.run import Run
from mechamap.wording.plain import shortened
from mechamap.wording.suggest import suggestion

__all__ = ["TEXTS", "Names", "Values", "query_names"]


TEXTS = ("best", "token", "first_token")
"""Names that mean a text, which is compared with another."""

_PLACES = ("layer", "neuron", "expert")

Values: TypeAlias = "NDArray[np.floating] | NDArray[np.integer]"


def query_names(run: Run) -> tuple[str, ...]:
    """Every name that means something in a query on this run."""
    figures = [figure for figure in run.record.figures if figure not in figure_names("tokens", "list")]
    aliases = [alias for figure in FIGURES.values() if figure.name in figures for alias in figure.aliases]
    per_category = [figure for figure in figures if run.figure(figure).ndim > 1]
    if run.has("p"):
        per_category.append("confirmed")
        aliases.append("confirmed")
    dotted = [f"{figure}.{category}" for figure in per_category for category in run.categories]
    return (*_PLACES, *figures, *aliases, *dotted, *TEXTS, *run.categories)


class Names:
    """The names of one expression on one run.

    Args:
        source: the expression, for messages that point at a mistake.
        category: the current one, meant by a figure without a category.
    """

    def __init__(self, run: Run, source: str, category: str | None) -> None:
        self.run = run
        self.source = source
        self.category = category

    @property
    def figures(self) -> tuple[str, ...]:
        """Figures that some run has, whether or not this one does, by all of their names."""
        aliases = [alias for figure in FIGURES.values() for alias in figure.aliases]
        return (*figure_names("neuron", "category"), *aliases)

    def values(self, node: Name) -> Values:
        """The number of each neuron that a name means, ``[neurons]``."""
        run = self.run
        figure = named(node.value)
        name = node.value if figure is None else figure.name
        if node.category is None:
            if name in _PLACES:
                return {"layer": run.layer_of, "neuron": run.index_of, "expert": run.expert_of}[name]
            if name not in self.figures and name not in run.record.figures and name in run.categories:
                return self.values(Name(node.position, "selectivity", name))
        if node.category is None and name in TEXTS:
            wrong(self.source, node.position, f"{name} is not a number.", f'Compare it, as in: {name} == "food"')
        if name in figure_names("tokens", "list") or (name not in self.figures and name not in run.record.figures):
            self.unknown(node.position, node.value, query_names(run), "name")
        array = self.figure(name, node.position)
        if array.ndim == 1:
            if node.category is not None:
                wrong(
                    self.source, node.position, f"{name} has one value per neuron, not per category.", f"Write {name}."
                )
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
            example = run.categories[0] if run.categories else "food"
            wrong(
                self.source,
                node.position,
                f"{node.value} has a value per category.",
                f"Say which: {node.value}.{example}",
            )
        if category not in run.categories:
            self.unknown(node.position + len(node.value) + 1, category, run.categories, "category")
        return category

    def figure(self, name: str, position: int) -> NDArray[np.floating]:
        """A figure of the run, ``[neurons]`` or ``[neurons, categories]``; refused where it has none."""
        figure = FIGURES.get(name)
        if figure is not None and (reason := why_undefined(self.run, figure)):
            wrong(self.source, position, f"{name} is not defined for this model.", reason)
        if not self.run.has(name):
            hint = (how_to_get(figure) if figure is not None else "") or f"Choose from {self.known()}."
            if name == "tokens":
                hint = f'{hint} To look for the token, write token == "tokens".'
            wrong(self.source, position, f"this run has no {name}.", hint)
        return self.run.figure(name)

    def known(self) -> str:
        """Names to choose from, for a message."""
        return ", ".join(
            (*_PLACES, *(name for name in self.run.record.figures if name not in figure_names("tokens", "list")))
        )

    def unknown(self, position: int, name: str, known: tuple[str, ...], kind: str) -> NoReturn:
        choices = ", ".join(known) if kind == "category" else self.known()
        wrong(
            self.source,
            position,
            f"unknown {kind} {shortened(name)!r}.",
            suggestion(name, known, cutoff=0.5) or f"Choose from {choices}.",
        )
