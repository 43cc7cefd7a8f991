"""``mechamap probe``: what neurons do with a sentence."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.cli.loading import (
    CheckProgress,
    ModelOptions,
    add_model_flags,
    load,
    model_of_run,
    model_options,
    run_named,
)
from mechamap.cli.narration import Narration
from mechamap.cli.parser import Commands, refuse_below
from mechamap.cli.report_options import ReportOptions, ReportTables, add_report_flags, report_options
from mechamap.cli.report_output import write_report
from mechamap.cli.text_argument import read_text_argument
from mechamap.errors import UsageError
from mechamap.system.paths import typed_text, user_path

if TYPE_CHECKING:
    from mechamap.probe.subject import Subject
    from mechamap.runs.run import Run

__all__ = ["add_to"]


_DESCRIPTION = """What neurons do with a sentence: their activations at each token and, of a run, where these stand
among their activations over the run's text. With --token, the neurons that are furthest out of their own usual range at
that token; with --compare, those that two sentences move apart; with --next, what the model says next."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("probe", help="what neurons do with a sentence", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN|MODEL", help="a run, for its model; or a model as `mechamap scan` takes it")
    add("--neuron", metavar="N", action="append", help="a neuron, such as L7.N1844; repeatable")
    add(
        "--text",
        metavar="T",
        type=typed_text,
        action="append",
        required=True,
        help="a sentence, or - to read one from standard input; repeatable",
    )
    add("--token", metavar="I", type=int, help="the token that --top and --next are about, from 0; -1: the last one")
    add("--compare", action="store_true", help="compare two sentences position by position")
    add("--top", metavar="K", type=int, default=20, help="how many neurons stand out at the token, or move most (20)")
    add("--next", metavar="K", type=int, default=0, help="the K most probable next tokens behind the token (0)")
    add_model_flags(parser)
    add_report_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """What the flags say; ``token`` None: no neurons that stand out are asked for."""

    source: str
    neurons: tuple[str, ...]
    texts: tuple[str, ...]
    token: int | None
    compare: bool
    top: int
    next: int
    model: ModelOptions
    report: ReportOptions

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: nothing is asked for, or a comparison of other than two texts.
        """
        if not self.neurons and self.token is None and not self.compare and not self.next:
            raise UsageError(
                "Nothing is asked about the text.", "Name a neuron (--neuron), a token (--token), or add --next 5."
            )
        if self.compare and len(self.texts) != 2:
            raise UsageError(f"--compare compares two texts; {len(self.texts)} are given.", "Give --text twice.")
        if self.compare and (self.token is not None or self.next):
            raise UsageError("--compare is about all tokens of two texts.", "Leave out --token and --next.")
        if self.texts.count("-") > 1:
            raise UsageError("Standard input is one text.", "Give the others as --text TEXT.")
        refuse_below(1, top=self.top)
        refuse_below(0, next=self.next)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Load the model, ask, and write what it answers."""
    options = ProbeOptions(
        source=args.source,
        neurons=tuple(dict.fromkeys(args.neuron or ())),
        texts=tuple(args.text),
        token=args.token,
        compare=args.compare,
        top=args.top,
        next=args.next,
        model=model_options(args),
        report=report_options(args),
    )
    options.check()
    return _probe(options, narration)


def _probe(options: ProbeOptions, narration: Narration) -> int:
    from mechamap.runs.neuron_names import parse_neuron

    names = tuple(map(parse_neuron, options.neurons))
    texts = [read_text_argument(text) if text == "-" else text for text in options.texts]
    run = run_named(options.source)
    if run is None and (options.compare or options.token is not None):
        raise UsageError(
            f"{options.source} is a model; what is unusual for a neuron is told by a run of it.",
            "Scan it, and name the run.",
        )
    try:
        subject = _subject(options, run, narration)
        from mechamap.probe.tables import KEYS, moves_report, probed_report

        title = f"{subject.loaded.label}, {', '.join(map(repr, texts))}"
        if options.compare:
            from mechamap.probe.comparison import compare_prompts

            prompts = subject.read(texts[0]), subject.read(texts[1])
            moves = compare_prompts(subject, prompts, [str(name) for name in names], count=options.top)
            report = moves_report(title, moves)
        else:
            from mechamap.probe.sentence import Wanted, probe_sentence

            outliers = options.top if options.token is not None else 0
            wanted = Wanted(names, options.token, outliers, options.next)
            report = probed_report(title, [probe_sentence(subject, subject.read(text), wanted) for text in texts])
    finally:
        narration.clear()
    write_report(report, options.report, ReportTables(KEYS, whole=KEYS), narration)
    return 0


def _subject(options: ProbeOptions, run: Run | None, narration: Narration) -> Subject:
    """The model that is asked, with its run where there is one."""
    if run is not None:
        loaded = model_of_run(run, options.model, narration)
        from mechamap.probe.reference_pass import reference_of
        from mechamap.probe.subject import RunSubject

        reference = reference_of(run, loaded, on_event=CheckProgress(narration, "usual activations"))
        return RunSubject(loaded, run.config, run, reference)
    from mechamap.catalog.source import resolve
    from mechamap.config.schema import load_config
    from mechamap.models.loading.load_settings import LoadSettings
    from mechamap.probe.subject import Subject

    adapter = None if options.model.adapter is None else str(user_path(options.model.adapter).resolve())
    settings = LoadSettings(device=options.model.device or "auto", adapter=adapter)
    return Subject(load(resolve(options.source), settings, narration), load_config(None))
