"""What a run says about one neuron, as tables."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mechamap.figures.contexts import contexts_of, has_contexts
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.findings import finding
from mechamap.figures.of_run import figures_of
from mechamap.figures.values import known_value
from mechamap.runs.run import Run
from mechamap.tables.rows import number
from mechamap.tables.table import Cell, Column, Table
from mechamap.words.features import feature_name

if TYPE_CHECKING:
    from mechamap.protocol.messages import Ablation

__all__ = ["ablation_table", "contexts_table", "figures_table", "tokens_table"]


_AROUND = 40  # characters on either side of a token


def figures_table(run: Run, row: int) -> Table:
    """Every figure of a neuron that has a value per category, with its standard error where one is known."""
    columns = [Column("category", "category")]
    makers: list[tuple[JudgedFigure, str]] = []
    for figure in figures_of(run):
        columns.append(Column(figure.name, figure.label, figure.written))
        makers.append((figure, ""))
        if figure.error and run.has(figure.error):
            columns.append(Column(f"{figure.name}_se", f"± {figure.label}", "number"))
            makers.append((figure, figure.error))
    columns.append(Column("check", "check"))
    rows = []
    for category in run.categories:
        cells = [_cell(run, row, category, figure, error) for figure, error in makers]
        rows.append((category, *cells, finding(run, row, category).verdict or "not checked"))
    return Table("figures", f"{run.neuron_name(row)} of {run.label}", tuple(columns), tuple(rows))


def _cell(run: Run, row: int, category: str, figure: JudgedFigure, error: str) -> Cell:
    if error:
        value = float(run.column(error, category)[row])
        return number(value * figure.error_factor) if math.isfinite(value) else None
    value, _ = known_value(run, figure, row, category)
    if figure.written == "feature":
        return feature_name(value)
    return number(value)


def tokens_table(run: Run, row: int) -> Table:
    """A neuron's highest and lowest tokens, each with the text around it."""
    return Table(
        "tokens",
        f"Highest and lowest tokens of {run.neuron_name(row)}",
        _CONTEXT_COLUMNS,
        tuple(
            (side, None, hit.value, *_text(run, hit.position))
            for side, lowest in (("highest", False), ("lowest", True))
            if run.has(f"{'bottom' if lowest else 'top'}_positions")
            for hit in run.top_tokens(row, lowest=lowest)
        ),
    )


def contexts_table(run: Run, row: int) -> Table:
    """The contexts that a run over a corpus keeps of a neuron: highest, lowest, and drawn from five ranges."""
    if not has_contexts(run):
        return tokens_table(run, row)
    rows: list[tuple[Cell, ...]] = []
    for group in contexts_of(run, row):
        part = group.kind if group.kind != "range" else f"{group.lower:.3g} to {group.upper:.3g} ({group.share:.2%})"
        for context in group.contexts:
            rows.append((part, _document(run, context.position), context.value, *_text(run, context.position)))
    return Table("contexts", f"Contexts of {run.neuron_name(row)}", _CONTEXT_COLUMNS, tuple(rows))


_CONTEXT_COLUMNS = (
    Column("part", "part"),
    Column("document", "document"),
    Column("value", "value", "number"),
    Column("before", "before"),
    Column("token", "token"),
    Column("after", "after"),
)


def _text(run: Run, position: int) -> tuple[str, str, str]:
    return run.context(position, _AROUND)


def _document(run: Run, position: int) -> str | None:
    document, names = run.document_at(position), run.document_names
    if document is None:
        return None
    return names[document] if names is not None else str(document)


def ablation_table(run: Run, ablations: Iterable[Ablation]) -> Table:
    """What the model loses without neurons: a row for each neuron and category."""
    rows = []
    for ablation in ablations:
        for category, effect in ablation.categories.items():
            controls = effect.finite_controls
            rows.append(
                (
                    ablation.neuron,
                    category,
                    effect.effect,
                    effect.error,
                    effect.occurrences,
                    min(controls) if controls else None,
                    max(controls) if controls else None,
                    bool(effect.beyond_controls),
                )
            )
    columns = (
        Column("neuron", "neuron", "neuron"),
        Column("category", "category"),
        Column("effect", "effect", "effect"),
        Column("error", "± error", "number"),
        Column("words", "words", "count"),
        Column("controls_low", "controls, lowest", "effect"),
        Column("controls_high", "controls, highest", "effect"),
        Column("beyond_controls", "beyond controls"),
    )
    about = "Change of the mean log probability of the category's words without the neuron, in nats."
    return Table("ablation", f"Ablation in {run.label}", columns, tuple(rows), about=about)
