"""What a step needs of the run: its neurons, categories and sets, and a filter that makes sense there."""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mechamap.errors import UsageError
from mechamap.wording.amounts import quantity

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["Kept", "refuse_impossible"]


@dataclass(slots=True)
class Kept:
    """What the steps of a dry run would have kept in the run.

    Attributes:
        sets: names of the sets they would have added.
        marks: whether they would have marked neurons.
    """

    sets: set[str] = field(default_factory=set)
    marks: bool = False

    def take(self, args: argparse.Namespace) -> None:
        """Take a step that can be done."""
        if args.command == "sets" and args.action == "add" and args.name:
            self.sets.add(args.name.strip())
        if args.command == "notes" and args.action == "mark":
            self.marks = True


def refuse_impossible(run: Run, args: argparse.Namespace, kept: Kept, *, dry: bool) -> str:
    """Refuse a step that the run lacks something for; returns what can be told of its result already.

    Args:
        dry: whether the steps before were not done, so that what they keep is not there.

    Raises:
        MechaMapError: a neuron, category, figure, set or run is absent, or a filter makes no sense.
    """
    from mechamap.query.neuron_choice import kept_set

    _refuse_absent_neurons(run, args)
    categories = getattr(args, "category", None) or ()
    for category in (categories,) if isinstance(categories, str) else categories:
        run.category_index(category)
    if (name := getattr(args, "set", None)) and not (dry and name.strip() in kept.sets):
        kept_set(run, name)
    named = args.name if args.command == "sets" and args.action in ("show", "remove", "export") else None
    if named and not (dry and named.strip() in kept.sets):
        kept_set(run, named)
    if args.command == "compare":
        from mechamap.runs.library import find_run

        for name in args.runs:
            find_run(name)
    if args.command in ("interpret", "compare") and args.by is not None:
        from mechamap.figures.of_run import judged_figure

        judged_figure(run, args.by)
    if args.command == "export" and args.format is None and args.out != "-":
        from mechamap.exports.registry import format_of

        if format_of(args.out) is None:
            raise UsageError(f"The name of its file, {args.out}, does not tell the format, and no format is given.")
    if args.command in ("confirm", "ablate", "steer", "probe", "similar", "lens"):
        run.folder_with_model()
    return _chosen(run, args, marks_are_there=not (dry and kept.marks))


def _chosen(run: Run, args: argparse.Namespace, *, marks_are_there: bool) -> str:
    """How many neurons the step's filter keeps."""
    where, sort = getattr(args, "where", None), getattr(args, "sort", None)
    category = args.category if isinstance(getattr(args, "category", None), str) else None
    marked = bool(getattr(args, "marked", False))
    from mechamap.query.neuron_choice import marked_rows

    among = marked_rows(run) if marked and marks_are_there else None
    if args.command == "count":
        from mechamap.counts.frequency import count_neurons

        count_neurons(run, args.by, where=where, category=category, bins=args.bins, cut=args.cut)
    if args.command not in ("neurons", "count", "export") and not where:
        return ""
    from mechamap.query.evaluate import chosen_rows

    rows = chosen_rows(run, where, sort, None, category)
    if among is not None:
        rows = rows[among[rows]]
    return quantity(len(rows), "neuron") if marks_are_there or not marked else ""


def _refuse_absent_neurons(run: Run, args: argparse.Namespace) -> None:
    given = getattr(args, "neuron", None) or ()
    names = (given,) if isinstance(given, str) else tuple(given)
    absent: list[UsageError] = []
    for name in names:
        try:
            run.row_of(name)
        except UsageError as error:
            absent.append(error)
    if absent:
        of = f" ({len(absent):,} of {len(names):,} neurons are absent)" if len(names) > 1 else ""
        raise UsageError(f"{absent[0].message}{of}", absent[0].hint)
