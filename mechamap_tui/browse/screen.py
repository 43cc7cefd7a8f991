"""The browse screen: a run's layers, its neurons, and one neuron from all sides."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from mechamap.errors import MechaMapError
from mechamap.runs.run import Run
from mechamap_tui.browse.categories import CategoryPane
from mechamap_tui.browse.charts import CategoryChart
from mechamap_tui.browse.detail.pane import DetailPane
from mechamap_tui.browse.finding import Finding
from mechamap_tui.browse.header import PANES, RunHeader
from mechamap_tui.browse.keys import BROWSE_KEYS
from mechamap_tui.browse.layer_line import LayerLine
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.panes import Panes
from mechamap_tui.browse.run_watch import Phase, RunWatch
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.browse.views.view_actions import ViewActions
from mechamap_tui.data.first_view import FirstView
from mechamap_tui.data.logged_notes import LoggedNotes
from mechamap_tui.explorer import explorer_of
from mechamap_tui.jobs.checks import AblationJob, CausesJob, ConfirmJob
from mechamap_tui.jobs.scan import ResumeJob, can_be_resumed
from mechamap_tui.terminal.clipboard import copy_text
from mechamap_tui.terminal.textual_internals import alone
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.prompt import Prompt
from mechamap_tui.widgets.too_small import TooSmall

if TYPE_CHECKING:
    from mechamap.query.link import Link
    from mechamap.runs.record import RunRecord
    from mechamap_tui.browse.views.session import SessionFile
    from mechamap_tui.jobs.job import AnyJob

__all__ = ["BrowseScreen"]


class BrowseScreen(ViewActions):
    """Browses one run, finished or still being made.

    Args:
        run: an open run; :meth:`refresh_run` says that it has been read again.
        link: the neurons to show first; all where None.
        session: where it is kept how the run is left; None: nowhere.
        first: what the command line asks to be shown.

    Raises:
        RunError: a figure's file is missing or damaged.
    """

    AUTO_FOCUS = "#neurons"
    BINDINGS: ClassVar[list[BindingType]] = [*BROWSE_KEYS]

    def __init__(
        self,
        run: Run,
        link: Link | None = None,
        session: SessionFile | None = None,
        first: FirstView | None = None,
    ) -> None:
        super().__init__()
        run.check_figures()  # a run that lacks a file is refused here, not while painting
        self._trouble: MechaMapError | None = None
        try:
            self.notes = LoggedNotes(run, self.did)
        except MechaMapError as error:
            self._trouble, self.notes = error, LoggedNotes(run, self.did, kept=False)
        self.run = run
        category = run.categories[0] if run.categories else ""
        self.header = RunHeader(run)
        self.table = NeuronTable(run, category)
        self.layers_pane = LayerList(run, category)
        self.layer_line = LayerLine(run, self.layers_pane.counts, category)
        self.detail = DetailPane(run, self.notes, category)
        self.categories = CategoryPane(run, category)
        self.panes = Panes(self.layers_pane, self.table, self.detail, self.categories, self.layer_line)
        self.finding = Finding(run, self.notes, self.table, self.layers_pane)
        self.prompt = Prompt(self, self.panes.to_neurons)
        self._make_views(self.detail, self.categories, session, first or FirstView())
        self._run_watch = RunWatch(self, run, self.refresh_run)
        self._filtered = False
        self._seen: tuple[Phase, AnyJob | None, RunRecord] | None = None
        self._link = link

    def compose(self) -> ComposeResult:
        yield self.header
        yield self.panes
        yield KeyFooter()
        yield TooSmall()

    def on_mount(self) -> None:
        self._run_watch.begin()
        self.finding.take_marks()
        self.refresh_run()
        if self._link is not None:
            self.finding.show_link(self._link)
        self.view_history.begin()
        self.session.begin()
        if self._trouble is not None:
            explorer_of(self).show_error(self._trouble)
        self._fit()

    # --- the run ---------------------------------------------------------------------------------------------

    def refresh_run(self) -> None:
        """Show what is new in the run; the cursor stays on its neuron."""
        phase = self._run_watch.phase
        seen, before = (phase, explorer_of(self).job, self.run.record), self._seen
        self._seen = seen
        if before is None or seen[:2] != before[:2]:
            with alone(self.header):
                self.header.show(phase)
            self.refresh_bindings()
            with alone(self.detail):
                self.detail.show(self.detail.row, self.category)
        if before is None or seen[2] is not before[2]:
            self.panes.show_new()
            with alone(self.table):
                self.finding.apply()
            with alone(self.header):
                self.header.show(phase)
            if self.run.record.corpus is not None:  # its positions count other tokens now
                self.panes.follow()
            elif before is not None and self.run.record.state != "running":
                self.panes.follow_soon()  # what is known about the neuron may have changed too

    def show_category(self, category: str, *, stay: bool = False) -> None:
        """Show another category in all panes; ``stay`` keeps the cursor on its neuron."""
        with alone(self.table):
            self.table.show_category(category, stay=stay)
            self.finding.apply()
        self.panes.follow_soon()

    def on_category_chart_category_clicked(self, event: CategoryChart.CategoryClicked) -> None:
        self.show_category(event.category, stay=True)

    def action_category(self, steps: int) -> None:
        names = self.run.categories
        self.show_category(names[(names.index(self.category) + steps) % len(names)])

    @property
    def category(self) -> str:
        """The current category."""
        return self.table.category

    # --- which neurons ---------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        await self.prompt.ask(self.finding.filter_question())

    async def action_goto(self) -> None:
        await self.prompt.ask(self.finding.name_question())

    def action_clear(self) -> None:
        self.finding.clear()

    def action_layer(self, steps: int) -> None:
        self.layers_pane.action_step(steps)

    # Not in Panes: a message goes up no further than to the widget whose handler has caused it.
    def on_layer_line_layer_clicked(self, event: LayerLine.LayerClicked) -> None:
        self.layers_pane.go_to(event.layer)

    def on_layer_list_layer_changed(self, event: LayerList.LayerChanged) -> None:
        self.finding.show_layer(event.layer)
        self.layer_line.show(self.category, event.layer)

    def action_mark(self) -> None:
        """Mark the neuron under the cursor, or remove its mark."""
        row = self.table.cursor_row
        if row is not None:
            name, marked = str(self.run.neuron_name(row)), not self.finding.is_marked(row)
            self.finding.set_mark(name, marked)
            self.view_history.note_mark(name, marked)
            self.detail.show(self.detail.row, self.category)

    def action_marked(self) -> None:
        self.finding.switch_marked()

    def action_copy(self) -> None:
        row = self.table.cursor_row
        if row is not None:
            where = copy_text(self.app, self.table.described(row))
            self.notify(f"{self.run.neuron_name(row)} copied {where}.", markup=False)

    def on_unmount(self) -> None:
        self.session.end()

    def on_neuron_table_neuron_highlighted(self) -> None:
        self.session.changed()
        if not self.prompt.asking:  # a filter that is being typed moves the cursor
            self.view_history.note_row()

    def on_neuron_table_order_changed(self) -> None:
        self.view_changed()
        filtered = bool(self.table.order.filters)
        if filtered != self._filtered:  # the keys depend only on whether there is something to clear
            self._filtered = filtered
            self.refresh_bindings()

    # --- panes -----------------------------------------------------------------------------------------------

    async def action_pane(self, number: int) -> None:
        await self.panes.go_to(PANES[number - 1])

    async def action_next_detail(self) -> None:
        """The next tab of the detail pane, without going there."""
        await self.detail.show_next_tab()

    def action_zoom(self) -> None:
        self.panes.switch_zoom()

    def action_back(self) -> None:
        """One step back: out of the zoom, to the neurons, to where the user came from."""
        if not self.panes.step_back():
            explorer_of(self).back()

    def on_resize(self) -> None:
        self._fit()
        self.call_after_refresh(self.finding.entitle)
        self.call_after_refresh(self.panes.keep_keys)

    def _fit(self) -> None:
        small = self.query_one(TooSmall).fit()
        for part in (self.header, self.panes, self.query_one(KeyFooter)):
            part.display = not small
        self.panes.fit()

    # --- checks and other screens ----------------------------------------------------------------------------

    def action_ablate(self) -> None:
        """Measure how each category is predicted without the neuron under the cursor."""
        row = self.table.cursor_row
        if row is not None:
            explorer_of(self).start(AblationJob(self.run, str(self.run.neuron_name(row))))

    def action_resume(self) -> None:
        """Go on with a scan that was stopped."""
        explorer_of(self).start(ResumeJob(self.run))

    def action_estimate_causes(self) -> None:
        """Estimate what the categories would lose without each of the neurons."""
        explorer_of(self).start(CausesJob(self.run))

    def action_confirm_run(self) -> None:
        """Check all findings on held-out words, and search random counterparts of the model if the user wants to."""
        from mechamap_tui.dialogs.confirm_run import ConfirmRunScreen

        explorer, run = explorer_of(self), self.run

        def begin(ways: tuple[str, ...] | None) -> None:
            if ways is not None:
                explorer.start(ConfirmJob(run, ways))

        if explorer.job is not None or ConfirmJob(run).refused:
            begin(())  # a dialog says at once why it cannot begin
        else:
            self.app.push_screen(ConfirmRunScreen(run), begin)

    def action_info(self) -> None:
        from mechamap_tui.dialogs.run_info import info_lines
        from mechamap_tui.dialogs.text_page import TextPage

        self.app.push_screen(TextPage("This run", partial(info_lines, self.run)))

    def action_interpret(self) -> None:
        """What the run's neurons say about its model."""
        explorer_of(self).open_interpretation(self.run)

    def action_compare(self) -> None:
        """What differs between the run and others."""
        explorer_of(self).open_comparison(self.run)

    def action_new_scan(self) -> None:
        explorer_of(self).open_new_form()

    def action_export(self) -> None:
        explorer_of(self).open_export(self.run, self.finding.scopes(), self.category)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only actions that do something now are in the footer and have keys."""
        if action == "clear":
            return bool(self.table.order.filters)
        if action in ("filter", "goto"):
            return not self.prompt.asking
        if action == "resume":
            return self._run_watch.phase is Phase.STOPPED and can_be_resumed(self.run)
        if action == "category":
            return len(self.run.categories) > 1
        return True
