"""The dialog of a run's named views: shown, kept, renamed, removed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from textual.binding import Binding, BindingType

from mechamap.runs.views.saved_views import VIEWS_FILE, SavedViews
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.views.difference import difference
from mechamap_tui.dialogs.list_dialog import ListDialog
from mechamap_tui.terminal.terminal_text import pad

__all__ = ["ViewChoice", "ViewsDialog"]


NAME = 24  # cells


@dataclass(frozen=True, slots=True)
class ViewChoice:
    """What to do: ``show`` a view (None: the one of the beginning), ``keep`` the one on the screen, ``rename``,
    ``remove``."""

    does: Literal["show", "keep", "rename", "remove"]
    name: str | None = None


class ViewsDialog(ListDialog[ViewChoice]):
    """Dismissed with what is to be done, or None.

    Args:
        title: what a column is called.
        name: the view that the cursor begins on.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose('show')", "show"),
        Binding("a", "keep", "keep what is shown now"),
        Binding("r", "choose('rename')", "rename"),
        Binding("d", "choose('remove')", "remove"),
    ]

    def __init__(self, views: SavedViews, title: Callable[[str], str], name: str = "") -> None:
        super().__init__("Views", "enter shows · a keeps this one · r renames · d removes · q leaves")
        self._views, self._title = views, title
        self._names: list[str | None] = [None, *views.views, *views.damaged]
        self.cursor = self._names.index(name) if name in self._names else 0

    @property
    def lines(self) -> Sequence[str]:
        return [self._line(name) for name in self._names]

    def _line(self, name: str | None) -> str:
        return f"{pad('(all neurons)' if name is None else name, NAME)}  {self._shows(name)}"

    def _shows(self, name: str | None) -> str:
        if name is None:
            return "as a run is opened for the first time"
        if (view := self._views.views.get(name)) is None:
            return f"damaged; it is left in {VIEWS_FILE} as it is"
        return difference(TableView(), view, self._title) or "all neurons"

    @property
    def about(self) -> str:
        return self._shows(self._names[self.cursor])

    def action_keep(self) -> None:
        """Keep what is shown now; the name is asked for."""
        self.dismiss(ViewChoice("keep", self._names[self.cursor]))

    def action_choose(self, does: Literal["show", "rename", "remove"]) -> None:
        """Do something with the view under the cursor."""
        name = self._names[self.cursor]
        if name is None and does != "show":
            self.notify("This one is always there.", markup=False)
        elif does == "show" and name is not None and name not in self._views.views:
            self.notify(f"{name} is damaged: {VIEWS_FILE} says something else than a view there.", markup=False)
        else:
            self.dismiss(ViewChoice(does, name))
