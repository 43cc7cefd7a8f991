"""``mechamap views``: named views of a run's neurons, which the explorer and other commands show."""

from __future__ import annotations

import argparse
import json
import shlex
from typing import TYPE_CHECKING, Any

from mechamap.cli.loading import opened
from mechamap.cli.narration import Narration, print_data, write_data
from mechamap.cli.parser import Commands
from mechamap.errors import UsageError
from mechamap.system.paths import typed_text
from mechamap.wording.plain import printable

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap.runs.views.saved_views import SavedViews
    from mechamap.runs.views.table_view import TableView

__all__ = ["add_to"]


_DESCRIPTION = """Named views of a run: a filter, sort columns and a category, kept beside it in views.json; in the
explorer (`b`) also columns. `mechamap neurons RUN --view NAME` lists the neurons of one, `mechamap export RUN --view
NAME` writes them, `mechamap-tui RUN --view NAME` shows it."""

_ACTIONS = ("list", "show", "add", "rename", "remove")


def add_to(commands: Commands) -> None:
    """Declare the command."""
    parser = commands.add_parser("views", help="named views of a run's neurons", description=_DESCRIPTION)
    add = parser.add_argument
    add("source", metavar="RUN", help="a run's name or folder")
    add("action", nargs="?", choices=_ACTIONS, default="list", metavar="ACTION", help=f"{', '.join(_ACTIONS)} (list)")
    add("name", nargs="?", type=typed_text, metavar="NAME", help="of the view")
    add("new", nargs="?", type=typed_text, metavar="NEW", help="rename: what to call it")
    add("--where", metavar="EXPR", type=typed_text, default="", help="add: only the neurons that this is true for")
    add("--sort", metavar="COLS", type=typed_text, help="add: sort by these columns; - in front sorts downwards")
    add("--category", metavar="C", type=typed_text, help="add: the category to show")
    add("--marked", action="store_true", help="add: only marked neurons")
    add("--overwrite", action="store_true", help="add: replace a view of that name")
    add("--json", action="store_true", help="list and show as JSON")
    parser.set_defaults(run=run, parser=parser)


def run(args: argparse.Namespace, narration: Narration) -> int:
    """Do what is asked of the run's views."""
    of_run = opened(args.source, narration)
    if of_run.path is None or of_run.is_csv:
        raise UsageError(f"{of_run.name} has no folder to keep views in.", "Scan the model itself.")
    from mechamap.runs.views.saved_views import SavedViews

    views = SavedViews(of_run.path)
    match args.action:
        case "list":
            _list(views, of_run, args, narration)
        case "show":
            _show(of_run, _name(args), views.named(_name(args)), args)
        case "add":
            _add(views, of_run, args, narration)
        case "rename":
            _rename(views, args, narration)
        case "remove":
            if (name := _name(args)) not in views.damaged:
                views.named(name)
            views.remove(name)
            narration.say(f"removed {printable(name)}")
    return 0


def _name(args: argparse.Namespace) -> str:
    if not args.name:
        raise UsageError(f"`mechamap views RUN {args.action}` needs the name of a view.")
    return str(args.name).strip()


def _list(views: SavedViews, of_run: Run, args: argparse.Namespace, narration: Narration) -> None:
    for name in views.damaged:
        narration.say(f"note: the view {printable(name)} is damaged; it is left in {views.file} as it is")
    if args.json:
        write_data(_json(views.views))
        return
    if not views.views:
        narration.say("no views yet: `mechamap views RUN add NAME --where EXPR` makes one, or b in the explorer")
    width = max((len(printable(name)) for name in views.views), default=0)
    for name, view in views.views.items():
        print_data(f"{printable(name):<{width}}  {printable(_flags(of_run, view))}".rstrip())


def _show(of_run: Run, name: str, view: TableView, args: argparse.Namespace) -> None:
    if args.json:
        write_data(_json({name: view}))
    else:
        print_data(f"mechamap neurons {shlex.quote(printable(args.source))} {printable(_flags(of_run, view))}")


def _add(views: SavedViews, of_run: Run, args: argparse.Namespace, narration: Narration) -> None:
    from mechamap.query.column_names import columns_of
    from mechamap.query.evaluate import matching
    from mechamap.runs.views.table_view import TableView

    name = _name(args)
    category = args.category or next(iter(of_run.categories), "")
    if args.category is not None:
        of_run.category_index(category)
    if args.where.strip():
        matching(of_run, args.where, category or None)  # refused now rather than each time it is shown
    sort = columns_of(of_run, args.sort, category) if args.sort else ()
    if not args.overwrite and (name in views.views or name in views.damaged):
        raise UsageError(f"There is a view named {name!r} already.", "Choose another name, or add --overwrite.")
    view = TableView(args.where.strip(), args.category or "", marked=args.marked, sort=sort)
    views.keep(name, view)
    narration.say(f"{printable(name)}: {printable(_flags(of_run, view))}")


def _rename(views: SavedViews, args: argparse.Namespace, narration: Narration) -> None:
    name = _name(args)
    if not args.new:
        raise UsageError("`mechamap views RUN rename` needs two names: the old and the new one.")
    if name not in views.damaged:
        views.named(name)
    views.rename(name, args.new)
    narration.say(f"{printable(name)} is called {printable(args.new.strip())} now")


def _flags(of_run: Run, view: TableView) -> str:
    """The view as flags of ``mechamap neurons`` and ``mechamap export``."""
    from mechamap.query.view_query import view_query

    query = view_query(of_run, view)
    flags = [f"--where={query.where}"] if query.where else []
    flags += [f"--sort={query.sort}"]
    flags += [f"--category={query.category}"] if query.category else []
    return " ".join([*map(shlex.quote, flags), *(["--marked"] if query.marked else [])])


def _json(views: dict[str, TableView]) -> str:
    from mechamap.runs.views.table_view import table_view_to_plain

    plain: dict[str, Any] = {name: table_view_to_plain(view) for name, view in views.items()}
    return json.dumps({"format": 1, "views": plain}, ensure_ascii=False, indent=1) + "\n"
