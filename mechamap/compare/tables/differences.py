"""Two runs of the same neurons: what stayed, appeared and vanished per category, and what changed most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mechamap.compare.alignment.pair import Pair, pair_of
from mechamap.compare.alignment.relation import Relation
from mechamap.compare.tables.ranks import spearman
from mechamap.figures.catalogue import figure_names, judged_figures
from mechamap.figures.csv_gaps import lists_some
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import figures_of, is_in
from mechamap.figures.top_words import ShownTokens
from mechamap.query.filters import bracketed, counting_filter, listed
from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.tables.rows import LinkedCell, Rows, number, numbers, threshold_text
from mechamap.tables.table import Cell, Column, Kind, Table

__all__ = ["appeared_table", "categories_table", "changes_table", "differences_table", "vanished_table"]


def differences_table(pair: Pair, *, all_figures: bool = False) -> Table:
    """Every neuron's A, B and B - A of the pair's figure for each category, ``[common]`` rows.

    Args:
        all_figures: B - A of every figure that both runs have instead; A and B are in the runs.
    """
    columns = [Column("neuron", "neuron", "neuron"), Column("layer", "layer", "number")]
    relation = pair.relation
    cells: list[list[Cell]] = [[*relation.a.neuron_names(relation.rows_a)], [*_layers(relation)]]
    if all_figures:
        both = {kind.name for kind in figures_of(relation.b)}
        for kind in figures_of(relation.a):
            if kind.name in both:
                figure_pair = pair_of(relation, kind)
                for column, category in enumerate(relation.categories):
                    columns.append(_column(f"{kind.name}.{category}.difference", "signed"))
                    cells.append([*numbers(figure_pair.difference[:, column])])
        for name in figure_names("neuron", made_by="scan"):
            if relation.a.has(name) and relation.b.has(name):
                columns.append(_column(f"{name}.difference", "signed"))
                cells.append([*numbers(_per_neuron(relation, name))])
    else:
        kind_of = pair.kind.written
        for column, category in enumerate(relation.categories):
            sides: tuple[tuple[str, Kind, NDArray[np.float32]], ...] = (
                ("a", kind_of, pair.a),
                ("b", kind_of, pair.b),
                ("difference", "signed", pair.difference),
            )
            for side, kind_of_side, values in sides:
                columns.append(_column(f"{pair.kind.name}.{category}.{side}", kind_of_side))
                cells.append([*numbers(values[:, column])])
    compared = "every figure" if all_figures else pair.kind.label
    about = "B - A; empty where a run has no value."
    rows = tuple(zip(*cells, strict=True))
    return Table("differences", f"Every neuron in common, by {compared}", tuple(columns), rows, about)


def _column(key: str, kind: Kind) -> Column:
    return Column(key, key, kind)


def _layers(relation: Relation) -> list[int]:
    layers: list[int] = relation.a.layer_of[relation.rows_a].tolist()
    return layers


def _per_neuron(relation: Relation, name: str) -> NDArray[np.float32]:
    a, b = relation.a.figure(name)[relation.rows_a], relation.b.figure(name)[relation.rows_b]
    difference: NDArray[np.float32] = np.asarray(b, np.float32) - np.asarray(a, np.float32)
    return difference


_CHECKED = ("held_out_auroc", "p")


def categories_table(pair: Pair) -> Table:
    """For each category how many neurons count in A and in B, and what became of them."""
    relation = pair.relation
    # A filter on causes goes by the measured ones.
    within = [None if pair.estimated else relation.condition(place) for place in (0, 1)]
    rows = Rows()
    for column, category in enumerate(relation.categories):
        a, b = pair.in_a[:, column], pair.in_b[:, column]  # [common]
        kept, turned = a & b, pair.turned[:, column]
        appeared, vanished = pair.appeared[:, column], pair.vanished[:, column]
        union = int(kept.sum() + appeared.sum() + vanished.sum())
        rows.add(
            category,
            LinkedCell(int(a.sum()), _counting(pair, category, 0, within[0])),
            LinkedCell(int(b.sum()), _counting(pair, category, 1, within[1])),
            LinkedCell(int(kept.sum()), _these(pair, kept, category, 1)),
            LinkedCell(int(appeared.sum()), _these(pair, appeared, category, 1)),
            LinkedCell(int(vanished.sum()), _these(pair, vanished, category, 0)),
            *((LinkedCell(int(turned.sum()), _these(pair, turned, category, 1)),) if pair.has_sides else ()),
            number(kept.sum() / union) if union else None,
            number(spearman(pair.a[:, column], pair.b[:, column])),
        )
    columns = (
        Column("category", "category"),
        Column("in_a", "in A", "count"),
        Column("in_b", "in B", "count"),
        Column("kept", "kept", "count"),
        Column("appeared", "appeared", "count"),
        Column("vanished", "vanished", "count"),
        *((Column("turned", "changed sign", "count"),) if pair.has_sides else ()),
        Column("jaccard", "in common", "share"),
        Column("spearman", "rank agreement", "correlation"),
    )
    over = "all neurons (of a CSV, those listed)" if _csv(pair) else "all neurons"
    about = (
        f"Counted: {threshold_text(pair.kind, pair.threshold)}. In common: kept as a share of kept, appeared and "
        f"vanished. Rank agreement: Spearman's correlation over {over}; +1 is the same order, 0 none."
    )
    title = f"What stayed: neurons that count, by {pair.kind.label}"
    return rows.table("categories", title, columns, about=about)


def changes_table(pair: Pair, limit: int) -> Table:
    """The neurons and categories with the largest \\|B - A\\|, at most ``limit``; none without a difference."""
    size = np.abs(pair.difference)  # [common, categories]
    changed = np.flatnonzero(np.isfinite(size) & (size > 0))  # of [common * categories]
    strongest = _largest(size.ravel()[changed], limit)
    rows = _neuron_rows(pair, [divmod(int(place), size.shape[1]) for place in changed[strongest]])
    about = f"By {pair.kind.label}; the difference is B - A; tokens are from the run in which the value is stronger."
    if len(changed) > limit:
        about += f" The {limit:,} largest of {len(changed):,} differences of a neuron and a category."
    return rows.table("changes", "Largest changes", _neuron_columns(pair), about=about, total=len(changed))


def appeared_table(pair: Pair, limit: int) -> Table:
    """What counts in B and not in A, the strongest first."""
    title = f"Appeared: {threshold_text(pair.kind, pair.threshold)} in B and not in A"
    return _crossed_table(pair, pair.appeared, pair.b, limit, ("appeared", title))


def vanished_table(pair: Pair, limit: int) -> Table:
    """What counts in A and no longer in B, the strongest first."""
    title = f"Vanished: {threshold_text(pair.kind, pair.threshold)} in A and not in B"
    return _crossed_table(pair, pair.vanished, pair.a, limit, ("vanished", title))


def _crossed_table(
    pair: Pair, crossed: NDArray[np.bool_], values: NDArray[np.float32], limit: int, names: tuple[str, str]
) -> Table:
    places = np.flatnonzero(crossed)  # of [common * categories]
    strongest = _largest(pair.kind.strength(values).ravel()[places], limit)
    rows = _neuron_rows(pair, [divmod(int(place), crossed.shape[1]) for place in places[strongest]])
    about = f"The {limit:,} strongest of {len(places):,}." if len(places) > limit else ""
    return rows.table(*names, _neuron_columns(pair), about=about, total=len(places))


def _largest(values: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Places of the largest values, the largest first, of equal ones the first."""
    if limit < len(values):
        least = np.partition(values, len(values) - limit)[len(values) - limit] if limit else np.inf
        chosen = np.flatnonzero(values >= least)
    else:
        chosen = np.arange(len(values))
    return chosen[np.argsort(-values[chosen], kind="stable")][:limit]


