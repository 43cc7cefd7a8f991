"""``mechamap steer``: what a model says when neurons are turned up, down or off, beside controls."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mechamap.cli.loading import CheckProgress, ModelOptions, add_model_flags, model_options, run_named
from mechamap.cli.model_or_run import model_named
from mechamap.cli.narration import Narration, write_data
from mechamap.cli.neuron_choice import add_choice_flags, chosen_neurons
from mechamap.cli.parser import Commands, refuse_below
from mechamap.cli.text_argument import read_text_argument
from mechamap.errors import UsageError
from mechamap.protocol.steering import MODES, STRENGTHS, parse_strengths, parse_where
from mechamap.system.paths import typed_text, user_path

if TYPE_CHECKING:
    from mechamap.protocol.steering import Ladder
    from mechamap.steering.ladder import LadderSettings

__all__ = ["add_to"]


_DESCRIPTION = """Turn neurons up or down while the model reads a prompt and goes on from it, at a ladder of strengths,
beside as many random neurons of the same layer and size, and beside the sign turned round. Strength 1 is the 99.9 %
quantile of the neuron's |activation| over the run's text, in the direction of its category. docs/steering.md says how
each figure is worked out and what counts as a finding."""

_FORMATS = ("table", "lines", "json", "csv")
_FORMS = ("command", "python", "transformers", "nnsight", "transformer_lens")  # those of mechamap.takeaway.forms


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "steer", help="what a model says with neurons turned up, down or off", description=_DESCRIPTION
    )
    add = parser.add_argument
    add("source", metavar="RUN|MODEL", help="a run, for its model; or a model as `mechamap scan` takes it")
    add_choice_flags(parser)
    add("--text", metavar="T", type=typed_text, required=True, help="the prompt (-: read it from standard input)")
    add("--strengths", metavar="S", default=STRENGTHS, help="first:last:number, or a list (-2:2:9)")
    add(
        "--mode", choices=MODES, default="add", help="add to the activation, set it, zero it, hold it at its mean (add)"
    )
    add(
        "--from",
        dest="place",
        metavar="N",
        default="all",
        help="from which token of the prompt on, counted from 0; all; or last, the prompt's last one alone (all)",
    )
    add("--controls", metavar="N", type=int, default=8, help="sets of control neurons (8)")
    add("--category", metavar="C", type=typed_text, help="what the verdict is about (default: what they read best)")
    add("--generate", metavar="N", type=int, default=20, help="tokens of text at each strength (20)")
    add("--sample", metavar="T", type=float, default=0.0, help="draw the text at this temperature (0: greedy)")
    add("--seed", metavar="N", type=int, default=0, help="of controls and text (0)")
    add("--top", metavar="K", type=int, default=5, help="how many of the most probable next tokens (5)")
    add("--as", dest="form", choices=_FORMS, help="write one step as a command or as Python in place of tables")
    add("--strength", metavar="S", type=float, help="of that step, or of the control vector (default: the last one)")
    add("--control-vector", metavar="F", help="write what is added as a control vector for llama.cpp (GGUF)")
    add("--overwrite", action="store_true", help="replace that file if there is one")
    add(
        "--format",
        choices=_FORMATS,
        default="table",
        help="as tables, as a line for each row, as JSON, or a CSV row for each category (table)",
    )
    add_model_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class SteerOptions:
    """What the flags say, beside the choice of neurons and the settings of the ladder."""

    source: str
    text: str
    format: str
    form: str | None
    strength: float | None
    vector: Path | None
    overwrite: bool
    model: ModelOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Load the model, climb the ladder, print it."""
    refuse_below(0, controls=args.controls, generate=args.generate, seed=args.seed)
    refuse_below(1, top=args.top)
    if not 0 <= args.sample < 1000:
        raise UsageError(f"--sample is {args.sample:g}; it must be 0 (greedy) or a temperature below 1000.")
    if args.strength is not None:
        parse_strengths(str(args.strength))  # refuses what is not finite
    strengths, where = parse_strengths(args.strengths), parse_where(args.place)
    text = read_text_argument("-") if args.text == "-" else args.text
    vector = None if args.control_vector is None else _vector_target(args)
    options = SteerOptions(
        args.source, text, args.format, args.form, args.strength, vector, args.overwrite, model_options(args)
    )
    of_run = run_named(options.source)
    choice = chosen_neurons(args, of_run)
    from mechamap.steering.generation import Sampling
    from mechamap.steering.ladder import LadderSettings, steer
    from mechamap.steering.subject import Subject

    settings = LadderSettings(
        strengths=strengths,
        mode=args.mode,
        where=where,
        controls=args.controls,
        category=args.category or "",
        sampling=Sampling(args.generate, args.sample, args.seed),
        top=args.top,
        name=choice.name,
    )
    loaded = model_named(options.source, of_run, options.model, narration)
    if of_run is not None:
        subject = Subject.of_run(of_run, loaded)
    else:
        from mechamap.config.schema import default_config

        subject = Subject(loaded, default_config())
    try:
        ladder = steer(subject, choice.neurons, text, settings, on_event=CheckProgress(narration, "steering"))
    finally:
        narration.clear()
    if options.vector is not None:
        from mechamap.steering.control_vector import ladder_vector

        strength = ladder_vector(options.vector, loaded, ladder, options.strength, overwrite=options.overwrite)
        narration.say(f"control vector of strength {strength:g} to {options.vector}")
    _write(ladder, settings, options, narration)
    return 0


def _vector_target(args: argparse.Namespace) -> Path:
    """The file of a control vector, refused before any work is done where it cannot be written."""
    from mechamap.exports.target import check_target

    if args.mode != "add" or parse_where(args.place) != "all":
        raise UsageError("A control vector adds at all tokens.", "Leave --mode and --from out.")
    return check_target(user_path(args.control_vector), overwrite=args.overwrite)


def _write(ladder: Ladder, settings: LadderSettings, options: SteerOptions, narration: Narration) -> None:
    format = options.format
    if options.form is not None:
        from mechamap.takeaway.forms import taken_away

        write_data(taken_away(ladder, options.form, options.strength))
        return
    if format == "json":
        from mechamap.protocol.messages import plain

        write_data(json.dumps(plain(ladder), ensure_ascii=False) + "\n")
        return
    import shutil
    import sys

    from mechamap.steering.report import ladder_report
    from mechamap.tables.formats import written
    from mechamap.wording.plain import inert

    report = ladder_report(ladder)
    if format == "csv":
        for note in report.remarks:
            narration.say(f"note: {note}")
        write_data(written(report, "csv"))
        return
    texts = ("texts",) if settings.sampling.tokens else ()
    keys = ("ladder", "next", "categories", *texts, "neurons")
    width = shutil.get_terminal_size((100, 24)).columns
    sys.stdout.write(inert(written(report, format, tables=keys, width=width, limit=0)))
