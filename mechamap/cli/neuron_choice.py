"""The neurons that a command is about, as its flags name them: one by one, as a set that is kept, or by a filter."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.system.paths import typed_text

if TYPE_CHECKING:
    from mechamap.query.neuron_choice import NeuronChoice
    from mechamap.runs.run import Run

__all__ = ["add_choice_flags", "chosen_neurons"]


_WAYS = ("neuron", "set", "where", "marked")


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
    from mechamap.query.neuron_choice import NeuronChoice, chosen_of_run
    from mechamap.runs.neuron_names import parse_neuron

    ways = [flag for flag in _WAYS if getattr(args, flag)]
    if not ways:
        raise UsageError("No neuron was named.", "Add --neuron, --set, --where or --marked.")
    if run is not None:
        return chosen_of_run(run, args.neuron or (), set=args.set, where=args.where, marked=args.marked)
    if without := [flag for flag in ways if flag != "neuron"]:
        raise UsageError(f"--{without[0]} needs a run, and {args.source} is none.", "Scan the model, and name the run.")
    return NeuronChoice(tuple(dict.fromkeys(parse_neuron(name) for name in args.neuron)))
