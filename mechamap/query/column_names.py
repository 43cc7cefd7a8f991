"""The columns of a table of neurons, by the keys that views keep, and what they are called in filters and commands."""

from __future__ import annotations

from mechamap.errors import UsageError
from mechamap.figures.catalogue import FIGURES, judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.query.filters import quoted
from mechamap.query.parts import parts_of
from mechamap.runs.run import Run
from mechamap.runs.views.sort_key import SortKey
from mechamap.wording.suggest import unknown_name

__all__ = ["ALL_CATEGORIES", "EXPLAINED", "ROUTED", "TOKENS", "columns_of", "expression_of", "overview_figure"]


TOKENS = "tokens"  # the last column; how many tokens came to a neuron's expert has the key below, and this title
ROUTED = "routed"
EXPLAINED = "explained"  # by a feature of words
ALL_CATEGORIES = "reads:"  # columns of the overview are called reads:food
FIRST_TOKEN = "first_token"
_PLACES = ("layer", "neuron", "expert")


def overview_figure(run: Run) -> JudgedFigure:
    """What the overview of all categories shows: selectivity, which also tells up from down; the mean, where the run
    has none."""
    return judged_figures()["selectivity" if run.has("selectivity") else "mean"]


def expression_of(run: Run, key: str, category: str) -> str:
    """A column's expression, with its category, so that it means the same whatever category is shown.

    Args:
        key: of the column.
        category: that the table shows; empty: none.
    """
    if key == TOKENS:
        return FIRST_TOKEN
    if key == ROUTED:
        return "tokens"
    if key.startswith(ALL_CATEGORIES):
        return f"{overview_figure(run).name}.{quoted(key.removeprefix(ALL_CATEGORIES))}"
    figure = next((figure for figure in judged_figures().values() if figure.label == key), None)
    if figure is None and key != EXPLAINED:
        return key
    return f"{_name(figure) if figure is not None else key}.{quoted(category)}" if category else key


def columns_of(run: Run, written: str, category: str) -> tuple[SortKey, ...]:
    """The columns that ``-reads,layer`` or ``-selectivity.food`` mean, as a table that shows a category has them.

    Raises:
        QueryError: a quote is not closed, or a character is not allowed.
        UsageError: no table has such a column.
    """
    known = _columns(run, category)
    keys = []
    for part in parts_of(written, run.categories):
        name = part.removeprefix("-").strip()
        key = known.get(name)
        if key is None:
            raise UsageError(*unknown_name("column", name, ()))
        # Tokens sort from a to z where the table sorts them downwards.
        keys.append(SortKey(key, part.startswith("-") != (name == FIRST_TOKEN)))
    return tuple(keys)


def _columns(run: Run, category: str) -> dict[str, str]:
    """The key of each column by all that it is called: its key, its figure's names, with and without a category."""
    figures = [figure for figure in FIGURES.values() if run.has(figure.name) and figure.in_table]
    keys: dict[str, str] = {key: key for key in (*_PLACES, TOKENS)}
    for each in run.categories:
        overview = f"{ALL_CATEGORIES}{each}"
        keys |= dict.fromkeys((overview, each, quoted(each), expression_of(run, overview, each)), overview)
        keys |= {f"{alias}.{quoted(each)}": overview for alias in overview_figure(run).aliases}
    for figure in figures:
        key = figure.label if figure.name != "tokens" else ROUTED
        for name in (figure.label, figure.name, *figure.aliases):
            keys |= {name: key, f"{name}.{quoted(category)}": key}
    if run.has(EXPLAINED):
        keys |= {EXPLAINED: EXPLAINED, f"{EXPLAINED}.{quoted(category)}": EXPLAINED}
    return keys | {FIRST_TOKEN: TOKENS, ROUTED: ROUTED}


def _name(figure: JudgedFigure) -> str:
    """The name by which filters give what the table shows: the measured values where there are some."""
    return figure.aliases[0] if figure.measured_as else figure.name
