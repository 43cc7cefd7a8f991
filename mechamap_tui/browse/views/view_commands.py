"""Commands of the palette that name a column or a view."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING

from mechamap.errors import MechaMapError
from mechamap.query.column_names import ALL_CATEGORIES
from mechamap.runs.views.saved_views import SavedViews
from mechamap_tui.terminal.terminal_text import clean

if TYPE_CHECKING:
    from mechamap_tui.browse.table.table import NeuronTable
    from mechamap_tui.browse.views.view_actions import ViewActions

__all__ = ["view_commands"]


def view_commands(screen: ViewActions) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """Title, what it does, and what to call: a command for each column that can be hidden or shown, and each view."""
    table = screen.table
    for column in table.arrangement.all:
        if table.arrangement.can_hide(column.key):
            hidden = table.arrangement.is_hidden(column.key)
            title = column.key.removeprefix(ALL_CATEGORIES) if column.key.startswith(ALL_CATEGORIES) else column.title
            does = "bring the column back" if hidden else "leave the column out"
            yield f"{'Show' if hidden else 'Hide'} column {title}", does, partial(_hide, table, column.key, not hidden)
    try:
        views = SavedViews(screen.run.path).views
    except MechaMapError:
        return  # the dialog of views says what is wrong with them
    for name, view in views.items():
        yield f"View {clean(name)}", "show the named view", partial(screen.show_view, view, f"view {name}")


def _hide(table: NeuronTable, key: str, hidden: bool) -> None:
    table.choose_columns(table.arrangement.hidden(key, hidden=hidden))
