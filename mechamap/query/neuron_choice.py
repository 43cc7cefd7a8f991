"""The neurons of a run that are meant: one by one, as a set that is kept, by a filter, or because they are marked."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import UsageError
from mechamap.query.evaluate import chosen_rows
from mechamap.runs.kept.notes import Notes
from mechamap.runs.neuron_names import NeuronName, parse_neuron
from mechamap.runs.run import Run
from mechamap.runs.sets.neuron_sets import NeuronSet
from mechamap.wording.advice import Action, Advice
from mechamap.wording.amounts import quantity

__all__ = ["MOST", "NeuronChoice", "chosen_of_run", "kept_set", "marked_rows", "refuse_absent"]


MOST = 4096  # neurons of a filter that are taken as one; of more, the filter is more likely a mistake
_TO_MARK = Advice.of("Mark some in the explorer (m), or with {}.", Action("notes RUN mark"))


@dataclass(frozen=True, slots=True)
class NeuronChoice:
    """The neurons, each once, and the name of the set that they are; empty where they are none."""

    neurons: tuple[NeuronName, ...]
    name: str = ""


def chosen_of_run(
    run: Run, neurons: Sequence[str] = (), *, set: str | None = None, where: str | None = None, marked: bool = False
) -> NeuronChoice:
    """All neurons that one of these means; none where nothing is given.

    Args:
        neurons: their names.
        set: a set that the run keeps.
        where: a filter, of which at most :data:`MOST` neurons are taken.
        marked: those that are marked.

    Raises:
        UsageError: no or too many neurons, no such set, or a neuron that the run lacks.
        QueryError: the filter is wrong.
    """
    names = [parse_neuron(name) for name in neurons]
    for name in names:
        run.row_of(name)
    if set:
        names += kept_set(run, set).neurons
    if marked:
        names += _marked(run)
    if where:
        names += _true_for(run, where)
    only_set = set is not None and not (neurons or where or marked)
    return NeuronChoice(tuple(dict.fromkeys(names)), set.strip() if set and only_set else "")


def _marked(run: Run) -> list[NeuronName]:
    notes = Notes(run.path)
    if not notes.marked:
        raise UsageError(f"{run.name} has no marked neurons.", _TO_MARK)
    return [parse_neuron(name) for name in notes.marked]


def marked_rows(run: Run) -> NDArray[np.bool_]:
    """Which of a run's neurons are marked, ``[neurons]``; marks of neurons that it lacks do not count.

    Raises:
        UsageError: none is.
    """
    mask = np.zeros(run.neurons, np.bool_)
    for name in Notes(run.path if not run.is_csv else None).marked:
        with suppress(UsageError):
            mask[run.row_of(name)] = True
    if not mask.any():
        raise UsageError(f"{run.name} has no marked neurons.", _TO_MARK)
    return mask


def _true_for(run: Run, where: str) -> list[NeuronName]:
    rows = chosen_rows(run, where)
    if not len(rows):
        raise UsageError("The filter is true for no neuron.", "Ask for less.")
    if len(rows) > MOST:
        raise UsageError(
            f"The filter is true for {quantity(len(rows), 'neuron')}; at most {MOST:,} are taken as one.",
            "Ask for more, as in reads.food > 0.95.",
        )
    return [run.neuron_name(int(row)) for row in rows]


def kept_set(run: Run, name: str) -> NeuronSet:
    """A set that a run keeps, all of whose neurons it has.

    Raises:
        UsageError: there is none of that name, or the run lacks one of its neurons.
    """
    members = Notes(run.path).named_set(name)
    refuse_absent(members.neurons, run, f"The set {members.name}")
    return members


def refuse_absent(names: tuple[NeuronName, ...], run: Run, which: str) -> None:
    """Refuse a set that has neurons which the run lacks, and say how many.

    Raises:
        UsageError: it has some.
    """
    lacking: list[NeuronName] = []
    reason: UsageError | None = None
    for name in names:
        try:
            run.row_of(name)
        except UsageError as error:
            lacking.append(name)
            reason = reason or error
    if reason is not None:
        how_many = f"{quantity(len(lacking), 'neuron')} of {len(names):,}"
        raise UsageError(
            f"{which} has neurons that {run.name} lacks ({how_many}): {reason.message}",
            "Use the run that it was made for, or make the set anew.",
        )