def _neuron_columns(pair: Pair) -> tuple[Column, ...]:
    kind = pair.kind.written
    checked = [
        Column(f"{figure.name}_{side}", f"{figure.label} {side.upper()}", figure.written)
        for figure in _checks(pair)
        for side in ("a", "b")
    ]
    return (
        Column("neuron", "neuron", "neuron"),
        Column("category", "category"),
        Column("a", "A", kind),
        Column("b", "B", kind),
        Column("difference", "difference", "signed" if kind in ("probability", "p") else kind),
        *checked,
        Column("tokens", "tokens", "tokens"),
    )


def _neuron_rows(pair: Pair, places: list[tuple[int, int]]) -> Rows:
    """A row for each neuron in common and category, given by their numbers."""
    relation, rows = pair.relation, Rows()
    tokens = ShownTokens(relation.a), ShownTokens(relation.b)
    checks = _checks(pair)
    for neuron, column in places:
        category = relation.categories[column]
        row_a, row_b = int(relation.rows_a[neuron]), int(relation.rows_b[neuron])
        a, b = pair.a[neuron, column], pair.b[neuron, column]
        place = 0 if not np.isfinite(b) or pair.kind.strength(a) > pair.kind.strength(b) else 1  # where it is stronger
        row, value = ((row_a, a), (row_b, b))[place]
        name = str(relation.a.neuron_name(row_a))
        rows.add(
            LinkedCell(name, Link(category=category, run=place, neuron=name)),
            category,
            LinkedCell(number(a), Link(category=category, run=0, neuron=name)),
            LinkedCell(number(b), Link(category=category, run=1, neuron=name)),
            number(b - a),
            *(
                number(run.column(figure.name, category)[run_row])
                for figure in checks
                for run, run_row in ((relation.a, row_a), (relation.b, row_b))
            ),
            tokens[place].of(row, category, pair.kind, float(value)),
        )
    return rows


def _checks(pair: Pair) -> list[JudgedFigure]:
    """Figures of the check that both runs have, beside the one they are compared by."""
    a, b = pair.relation.a, pair.relation.b
    figures = [judged_figures()[name] for name in _CHECKED]
    return [figure for figure in figures if is_in(a, figure) and is_in(b, figure) and figure.name != pair.kind.name]


def _counting(pair: Pair, category: str, place: int, within: str | None) -> Link | None:
    """The neurons in common that count in one run; None where no filter says which are in common."""
    run: Run = (pair.relation.a, pair.relation.b)[place]
    if within is None:
        return None
    where = counting_filter(pair.kind, run, category, pair.threshold)
    return Link(f"{bracketed(where)} and {within}" if within else where, category, place)


def _these(pair: Pair, mask: NDArray[np.bool_], category: str, place: int) -> Link | None:
    """Some of the neurons in common, as they are called in one run."""
    run, rows = ((pair.relation.a, pair.relation.rows_a), (pair.relation.b, pair.relation.rows_b))[place]
    return listed(run, rows[mask], place, category)


def _csv(pair: Pair) -> bool:
    return lists_some(pair.relation.a) or lists_some(pair.relation.b)
