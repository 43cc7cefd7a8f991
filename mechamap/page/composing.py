"""A page about neurons of a run, made of what its files say."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

from mechamap.errors import MechaMapError, UsageError
from mechamap.figures.of_run import default_figure, figures_of, judged_figure
from mechamap.figures.values import known_value
from mechamap.page.charts import activation_histogram, category_bars
from mechamap.page.checks import check_sentences, lead_sentences
from mechamap.page.content import Block, Code, Folded, Lines, NeuronPart, Page
from mechamap.page.contexts import neuron_contexts, which_are_known
from mechamap.page.making import facts_table, making_blocks
from mechamap.runs.kept.notes import Notes
from mechamap.runs.neuron_names import NeuronName
from mechamap.runs.run import Run
from mechamap.tables.numbers import cell_text
from mechamap.tables.of_neuron import ablation_table, figures_table
from mechamap.tables.table import Column, Table
from mechamap.takeaway.reading import READING_FORMS, Reading
from mechamap.wording.advice import Action, Advice
from mechamap.wording.amounts import quantity

__all__ = ["MOST", "compose_page"]


MOST = 200  # neurons of a page, which is read
_COLUMNS = 10


def compose_page(run: Run, neurons: Sequence[NeuronName], out: Path, category: str | None = None) -> Page:
    """The page as values.

    Args:
        neurons: in the order of the page.
        out: the page's file; only its name is on the page.
        category: that it is about; None: of each neuron the one that it reads best.

    Raises:
        UsageError: no or too many neurons, one that the run lacks, or no such category.
        RunError: a file of the run is missing or damaged.
    """
    if not neurons:
        raise UsageError("No neuron was named.", "Name one, such as L7.N1844.")
    if len(neurons) > MOST:
        raise UsageError(
            f"{quantity(len(neurons), 'neuron')} were named; a page has at most {MOST}.",
            Advice.of("Choose fewer, or export them as a table: {}.", Action("export RUN --out FILE.csv")),
        )
    if category is not None:
        run.category_index(category)
    rows = [run.row_of(name) for name in neurons]
    names = [str(run.neuron_name(row)) for row in rows]
    notes = Notes(run.path if not run.is_csv else None)
    parts = tuple(
        NeuronPart(name, _found(run, row, category), notes.note(name), tuple(_blocks(run, row, category)))
        for row, name in zip(rows, names, strict=True)
    )
    which = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return Page(f"{which} of {run.label}", facts_table(run), parts, tuple(making_blocks(run, names, out.name)))


def _found(run: Run, row: int, category: str | None) -> tuple[str, ...]:
    about = category or _best(run, row)
    return lead_sentences(run, row, about) if about else ("The run has no categories.",)


def _best(run: Run, row: int) -> str:
    """The category that it reads best; empty of a run without categories."""
    figure = judged_figure(run, default_figure(run)) if run.categories else None
    if figure is None:
        return ""

    def strength(name: str) -> float:
        value, _ = known_value(run, figure, row, name)
        distance = abs(value - figure.centre) if figure.two_sided else value
        return -math.inf if math.isnan(value) else distance

    return max(run.categories, key=strength)


def _blocks(run: Run, row: int, category: str | None) -> Iterator[Block]:
    about = category or _best(run, row)
    if about:
        yield Lines("How it was checked", check_sentences(run, row, about))
        for chart in (category_bars(run, row, about), activation_histogram(run, row, about)):
            if chart is not None:
                yield chart
    contexts = neuron_contexts(run, row)
    yield from contexts
    if contexts and (told := which_are_known(run, row)):
        yield Lines("", (told,))
    if run.categories:
        yield _figures(run, row)
        yield Folded(_explained(run))
    name = str(run.neuron_name(row))
    measured = [each for each in run.record.causes.ablations.values() if each.neuron == name]
    if measured:
        yield ablation_table(run, measured)
    yield from _code(run, name)


def _figures(run: Run, row: int) -> Table:
    """Every figure for every category; a column for each category where there are few, as figures are many."""
    table = figures_table(run, row)
    if len(table.rows) > _COLUMNS:
        return table
    names = tuple(Column(f"category_{number}", str(cells[0])) for number, cells in enumerate(table.rows))
    rows = tuple(
        (column.title, *(cell_text(cells[place], column.kind) for cells in table.rows))
        for place, column in enumerate(table.columns)
        if place and any(cells[place] is not None for cells in table.rows)
    )
    return Table(table.key, table.title, (Column("figure", ""), *names), rows)


def _explained(run: Run) -> Table:
    """What each column of the figures is."""
    rows = tuple((figure.label, figure.about.replace("`", "")) for figure in figures_of(run))
    return Table("explained", "What these figures are", (Column("figure", "figure"), Column("about", "")), rows)


def _code(run: Run, name: str) -> Iterator[Block]:
    """The program that reads the neuron, where one can."""
    if not run.record.proof:
        return
    try:
        text = READING_FORMS["transformers"][1](Reading.of(run, name))
    except MechaMapError:
        return  # an expert's, which no hook sees: the page has nothing to say of it
    yield Folded(Code("Python that reads its activations, with transformers alone", text, "python"))
