"""``mechamap ablate``: what a model loses without a neuron."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.cli.loading import (
    CheckProgress,
    ModelOptions,
    add_model_flags,
    model_of_run,
    model_options,
    run_with_folder,
)
from mechamap.cli.narration import Narration, print_lines, write_data
from mechamap.cli.parser import Commands, refuse_below
from mechamap.cli.text_argument import read_text_argument
from mechamap.errors import UnsupportedModel, UsageError
from mechamap.system.paths import typed_text, user_path
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.checks.causes.relevance import Method
    from mechamap.models.loaded import LoadedModel
    from mechamap.protocol.messages import Ablation
    from mechamap.runs.run import Run
    from mechamap.runs.sets.neuron_sets import NeuronSet

__all__ = ["add_to"]


_DESCRIPTION = """Measure how the log probability of each category's words changes when a neuron is held at zero (or at
its mean), beside the same for random neurons of its layer. Without --neuron, first estimate the effect of every neuron
by gradients and measure those that write much of the residual stream, then measure the strongest of each category.
Negative: the model knows the words worse without the neuron. The results are added to the run."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("ablate", help="what a model loses without a neuron", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("--neuron", metavar="N", action="append", help="a neuron, such as L7.N1844; repeatable")
    add("--set", metavar="NAME", type=typed_text, help="a set that `mechamap sets` keeps, as one")
    add(
        "--category",
        metavar="C",
        type=typed_text,
        action="append",
        help="only the strongest of this category; repeatable",
    )
    add("--top", metavar="N", type=int, default=2, help="how many of each category to measure (2; 0: only estimate)")
    add("--mean", action="store_true", help="hold neurons at their mean activation instead of at zero")
    add("--controls", metavar="N", type=int, default=8, help="random neurons beside each neuron (8)")
    add("--seed", metavar="N", type=int, default=0, help="of the choice of controls (0)")
    add(
        "--method",
        choices=["gradient", "relp"],
        help="estimate by the gradient or by relevance patching, which orders single neurons worse in the models that "
        "were measured (gradient, or what the run's estimate was made by)",
    )
    add("--text", metavar="FILE", help="read this text instead of the run's own (-: stdin)")
    add("--json", action="store_true", help="write what was measured as JSON")
    add_model_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class AblateOptions:
    """What the flags say: ``neurons`` are measured, or else the ``top`` of each of the ``categories`` (none: all).

    ``method``: what to estimate by; None: what the run's estimate was made by, else the gradient.
    """

    source: str
    neurons: tuple[str, ...]
    set: str | None
    categories: tuple[str, ...]
    top: int
    mean: bool
    controls: int
    seed: int
    method: Method | None
    json: bool
    text: str | None
    model: ModelOptions

    def check(self) -> None:
        """Refuse what makes no sense.

        Raises:
            UsageError: a number below 0, neurons and categories together, or a method where nothing is estimated.
        """
        if (self.neurons or self.set) and self.method is not None:
            raise UsageError(
                "--method says how to estimate, and the effects of named neurons are measured.", "Give one of them."
            )
        if self.set and (self.neurons or self.categories):
            raise UsageError("--set is ablated as one, without --neuron or --category.", "Give one of them.")
        if self.neurons and self.categories:
            raise UsageError("--neuron and --category both choose what to measure.", "Give one of them.")
        refuse_below(0, top=self.top, controls=self.controls, seed=self.seed)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Estimate where needed, measure, and print the results."""
    options = AblateOptions(
        source=args.source,
        neurons=tuple(args.neuron or ()),
        set=args.set,
        categories=tuple(args.category or ()),
        top=args.top,
        mean=args.mean,
        controls=args.controls,
        seed=args.seed,
        method=args.method,
        json=args.json,
        text=args.text,
        model=model_options(args),
    )
    options.check()
    return _ablate(options, narration)


def _ablate(options: AblateOptions, narration: Narration) -> int:
    from mechamap.query.neuron_choice import kept_set

    run = run_with_folder(options.source)
    if options.text is None and (no_text := run.why_not_rerun()):  # before the model is loaded
        raise UsageError(no_text, "Name a text to ablate over: --text FILE.")
    content = None if options.text is None else read_text_argument(options.text)
    rows = [run.row_of(name) for name in options.neurons]
    members = None if options.set is None else kept_set(run, options.set)
    for category in options.categories:
        run.category_index(category)
    if (reason := run.record.undefined.get("cause")) is not None:
        raise UnsupportedModel(f"{run.name}: {reason}", "What its neurons read can be confirmed: mechamap confirm RUN")
    loaded = model_of_run(run, options.model, narration)
    try:
        over = _over(run, loaded, options.text, content)
        if members is None:
            run, ablations = _measured(over(run), rows, loaded, options, narration, over=over)
        else:
            run = over(run)
            ablations = [_of_set(run, members, loaded, options, narration)]
    finally:
        narration.clear()
    if options.json:
        from mechamap.protocol.messages import plain

        write_data(json.dumps({"run": str(run.path), "ablations": plain(ablations)}, ensure_ascii=False) + "\n")
        return 0
    if ablations:
        print_lines(*(_lines(run, ablation, of_set=members is not None) for ablation in ablations))
    else:
        print_lines(_estimate_lines(run))
    causes = run.record.causes
    if members is not None:
        narration.say(f"Change of the mean log probability of the words, in nats; the set's is not kept in {run.name}.")
        return 0
    words = f"the words of {printable(causes.text)}" if causes.text else "the words"
    narration.say(f"Change of the mean log probability of {words}, in nats; over {causes.positions}.")
    if options.method == "relp" and run.record.causes.estimated_by == "gradient":
        narration.say(
            f"{loaded.label} has no norm and no gate that the rules of relevance patching could be applied to: the "
            "gradient was used."
        )
    return 0


def _over(run: Run, loaded: LoadedModel, source: str | None, content: str | None) -> Callable[[Run], Run]:
    """What makes of a run one over the text that was named; the run itself where none was.

    Raises:
        TextError: the text has no token.
    """
    if source is None or content is None:
        return lambda run: run
    from mechamap.checks.causes.other_text import OtherText

    name = "standard input" if source == "-" else user_path(source).name
    return OtherText.read(run, loaded, name, content).in_place


def _measured(
    run: Run,
    rows: list[int],
    loaded: LoadedModel,
    options: AblateOptions,
    narration: Narration,
    *,
    over: Callable[[Run], Run],
) -> tuple[Run, list[Ablation]]:
    """The ablations of ``rows``; if none are given, of the neurons that each category seems to need most.

    Args:
        run: over the text that is read.
        over: makes a run that was added to one over that text again.
    """
    from functools import partial

    from mechamap.checks.causes.ablation import AblateSettings, ablate_run
    from mechamap.checks.causes.strongest_effects import measure_strongest

    settings = AblateSettings("mean" if options.mean else "zero", options.controls, options.seed)
    if rows:
        return ablate_run(run, loaded, rows, settings, on_event=CheckProgress(narration, "ablating"))
    listen = partial(CheckProgress, narration)
    return measure_strongest(
        run, loaded, settings, options.categories, options.top, method=options.method, over=over, listen=listen
    )


def _of_set(
    run: Run, members: NeuronSet, loaded: LoadedModel, options: AblateOptions, narration: Narration
) -> Ablation:
    from mechamap.steering.set_effects import ablate_set

    return ablate_set(
        run,
        loaded,
        members,
        mean=options.mean,
        controls=options.controls,
        seed=options.seed,
        on_event=CheckProgress(narration, "ablating"),
    )


def _lines(run: Run, ablation: Ablation, *, of_set: bool = False) -> Iterator[str]:
    """One neuron or set, a line per category; ``*`` marks an effect beyond every control's."""
    held = "zero" if ablation.mode == "zero" else "its mean"
    controls = f"{len(ablation.controls)} sets" if of_set else ", ".join(ablation.controls)
    yield f"{printable(ablation.neuron)} held at {held}; controls: {controls or 'none'}"
    yield f"  {'category':<12} {'effect':>8} {'± error':>8} {'estimate':>9} {'words':>6}  controls"
    row = None if of_set else run.row_of(ablation.neuron)
    for name, change in ablation.categories.items():
        known = row is not None and run.has("cause")
        estimate = f"{float(run.column('cause', name)[row]):+.4f}" if known else "-"
        finite = change.finite_controls
        span = f"{min(finite):+.4f} to {max(finite):+.4f}" if finite else "-"
        beyond = " *" if change.beyond_controls else ""
        effect = "-" if change.effect is None else f"{change.effect:+.4f}"
        error = "-" if change.error is None else f"{change.error:.4f}"
        yield (f"  {printable(name):<12} {effect:>8} {error:>8} {estimate:>9} {change.occurrences:>6}  {span}{beyond}")


def _estimate_lines(run: Run) -> Iterator[str]:
    """The most negative estimates of each category."""
    from mechamap.checks.causes.ablation import strongest

    for name in run.record.causes.log_p:
        column = run.column("cause", name)
        estimates = [f"{run.neuron_name(row)} {float(column[row]):+.3f}" for row in strongest(run, name, 4)]
        yield f"{printable(name):<12} {'  '.join(estimates)}"
