"""``mechamap lens``: which tokens a neuron promotes and suppresses, by its weights."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mechamap.cli.loading import ModelOptions, add_model_flags, model_options, run_named
from mechamap.cli.model_or_run import model_named
from mechamap.cli.narration import Narration, print_lines, write_data
from mechamap.cli.parser import Commands, refuse_below
from mechamap.errors import UsageError
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.checks.lens import Lens
    from mechamap.runs.run import Run

__all__ = ["add_to"]


_DESCRIPTION = """The tokens that a neuron promotes and suppresses most when its activation is positive (the other way
round when it is negative): its direct logit attribution, in standard deviations over the vocabulary."""


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("lens", help="the tokens a neuron promotes", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN|MODEL", help="a run, for its model; or a model as `mechamap scan` takes it")
    add("--neuron", metavar="N", action="append", required=True, help="a neuron, such as L7.N1844; repeatable")
    add("--top", metavar="K", type=int, default=10, help="how many tokens of each side (10)")
    add("--json", action="store_true", help="write them as JSON")
    add_model_flags(parser)
    parser.set_defaults(run=run, parser=parser)


@dataclass(frozen=True, slots=True)
class LensOptions:
    """What the flags say."""

    source: str
    neurons: tuple[str, ...]
    top: int
    json: bool
    model: ModelOptions


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Load the model, and print what each neuron promotes and suppresses."""
    refuse_below(1, top=args.top)
    return _lens(LensOptions(args.source, tuple(args.neuron), args.top, args.json, model_options(args)), narration)


def _lens(options: LensOptions, narration: Narration) -> int:
    from mechamap.runs.neuron_names import parse_neuron

    names = [parse_neuron(name) for name in options.neurons]
    run = run_named(options.source)
    loaded = model_named(options.source, run, options.model, narration)
    from mechamap.checks.lens import UNIT, neuron_lens

    lenses = [neuron_lens(loaded, name, options.top) for name in names]
    if options.json:
        plain = [
            {"neuron": lens.neuron, "unit": UNIT, "promoted": lens.promoted, "suppressed": lens.suppressed}
            for lens in lenses
        ]
        write_data(json.dumps(plain, ensure_ascii=False) + "\n")
        return 0
    print_lines(*(_lines(lens, run) for lens in lenses))
    narration.say(f"in {UNIT}, per unit of activation")
    return 0


def _lines(lens: Lens, run: Run | None) -> Iterator[str]:
    yield lens.neuron
    width = max([len(_shown(token)) for token, _ in lens.promoted] + [len("promoted")])
    yield f"  {'promoted':<{width}}  {'':>7}   suppressed"
    for (up, plus), (down, minus) in zip(lens.promoted, lens.suppressed, strict=True):
        yield f"  {_shown(up):<{width}}  {plus:>+7.2f}   {_shown(down)}  {minus:+.2f}"
    row = _row(run, lens.neuron) if run is not None and run.has("write") else None
    if run is not None and row is not None:
        writes = [f"{printable(name)} {float(run.column('write', name)[row]):+.2f}" for name in run.categories]
        yield f"  writes: {', '.join(writes)}"


def _row(run: Run, neuron: str) -> int | None:
    """None where the run left the neuron out, which its model has."""
    try:
        return run.row_of(neuron)
    except UsageError:
        return None


def _shown(token: str) -> str:
    return printable(repr(token)[1:-1])
