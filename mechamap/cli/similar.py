"""``mechamap similar``: the neurons whose activations are most like those of one."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from mechamap.cli.loading import (
    CheckProgress,
    ModelOptions,
    add_model_flags,
    model_of_run,
    model_options,
    run_with_folder,
)
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands, refuse_below
from mechamap.cli.report_options import ReportOptions, ReportTables, add_report_flags, report_options
from mechamap.cli.report_output import write_report

__all__ = ["add_to"]


_DESCRIPTION = """The neurons of all layers whose activations over the run's text are most like those of one neuron, by
correlation: positive where they go together, negative where one goes up as the other goes down. Beside it, the largest
correlation that chance gives among as many neurons."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("similar", help="the neurons most like one", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("--neuron", metavar="N", required=True, help="a neuron, such as L7.N1844")
    add("--top", metavar="K", type=int, default=20, help="how many neurons (20)")
    add_model_flags(parser)
    add_report_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class SimilarOptions:
    """What the flags say."""

    source: str
    neuron: str
    top: int
    model: ModelOptions
    report: ReportOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Load the model, correlate, and write the list."""
    refuse_below(1, top=args.top)
    options = SimilarOptions(args.source, args.neuron, args.top, model_options(args), report_options(args))
    return _similar(options, narration)


def _similar(options: SimilarOptions, narration: Narration) -> int:
    run = run_with_folder(options.source)
    run.row_of(options.neuron)  # raises before the model is loaded
    loaded = model_of_run(run, options.model, narration)
    from mechamap.probe.similar import similar_neurons
    from mechamap.probe.tables import SIMILAR_KEYS, similar_report

    try:
        similar = similar_neurons(
            run, loaded, options.neuron, options.top, on_event=CheckProgress(narration, "similar neurons")
        )
    finally:
        narration.clear()
    report = similar_report(f"{run.name}, {similar.neuron}", similar)
    write_report(report, options.report, ReportTables(SIMILAR_KEYS, whole=SIMILAR_KEYS), narration)
    return 0
