"""The neurons that a command is about, as its flags name them: one by one, as a set that is kept, or by a filter."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.system.paths import typed_text
from mechamap.wording.amounts import quantity

if TYPE_CHECKING:
    from mechamap.runs.neuron_names import NeuronName
    from mechamap.runs.run import Run
    from mechamap.runs.sets.neuron_sets import NeuronSet

__all__ = ["MOST", "NeuronChoice", "add_choice_flags", "chosen_neurons", "kept_set", "refuse_absent"]


MOST = 4096  # neurons of a filter that are taken as one; of more, `--where` is more likely a mistake


@dataclass(frozen=True, slots=True)
class NeuronChoice:
    """The neurons, each once, and the name of the set that they are; empty where they are none."""

    neurons: tuple[NeuronName, ...]
    name: str = ""


def add_choice_flags(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    add = parser.add_argument
    add("--neuron", metavar="N", action="append", help="a neuron, such as L7.N1844; repeatable: all of them as one")
    add("--set", metavar="NAME", type=typed_text, help="a set that `mechamap sets` keeps, as one")
    add("--where", metavar="EXPR", type=typed_text, help="the neurons of the run that this is true for, as one")
    add("--marked", action="store_true", help="the neurons that are marked in the run, as one")


def chosen_neurons(args: argparse.Namespace, run: Run | None) -> NeuronChoice:
    """The neurons that the flags name.

    Args:
        run: whose sets, marks and figures are meant; None where there is only a model.

    Raises:
        UsageError: none or too many, a set or filter without a run, no such set, a neuron that the run lacks.
        QueryError: the filter is wrong.
    """
    from mechamap.runs.neuron_names import parse_neuron

    ways = [flag for flag in ("neuron", "set", "where", "marked") if getattr(args, flag)]
    if not ways:
        raise UsageError("No neuron was named.", "Add --neuron, --set, --where or --marked.")
    names = [parse_neuron(name) for name in args.neuron or ()]
    if run is None and (without := [flag for flag in ways if flag != "neuron"]):
        raise UsageError(f"--{without[0]} needs a run, and {args.source} is none.", "Scan the model, and name the run.")
    if run is not None:
        for name in names:
            run.row_of(name)
        names += _of_run(args, run)
    return NeuronChoice(tuple(dict.fromkeys(names)), args.set.strip() if ways == ["set"] else "")


def _of_run(args: argparse.Namespace, run: Run) -> list[NeuronName]:
    from mechamap.runs.neuron_names import parse_neuron
    from mechamap.runs.notes import Notes

    names: list[NeuronName] = []
    notes = Notes(run.path)
    if args.set:
        names += kept_set(run, args.set).neurons
    if args.marked:
        if not notes.marked:
            raise UsageError(f"{run.name} has no marked neurons.", "Mark some in the explorer (m).")
        names += [parse_neuron(name) for name in notes.marked]
    if args.where:
        from mechamap.query.evaluate import chosen_rows

        rows = chosen_rows(run, args.where)
        if not len(rows):
            raise UsageError("--where is true for no neuron.", "Ask for less.")
        if len(rows) > MOST:
            raise UsageError(
                f"--where is true for {quantity(len(rows), 'neuron')}; at most {MOST:,} are taken as one.",
                "Ask for more, as in --where 'reads.food > 0.95'.",
            )
        names += [run.neuron_name(int(row)) for row in rows]
    return names


def kept_set(run: Run, name: str) -> NeuronSet:
    """A set that a run keeps, all of whose neurons it has.

    Raises:
        UsageError: there is none of that name, or the run lacks one of its neurons.
    """
    from mechamap.runs.notes import Notes

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
