"""The keys of the browse screen that are about what it shows as a whole: undo, columns, named views."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from mechamap.errors import MechaMapError
from mechamap.runs.sets.neuron_sets import checked_name
from mechamap.runs.views.table_view import TableView
from mechamap_tui.browse.neuron_actions import NeuronActions
from mechamap_tui.browse.views.session_keeper import SessionKeeper
from mechamap_tui.browse.views.shown_view import ShownView
from mechamap_tui.browse.views.view_history import ViewHistory
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.prompt import Prompt, Question

if TYPE_CHECKING:
    from mechamap.runs.views.column_choice import ColumnChoice
    from mechamap.runs.views.saved_views import SavedViews
    from mechamap_tui.browse.categories import CategoryPane
    from mechamap_tui.browse.detail.pane import DetailPane
    from mechamap_tui.browse.layer_list import LayerList
    from mechamap_tui.browse.panes import Panes
    from mechamap_tui.browse.views.history import Step
    from mechamap_tui.browse.views.session import SessionFile
    from mechamap_tui.browse.views.views_dialog import ViewChoice
    from mechamap_tui.data.first_view import FirstView

__all__ = ["ViewActions"]


class ViewActions(NeuronActions):
    """A screen with a neuron table whose views are undone, named and shown again.

    Attributes:
        view_history: how what it shows came about.
        session: keeps how it is left.
    """

    layers_pane: LayerList
    panes: Panes
    prompt: Prompt
    view_history: ViewHistory
    session: SessionKeeper

    def _make_views(
        self, detail: DetailPane, categories: CategoryPane, file: SessionFile | None, first: FirstView
    ) -> None:
        """Once the table and what filters it are there."""
        self.shown = ShownView(self.run, self.table, self.layers_pane, self.finding)
        self.view_history = ViewHistory(self.shown, self.table, self.finding.set_mark)
        self.session = SessionKeeper(self, self.view_history, (detail, categories), file, first)
        self._views: SavedViews | None = None

    # --- undo ------------------------------------------------------------------------------------------------

    def action_undo(self) -> None:
        """Undo the last change of filter, sort, columns, category, layer or marks."""
        self._tell_step(self.view_history.undo(), "Undone: {}. U does it again.", "Nothing is left to undo.")

    def action_redo(self) -> None:
        """Do again what was undone."""
        self._tell_step(self.view_history.redo(), "Done again: {}. u undoes it.", "Nothing was undone.")

    def _tell_step(self, step: Step | None, said: str, otherwise: str) -> None:
        self.notify(otherwise if step is None else said.format(step.what), timeout=3, markup=False)
        self.view_changed()
        self.panes.follow_soon()

    def view_changed(self) -> None:
        """Note what has changed, and show what follows of it."""
        self.view_history.note()
        self.session.changed()
        self.finding.entitle()

    # --- columns ---------------------------------------------------------------------------------------------

    def action_columns(self) -> None:
        """List the columns, to show, hide, move and widen them."""
        from mechamap_tui.browse.views.columns_dialog import ColumnsDialog

        def chosen(choice: ColumnChoice | None) -> None:
            if choice is not None:
                self.table.choose_columns(choice)

        key = self.table.columns[self.table.column].key
        self.app.push_screen(ColumnsDialog(self.table.arrangement, key), chosen)

    # --- named views -----------------------------------------------------------------------------------------

    def saved_views(self) -> SavedViews | None:
        """The run's named views, read again; None where they cannot be read, which a dialog says."""
        from mechamap.runs.views.saved_views import SavedViews

        try:
            if self._views is None:
                self._views = SavedViews(self.run.path)
            else:
                self._views.reload()
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return None
        return self._views

    def action_views(self) -> None:
        """List the run's named views: show one, keep the one on the screen."""
        self._list_views()

    def _list_views(self, name: str = "") -> None:
        from mechamap_tui.browse.views.views_dialog import ViewsDialog

        if (views := self.saved_views()) is not None:
            self.app.push_screen(ViewsDialog(views, self.table.column_title, name), self._view_chosen)

    async def _view_chosen(self, choice: ViewChoice | None) -> None:
        views = self._views
        if choice is None or views is None:
            return
        match choice.does, choice.name:
            case "show", None:
                self.show_view(TableView(), "all neurons")
            case "show", str(name):
                self.show_view(views.named(name), f"view {name}")
            case "keep", name:
                await self._ask_name(name or "", self._keeping, self._keep_view)
            case "rename", str(name):
                await self._ask_name(
                    name,
                    lambda new: f"enter: call {name} {checked_name(new, 'view')}",
                    partial(self._rename_view, name),
                )
            case "remove", str(name):
                self._ask_to_remove(name)

    def show_view(self, view: TableView, what: str) -> None:
        """Show a view, called ``what``; its filter is left out, and that is said, where the run does not know it."""
        problem = self.shown.show(view)
        self.view_history.note(what)
        if problem is not None:
            text = f"The filter {view.where} is left out: {problem.message}"
            self.notify(text, severity="warning", timeout=8, markup=False)
        else:
            self.notify(f"Shown: {what}. u goes back.", timeout=3, markup=False)
        self.view_changed()
        self.refresh_bindings()

    async def _ask_name(self, name: str, does: Callable[[str], str], named: Callable[[str], None]) -> None:
        """Ask what to call a view; ``does`` says what the name would do, or refuses it."""
        await self.prompt.ask(Question("view", name, "a name", does, named))

    def _keeping(self, name: str) -> str:
        assert self._views is not None
        name = checked_name(name, "view")
        there = name in self._views.views or name in self._views.damaged
        return f"enter: {'replace' if there else 'keep what is shown as'} the view {name}"

    def _keep_view(self, name: str) -> None:
        if self._change_views(lambda views: views.keep(name, self.shown.now)):
            self.notify(f"Kept as the view {name.strip()}; b shows it.", markup=False)

    def _rename_view(self, old: str, new: str) -> None:
        if self._change_views(lambda views: views.rename(old, new)):
            self._list_views(new.strip())

    def _ask_to_remove(self, name: str) -> None:
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        def answered(yes: bool | None) -> None:
            if yes and self._change_views(lambda views: views.remove(name)):
                self._list_views()

        self.app.push_screen(
            ConfirmScreen("Remove a view", f"Remove the view {name}?", yes="Remove", no="Keep"), answered
        )

    def _change_views(self, change: Callable[[SavedViews], None]) -> bool:
        """Change the run's named views; whether they are written, as a dialog says where not."""
        assert self._views is not None
        try:
            change(self._views)
        except MechaMapError as error:
            explorer_of(self).show_error(error)
            return False
        return True
