"""The columns of the neuron table: what each is called, where its values come from and how one is written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mechamap.figures.catalogue import FIGURES, judged_figures
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, figures_of
from mechamap.figures.token_pieces import pieces_at
from mechamap.query.column_names import ALL_CATEGORIES, EXPLAINED, ROUTED, TOKENS, overview_figure
from mechamap.runs.run import Run
from mechamap.tables.numbers import NONE, count
from mechamap_tui.browse.table.order import SortKey
from mechamap_tui.data.experts import FEW_TOKENS
from mechamap_tui.data.figures import ESTIMATE, estimated, figure_column, figure_width, figure_writer
from mechamap_tui.terminal.terminal_text import piece_label
from mechamap_tui.widgets.glyphs import JOINT

__all__ = [
    "TOKENS",
    "Column",
    "category_columns",
    "changes_with_category",
    "default_sort",
    "overview_columns",
    "token_summary",
]


FALLS = "(falls) "


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``values()`` has one value per neuron; ``width`` 0 takes what is left of the line.

    ``estimated()``, where given, says which of its values are marked as estimates; ``ascending``: sorted upwards first;
    ``least``: values below it are drawn as a warning; ``cut``: the user chose the width, and what is too wide is cut.
    """

    key: str
    title: str
    width: int
    values: Callable[[], NDArray[Any]]
    text: Callable[[float], str]
    signed: bool = False
    ascending: bool = False
    estimated: Callable[[], NDArray[np.bool_] | None] | None = None
    least: float | None = None
    cut: bool = False

    def warns(self, row: int) -> bool:
        """Whether a neuron's value is one to beware of."""
        value = float(self.values()[row])
        return value < 0 if self.signed else self.least is not None and value < self.least

    def cell(self, row: int) -> str:
        """A neuron's value as it is written."""
        text = self.text(float(self.values()[row]))
        if self.estimated is None or text == NONE:
            return text
        estimates = self.estimated()
        return ESTIMATE + text if estimates is not None and estimates[row] else text


def default_sort(run: Run) -> SortKey:
    """How a run's neurons are sorted unless the user says otherwise; a confirmation changes it."""
    figure = judged_figures()[default_figure(run)]
    return SortKey(figure.label) if run.has(figure.name) else SortKey("layer", descending=False)


def category_columns(run: Run, category: str) -> tuple[Column, ...]:
    """The columns about one category, what the table is sorted by by default first; figures that the run does not have
    are left out.
    """
    first = default_figure(run)
    figures = sorted(figures_of(run), key=lambda figure: (figure.name != first, figure.directed))
    columns = (_category_column(run, category, figure) for figure in figures if figure.in_table)
    named = (*_name_columns(run), *_routed(run), *columns, *_explained(run, category))
    return (*named, *_neuron_columns(run), _tokens_column(run, category))


def overview_columns(run: Run, category: str) -> tuple[Column, ...]:
    """One column per category."""
    figure = overview_figure(run)
    columns = [*_name_columns(run), *_routed(run)]
    for name in run.categories:
        width = max(8, min(len(name), 10) + 3)
        columns.append(
            Column(
                f"{ALL_CATEGORIES}{name}",
                name[:10],
                width,
                cache(partial(_plain, run, figure.name, name)),
                figure_writer(figure),
                signed=True,
            )
        )
    return (*columns, *_neuron_columns(run)[-1:], _tokens_column(run, category))


def token_summary(run: Run, row: int, category: str) -> str:
    """The distinct pieces among a neuron's top tokens; the lowest ones, marked so, where it falls on the category."""
    falls = _falls(run, row, category)
    pieces: dict[str, None] = {}
    for hit in run.top_tokens(row, lowest=falls):
        pieces.setdefault(piece_label(hit.piece))
    return (FALLS if falls else "") + JOINT.join(pieces)


def _falls(run: Run, row: int, category: str) -> bool:
    if not (run.has("selectivity") and run.has("bottom_positions") and category):
        return False
    return bool(run.column("selectivity", category)[row] < 0)


def changes_with_category(key: str) -> bool:
    """Whether another current category changes what a column holds."""
    return key in (TOKENS, EXPLAINED) or any(figure.label == key for figure in judged_figures().values())


def _category_column(run: Run, category: str, figure: JudgedFigure) -> Column:
    return Column(
        figure.label,
        figure.label,
        figure_width(figure),
        cache(partial(figure_column, run, figure, category)),
        figure_writer(figure),
        figure.sign_matters,
        figure.lowest_first,
        cache(partial(estimated, run, figure, category)),
    )


def _name_columns(run: Run) -> tuple[Column, ...]:
    layer = Column("layer", "L", 3, lambda: run.layer_of, _whole)
    expert = Column("expert", "E", 4, lambda: run.expert_of, _expert)
    index = Column("neuron", "N", 6, lambda: run.index_of, _whole)
    return (layer, expert, index) if bool((run.expert_of >= 0).any()) else (layer, index)


def _routed(run: Run) -> tuple[Column, ...]:
    """Over how many tokens the figures run, in a run where that differs from neuron to neuron."""
    if not run.has("tokens"):
        return ()
    return (Column(ROUTED, "tokens", 8, cache(partial(_plain, run, "tokens", None)), count, least=FEW_TOKENS),)


def _explained(run: Run, category: str) -> tuple[Column, ...]:
    """Which feature of words explains a neuron's reading, in a run where that was looked at."""
    if not (run.has(EXPLAINED) and category):
        return ()
    figure = FIGURES[EXPLAINED]
    values = cache(partial(_plain, run, EXPLAINED, category))
    return (Column(EXPLAINED, "explained by", figure_width(figure), values, figure_writer(figure), ascending=True),)


def _neuron_columns(run: Run) -> tuple[Column, ...]:
    figures = (figure for figure in FIGURES.values() if figure.shape == "neuron" and figure.in_table)
    return tuple(
        Column(
            figure.label,
            figure.label,
            figure_width(figure),
            cache(partial(_plain, run, figure.name, None)),
            figure_writer(figure),
        )
        for figure in figures
        if run.has(figure.name)
    )


def _tokens_column(run: Run, category: str) -> Column:
    return Column(TOKENS, "top tokens", 0, cache(partial(_first_token_rank, run, category)), str)


def _whole(value: float) -> str:
    return str(int(value))


def _expert(value: float) -> str:
    return str(int(value)) if value >= 0 else NONE


def _plain(run: Run, figure: str, category: str | None) -> NDArray[Any]:
    return np.asarray(run.column(figure, category))


def _first_token_rank(run: Run, category: str) -> NDArray[Any]:
    """The alphabetical place of each neuron's first token; NaN where it has none."""
    if not run.has("top_positions"):
        return np.full(run.neurons, np.nan, dtype=np.float32)
    first = np.asarray(run.figure("top_positions")[:, 0])
    if run.has("selectivity") and run.has("bottom_positions") and category:
        falls = np.asarray(run.column("selectivity", category)) < 0
        first = np.where(falls, run.figure("bottom_positions")[:, 0], first)
    pieces, places = pieces_at(run, first)
    labels = [piece_label(piece).casefold() for piece in pieces]
    order = {label: rank for rank, label in enumerate(sorted(set(labels)))}
    ranks = np.array([*(order[label] for label in labels), np.nan])  # place -1 takes the last: none
    ranked: NDArray[Any] = -ranks[places]
    return ranked  # "down" reads from a to z
