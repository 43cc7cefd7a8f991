"""``mechamap sets``: named sets of a run's neurons, which are ablated and steered as one."""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from mechamap.cli.loading import opened
from mechamap.cli.narration import Narration, print_data, write_data
from mechamap.cli.neuron_choice import add_choice_flags, chosen_neurons
from mechamap.cli.parser import Commands
from mechamap.errors import UsageError
from mechamap.system.paths import typed_text, user_path
from mechamap.wording.amounts import quantity
from mechamap.wording.plain import printable, shortened

if TYPE_CHECKING:
    from mechamap.runs.kept.notes import Notes
    from mechamap.runs.run import Run
    from mechamap.runs.sets.neuron_sets import NeuronSet

__all__ = ["add_to"]


_DESCRIPTION = """Named sets of neurons in a run's notes, for `mechamap steer --set` and `mechamap ablate --set`. `add`
makes one of the neurons that --neuron, --where, --marked or --set name; `export` and `import` carry sets to another run
of the same model."""

_ACTIONS = ("list", "show", "add", "remove", "export", "import")
_SHOWN = 60  # characters of the neurons in a line of the list


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("sets", help="named sets of a run's neurons", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("action", nargs="?", choices=_ACTIONS, default="list", metavar="ACTION", help=f"{', '.join(_ACTIONS)} (list)")
    add("name", nargs="?", type=typed_text, metavar="NAME", help="of the set")
    add_choice_flags(parser)
    add("--note", metavar="T", type=typed_text, default="", help="a note about the set that is added")
    add("--overwrite", action="store_true", help="replace a set, or a file, of that name")
    add("--out", metavar="F", help="export: the file to write (default: standard output)")
    add("--in", metavar="F", dest="file", help="import: the file to read")
    add("--json", action="store_true", help="list and show as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Do what is asked of the run's sets."""
    of_run = opened(args.source, narration)
    if of_run.path is None or of_run.is_csv:
        raise UsageError(f"{of_run.name} has no folder to keep sets in.", "Scan the model itself.")
    from mechamap.runs.kept.notes import Notes

    notes = Notes(of_run.path)
    match args.action:
        case "list":
            _list(notes, args, narration)
        case "show":
            _show(_named(notes, args), args)
        case "add":
            _add(notes, of_run, args, narration)
        case "remove":
            notes.remove_set(_named(notes, args).name)
            narration.say(f"removed {printable(args.name)}")
        case "export":
            _export(notes, args, narration)
        case "import":
            _import(notes, of_run, args, narration)
    return 0


def _named(notes: Notes, args: argparse.Namespace) -> NeuronSet:
    if not args.name:
        raise UsageError(f"`mechamap sets RUN {args.action}` needs the name of a set.")
    return notes.named_set(args.name)


def _list(notes: Notes, args: argparse.Namespace, narration: Narration) -> None:
    if args.json:
        write_data(_json(notes.sets))
        return
    if not notes.sets:
        narration.say("no sets yet: `mechamap sets RUN add NAME --neuron L7.N1844` makes one")
    width = max((len(printable(each.name)) for each in notes.sets), default=0)
    for each in notes.sets:
        neurons = shortened(" ".join(map(str, each.neurons)), _SHOWN)
        line = f"{printable(each.name):<{width}}  {len(each.neurons):>5}  {neurons:<{_SHOWN}}  {printable(each.note)}"
        print_data(line.rstrip())


def _show(members: NeuronSet, args: argparse.Namespace) -> None:
    if args.json:
        write_data(_json((members,)))
        return
    if members.note:
        print_data(f"# {printable(members.note)}")
    for neuron in members.neurons:
        print_data(str(neuron))


def _add(notes: Notes, of_run: Run, args: argparse.Namespace, narration: Narration) -> None:
    from mechamap.runs.sets.neuron_sets import NeuronSet

    if not args.name:
        raise UsageError("`mechamap sets RUN add` needs a name for the set.")
    members = NeuronSet.of(args.name, chosen_neurons(args, of_run).neurons, args.note)
    _refuse_replacing(notes, members.name, args)
    notes.write_set(members)
    narration.say(f"{printable(members.name)}: {quantity(len(members.neurons), 'neuron')}")


def _export(notes: Notes, args: argparse.Namespace, narration: Narration) -> None:
    from mechamap.exports.target import check_target, write_whole
    from mechamap.runs.sets.neuron_sets import sets_to_bytes

    sets = (_named(notes, args),) if args.name else notes.sets
    if not sets:
        raise UsageError("The run has no sets to export.")
    if args.out is None or args.out == "-":
        write_data(_json(sets))
        return
    target = check_target(user_path(args.out), overwrite=args.overwrite)
    write_whole(target, lambda stream: stream.write(sets_to_bytes(sets)), overwrite=args.overwrite)
    narration.say(f"{quantity(len(sets), 'set')} to {target.resolve()}")


def _import(notes: Notes, of_run: Run, args: argparse.Namespace, narration: Narration) -> None:
    from mechamap.query.neuron_choice import refuse_absent
    from mechamap.runs.sets.neuron_sets import read_sets

    if not args.file:
        raise UsageError("`mechamap sets RUN import` needs a file: --in FILE.")
    sets = [each for each in read_sets(user_path(args.file)) if not args.name or each.name == args.name.strip()]
    if not sets:
        raise UsageError(f"{args.file} holds no set{f' named {args.name!r}' if args.name else ''}.")
    for each in sets:  # all or none
        refuse_absent(each.neurons, of_run, f"The set {each.name}")
        _refuse_replacing(notes, each.name, args)
    for each in sets:
        notes.write_set(each)
    narration.say(f"{quantity(len(sets), 'set')}: {', '.join(printable(each.name) for each in sets)}")


def _refuse_replacing(notes: Notes, name: str, args: argparse.Namespace) -> None:
    if not args.overwrite and any(each.name == name for each in notes.sets):
        raise UsageError(f"There is a set named {name!r} already.", "Choose another name, or add --overwrite.")


def _json(sets: tuple[NeuronSet, ...]) -> str:
    from mechamap.runs.sets.neuron_sets import sets_to_plain

    return json.dumps(sets_to_plain(sets), ensure_ascii=False, indent=1) + "\n"
