"""Shows a run as it was left, or as the command line asks, and keeps how it is left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.timer import Timer

from mechamap.errors import MechaMapError
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.views.difference import difference
from mechamap_tui.browse.views.session import Session, SessionFile
from mechamap_tui.data.first_view import FirstView
from mechamap_tui.explorer import explorer_of

if TYPE_CHECKING:
    from mechamap_tui.browse.categories import CategoryPane
    from mechamap_tui.browse.detail.pane import DetailPane
    from mechamap_tui.browse.neuron_actions import NeuronActions
    from mechamap_tui.browse.views.view_history import ViewHistory

__all__ = ["SessionKeeper"]


REST = 1.0  # seconds without a change after which it is kept


class SessionKeeper:
    """Follows a screen from its opening to its end.

    Args:
        panes: whose tabs are kept.
        file: where the session is kept; None: nowhere.
        first: what the command line asks for.
    """

    def __init__(
        self,
        screen: NeuronActions,
        history: ViewHistory,
        panes: tuple[DetailPane, CategoryPane],
        file: SessionFile | None,
        first: FirstView,
    ) -> None:
        self._screen, self._history = screen, history
        self._detail, self._categories = panes
        self._file, self._first = file, first
        self._kept: Session | None = None
        self._resting: Timer | None = None

    # --- opening ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Show the run as it was left, as far as it still has what was shown, and as the command line asks."""
        screen, left = self._screen, self._file.read() if self._file is not None else None
        self._kept = left
        if left is not None:
            self._show(left)
        if self._first.asked:
            try:
                self._show_first()
            except MechaMapError as error:
                explorer_of(screen).show_error(error)

    def _show(self, left: Session) -> None:
        screen = self._screen
        screen.shown.show(left.view)
        whole = TableView(category=left.view.category, sort=left.view.sort)
        hides = difference(whole, left.view, screen.table.column_title)
        if self._history.note("what it was left with") and hides:
            screen.notify(f"As you left it: {hides}. u shows all.", timeout=6, markup=False)
        self._go_to(left.neuron)
        screen.table.go_to_column(left.column)
        if left.chart in self._categories.tabs:
            self._categories.tab = left.chart
        if left.tab in self._detail.tabs and left.tab != self._detail.tab:
            screen.call_later(self._detail.show_tab, left.tab)

    def _show_first(self) -> None:
        first, screen = self._first, self._screen
        run, view = screen.run, screen.shown.now
        if first.view is not None:
            from mechamap.runs.views.saved_views import SavedViews

            view = SavedViews(run.path).named(first.view)
        if first.category is not None:
            run.category_index(first.category)
            view = replace(view, category=first.category)
        if first.where is not None:
            view = replace(view, where=first.where)
        if first.sort is not None:
            from mechamap.query.column_names import columns_of

            view = replace(view, sort=columns_of(run, first.sort, view.category))
        if (problem := screen.shown.show(view)) is not None:
            raise problem
        self._history.note("what the command line asked for")
        if first.neuron is not None:
            screen.finding.go_to(first.neuron)

    def _go_to(self, neuron: str) -> None:
        """Put the cursor on a neuron, if the run has it and the filters show it."""
        try:
            row = self._screen.run.row_of(neuron)
        except MechaMapError:
            return
        self._screen.table.go_to(row)

    # --- keeping ---------------------------------------------------------------------------------------------

    @property
    def now(self) -> Session:
        """How the run would be left now."""
        screen = self._screen
        column = screen.table.columns[screen.table.column].key
        return Session(screen.shown.now, screen.neuron or "", column, self._detail.tab, self._categories.tab)

    def changed(self) -> None:
        """Keep what is shown once it stays."""
        if self._file is not None:
            if self._resting is not None:
                self._resting.stop()
            self._resting = self._screen.set_timer(REST, self._keep_beside)

    async def _keep_beside(self) -> None:
        if self._file is not None and (now := self.now) != self._kept:
            self._kept = now
            await asyncio.to_thread(self._file.write, now)

    def end(self) -> None:
        """Keep how the run is left."""
        if self._file is not None and (now := self.now) != self._kept:
            self._file.write(now)
