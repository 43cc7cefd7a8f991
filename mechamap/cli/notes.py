"""``mechamap notes``: the marks and notes that a user gives a run's neurons."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mechamap.cli.loading import opened
from mechamap.cli.narration import Narration, print_data, write_data
from mechamap.cli.neuron_choice import add_choice_flags, chosen_neurons
from mechamap.cli.parser import Commands
from mechamap.errors import UsageError
from mechamap.system.paths import typed_text
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.kept.notes import Notes

__all__ = ["add_to"]


_DESCRIPTION = """The marks and notes of a run's neurons, as the explorer shows them. `mark` and `unmark` do so with the
neurons that --neuron, --where, --marked or --set name; `write` sets the note of one neuron to --note, or removes it
where that is empty."""

_ACTIONS = ("list", "mark", "unmark", "write")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("notes", help="marks and notes of a run's neurons", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("action", nargs="?", choices=_ACTIONS, default="list", metavar="ACTION", help=f"{', '.join(_ACTIONS)} (list)")
    add_choice_flags(parser)
    add("--note", metavar="T", type=typed_text, help="write: the note; empty: none any more")
    add("--json", action="store_true", help="list as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Do what is asked of the run's notes."""
    of_run = opened(args.source, narration)
    if of_run.path is None or of_run.is_csv:
        raise UsageError(f"{of_run.name} has no folder to keep notes in.", "Scan the model itself.")
    from mechamap.runs.kept.notes import Notes

    notes = Notes(of_run.path)
    if args.note is not None and args.action != "write":
        raise UsageError("--note is the note that `mechamap notes RUN write` sets.")
    if args.action == "list":
        _list(notes, args, narration)
        return 0
    names = [str(name) for name in chosen_neurons(args, of_run).neurons]
    if args.action != "write":
        notes.mark_all(names, args.action == "mark")
        narration.say(f"{args.action}ed {quantity(len(names), 'neuron')}; {len(notes.marked):,} are marked")
        return 0
    if args.note is None or len(names) != 1:
        raise UsageError("`mechamap notes RUN write` sets the note of one neuron.", 'Add --neuron N --note "...".')
    notes.write_note(names[0], args.note)
    narration.say(f"{names[0]}: {printable(args.note) if args.note.strip() else 'no note'}")
    return 0


def _list(notes: Notes, args: argparse.Namespace, narration: Narration) -> None:
    neurons = {name: (notes.is_marked(name), notes.note(name)) for name in notes.neurons}
    if args.json:
        plain = {name: {"marked": marked, "note": note} for name, (marked, note) in neurons.items()}
        write_data(json.dumps({"neurons": plain}, ensure_ascii=False, indent=1) + "\n")
        return
    if not neurons:
        narration.say("no marks and notes yet: `mechamap notes RUN mark --neuron L7.N1844` marks a neuron")
    width = max((len(printable(name)) for name in neurons), default=0)
    for name, (marked, note) in neurons.items():
        print_data(f"{'*' if marked else ' '} {printable(name):<{width}}  {printable(note)}".rstrip())
