"""``mechamap runs``: list the runs, show one, and remove them."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mechamap.cli.narration import Narration, print_data, print_lines
from mechamap.cli.parser import Commands
from mechamap.errors import Cancelled, UsageError
from mechamap.runs.corpus.words import corpus_facts
from mechamap.wording.amounts import duration, size
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["add_to"]


def add_to(commands: Commands) -> None:
    """Declare the commands; ``runs`` alone lists."""
    parser = commands.add_parser("runs", help="list, show or remove runs", description="The runs in the data folder.")
    parser.set_defaults(run=_list, parser=parser)
    below = parser.add_subparsers(metavar="list|show|rm", dest="runs_command")
    lister = below.add_parser("list", help="the runs in the data folder, newest first")
    lister.set_defaults(run=_list, parser=lister)
    show = below.add_parser("show", help="what a run is and how it was made")
    show.add_argument("name", metavar="RUN", help="a run's name or folder, or a CSV")
    show.set_defaults(run=_show, parser=show)
    remove = below.add_parser("rm", help="delete runs")
    remove.add_argument("names", metavar="RUN", nargs="+", help="a run's name or folder")
    remove.add_argument("-y", "--yes", action="store_true", help="do not ask")
    remove.set_defaults(run=_remove, parser=remove)


def _list(args: argparse.Namespace, narration: Narration) -> int:
    from mechamap.runs.library import list_runs, runs_folder

    infos = list_runs()
    if not infos:
        narration.say(f"There are no runs in {runs_folder()} yet. To make one: mechamap scan demo")
        return 0
    rows = [("NAME", "MODEL", "STATE", "LAYERS", "NEURONS", "CATEGORIES", "SIZE", "CREATED")]
    rows += [
        (
            printable(run.name), printable(run.model), run.state, f"{run.layers_complete}/{run.layers}",
            f"{run.neurons:,}", str(run.categories), size(run.bytes), run.created[:16].replace("T", " "),
        )
        for run in infos
    ]  # fmt: skip
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print_data("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0


def _show(args: argparse.Namespace, narration: Narration) -> int:
    from mechamap.cli.confirm import confirmation_lines
    from mechamap.cli.direction_lines import direction_lines
    from mechamap.cli.scan_report import coverage_lines, strongest_lines
    from mechamap.csv_files.run import open_run
    from mechamap.runs.foreign_code import foreign_code
    from mechamap.runs.layout import layers_in_words, side_labels
    from mechamap.runs.proof_record import proof_table, token_verdict, verdict

    run = open_run(args.name)
    record, model = run.record, run.record.model
    facts = {
        "run": str(run.path),
        "state": f"{record.state}, {len(run.complete_layers)} of {len(run.layers)} layers complete",
        "model": f"{model.name}, {model.architecture}, {model.parameters:,} parameters"
        if model.parameters
        else model.name,
        "id": model.id + (f" at {model.revision}" if model.revision else ""),
        "computed": f"{model.dtype} on {model.device}{f', weights in {model.packing}' if model.packing else ''}",
        "adapter": model.adapter,
        "code": foreign_code(record),
        "attention": model.attention.removeprefix("attention "),
        "neurons": f"{run.neurons:,} in layers {layers_in_words(run.layers)}",
        "figures": ", ".join(record.figures),
        "threshold": f"{run.threshold:g}",
        "left out": record.exclusions.summary if record.exclusions else "",
        **_text_facts(run),
        "proof": " ".join(
            map(str, verdict(record.proof, model.dtype, damaged=any(rows.damaged for rows in record.layers)))
        ),
        "tokens": token_verdict(record.token_proof).removeprefix("Tokens: ") if record.proof else "",
        "versions": ", ".join(f"{name} {version}" for name, version in record.versions.items()),
        "began": record.created,
        "timings": ", ".join(f"{name} {duration(seconds)}" for name, seconds in record.timings.items()),
    }
    width = max(10, *(len(printable(name)) for name in facts))
    for name, fact in facts.items():
        if fact:
            print_data(f"{printable(name):<{width}} {printable(fact)}")
    for problem in record.problems:
        print_data(f"{'note':<{width}} {printable(problem)}")
    for figure, reason in record.undefined.items():
        print_data(f"{'note':<{width}} {figure} is empty: {printable(reason)}")
    checked = list(confirmation_lines(record.confirmation)) if record.confirmation else []
    directions = list(direction_lines(record.confirmation)) if record.confirmation else []
    proof = proof_table(record.proof, side_labels(run.layers, record.proof)) if record.proof else []
    proved = [printable("  ".join(row).rstrip()) for row in proof]
    strongest = strongest_lines(run) if run.has("selectivity") else []
    print_lines([], *filter(None, (proved, coverage_lines(run), strongest, checked, directions)))
    return 0


def _text_facts(run: Run) -> dict[str, str]:
    """How much text or which corpus was read; nothing where the run does not say."""
    record = run.record
    if record.corpus is not None:
        seq_len = record.config.corpus.seq_len if record.config is not None and record.config.corpus else None
        return dict(corpus_facts(record.corpus, seq_len))
    if not run.has_context:
        return {}
    return {"text": f"{len(record.tokens.pieces):,} tokens in {len(record.tokens.windows)} windows"}


def _remove(args: argparse.Namespace, narration: Narration) -> int:
    from mechamap.runs.library import find_run, remove_run

    paths = [find_run(name) for name in args.names]  # all or none: a name that is wrong removes nothing
    if not args.yes:
        if not sys.stdin.isatty():
            raise UsageError("Removing runs needs a confirmation, and stdin is not a terminal.", "Give --yes.")
        narration.say(f"Delete {', '.join(str(path) for path in paths)}? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise Cancelled("Nothing was deleted.")
    for path in paths:
        remove_run(path)
        narration.say(f"deleted {path}")
    return 0
