"""Which neurons the browse screen's table shows: those of a filter, of a layer, the marked ones, the one of a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mechamap.errors import MechaMapError
from mechamap.figures.catalogue import judged_figures
from mechamap.figures.of_run import default_figure
from mechamap.query.column_names import expression_of
from mechamap.replay.view import View
from mechamap.runs.kept.notes import Notes
from mechamap.runs.run import Run
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.table.order import sort_keys
from mechamap_tui.browse.table.table import NeuronTable
from mechamap_tui.browse.table_borders import entitle_table
from mechamap_tui.browse.table_view import table_view
from mechamap_tui.data.counting import Counting
from mechamap_tui.explorer import explorer_of
from mechamap_tui.widgets.prompt import Question

if TYPE_CHECKING:
    from mechamap.query.link import Link

__all__ = ["Finding"]


class Finding:
    """Decides which neurons a table shows, and describes them in its borders.

    Attributes:
        expression: the filter that was entered.
        only_marked: whether only marked neurons are shown.
    """

    def __init__(self, run: Run, notes: Notes, table: NeuronTable, layers: LayerList) -> None:
        self._run, self._notes, self._table, self._layers = run, notes, table, layers
        self.expression = ""
        self.only_marked = False
        self._trial: str | None = None  # while it is typed

    # --- filter and name -------------------------------------------------------------------------------------

    def filter_question(self) -> Question:
        """Asks for a filter; the table shows what passes while it is typed."""
        routed = " and tokens >= 30" if self._run.has("tokens") else ""
        figure = judged_figures()[default_figure(self._run)]
        above = f"{figure.label} > {figure.threshold(self._run):g}"
        example = f"{above} and layer >= 20{routed}, or a token: apple"
        return Question("filter", self.expression, example, self._try_filter, self._keep_filter, self._leave_filter)

    def name_question(self) -> Question:
        """Asks which neuron to go to."""
        routed = bool((self._run.expert_of >= 0).any())
        example = "L7.E3.N12, or 7.e3.12" if routed else "L27.N1520, or 27.1520"
        return Question("go to neuron", "", example, self._whether_shown, self._go_to_name)

    def _try_filter(self, text: str) -> str:
        """How many neurons pass a filter, which the table already shows.

        Raises:
            MechaMapError: it makes no sense.
        """
        mask = self._mask(text)
        self._trial = text
        self._table.show_only("expression", mask)
        return f"{self._table.order.count:,} neurons" if mask is not None else "all neurons"

    def _keep_filter(self, text: str) -> None:
        self.expression, self._trial = text.strip(), None
        self._table.post_message(NeuronTable.OrderChanged())

    def _leave_filter(self) -> None:
        self._trial = None
        self.apply()

    def _whether_shown(self, name: str) -> str:
        """What going to a neuron would change.

        Raises:
            MechaMapError: no neuron has that name.
        """
        if not name.strip() or self._table.order.shows(self._run.row_of(name)):
            return ""
        return "hidden by the filters; enter clears them"

    def _go_to_name(self, name: str) -> None:
        if name.strip():
            self._go_to(self._run.row_of(name))

    def go_to(self, name: str) -> None:
        """Put the cursor on a neuron; filters that hide it are cleared."""
        self._go_to(self._run.row_of(name))

    def apply(self) -> None:
        """Filter again, because the category or the run's rows have changed."""
        if (error := self._apply()) is not None:  # it was valid for the category it was written for
            self._tell(error)

    def _apply(self) -> MechaMapError | None:
        """Filter again; returns why a filter was dropped, if it was."""
        expression = self.expression if self._trial is None else self._trial
        problem = None
        try:
            mask = self._mask(expression)
        except MechaMapError as error:
            mask, self.expression, self._trial, problem = None, "", None, error
        self._table.show_only("expression", mask)
        return problem

    def show(self, where: str, *, layer: int | None, marked: bool) -> MechaMapError | None:
        """Show only the neurons of a filter and a layer, or the marked ones of them.

        Returns:
            Why the filter is dropped, if it is.
        """
        self.expression, self._trial = where.strip(), None
        self.show_layer(layer)
        self.only_marked = marked
        self.take_marks()
        return self._apply()

    def _mask(self, expression: str) -> NDArray[np.bool_] | None:
        if not expression.strip():
            return None
        from mechamap.query.evaluate import matching

        return matching(self._run, expression, self._table.category or None)

    def _go_to(self, row: int) -> None:
        rows = self._run.layer_rows(int(self._run.layer_of[row]))
        if not rows.complete:
            self._table.notify(f"Layer {rows.layer} is not finished yet.", severity="warning", markup=False)
        elif not self._table.go_to(row):
            self.clear()
            self._table.go_to(row)
            self._table.notify("The filters hid it and were cleared; u brings them back.", markup=False)

    def show_link(self, link: Link) -> None:
        """Show the neurons behind a cell of a report, by their category and in their order."""
        if link.category in self._run.categories:
            self._table.show_category(link.category)
        named = self._row_named(link.where)  # a neuron's name is not a filter
        self.expression, self._trial = link.where.strip() if named is None else "", None
        if keys := sort_keys(link.sort, {column.key for column in self._table.columns}):
            self._table.sort(*keys)
        self.apply()
        self._table.action_first()
        row = self._row_named(link.neuron) if link.neuron else named
        if row is not None:
            self._go_to(row)
        self.entitle()

    def _tell(self, error: MechaMapError) -> None:
        explorer_of(self._table).show_error(error)

    def _row_named(self, name: str) -> int | None:
        try:
            return self._run.row_of(name)
        except MechaMapError:
            return None

    def show_layer(self, layer: int | None) -> None:
        """Show only the neurons of a layer (None: all)."""
        self._table.show_only("layer", None if layer is None else self._run.layer_of == layer)

    def clear(self) -> None:
        """Remove all filters: the expression, the layer, the marked ones."""
        self.expression, self._trial, self.only_marked = "", None, False
        self._layers.go_to(None)
        self.show_layer(None)  # now; what the layers say of it comes later
        self._table.show_only("marked", None)
        self.apply()

    # --- marks -----------------------------------------------------------------------------------------------

    def is_marked(self, row: int) -> bool:
        """Whether a neuron is marked."""
        return self._notes.is_marked(str(self._run.neuron_name(row)))

    def set_mark(self, name: str, marked: bool) -> None:
        """Mark a neuron, or remove its mark."""
        try:
            self._notes.mark(name, marked)
        except MechaMapError as error:
            self._tell(error)
        self.take_marks()

    def switch_marked(self) -> None:
        """Show only the marked neurons, or all again."""
        if not self.only_marked and not self._table.marked:
            self._table.notify("No neuron is marked; m marks the one under the cursor.", markup=False)
            return
        self.only_marked = not self.only_marked
        self.take_marks()

    def take_marks(self) -> None:
        """Show the marks that the notes hold."""
        rows = set()
        for name in self._notes.marked:
            try:
                rows.add(self._run.row_of(name))
            except MechaMapError:
                continue  # a mark from a larger scan into the same folder: kept in the file, nothing to show here
        self._table.marked = rows
        self.only_marked = self.only_marked and bool(rows)
        self._table.show_only("marked", self._marked_mask() if self.only_marked else None)
        self._table.redraw()

    def _marked_mask(self) -> NDArray[np.bool_]:
        mask = np.zeros(self._run.neurons, dtype=bool)
        mask[list(self._table.marked)] = True
        return mask

    # --- counts ----------------------------------------------------------------------------------------------

    def view(self) -> View:
        """What the table shows, as the command line says it."""
        return table_view(self._table, self.expression, self._layers.layer_shown, marked=self.only_marked)

    def counting(self) -> Counting:
        """The neurons of the table, to be counted by its column under the cursor."""
        table = self._table
        by = expression_of(self._run, table.columns[table.column].key, table.category)
        return Counting(self._run, by, self.expression, table.category, table.order.passing, self.view())

    def filter_by(self, expression: str) -> None:
        """Show only the neurons that a filter keeps, among those of the layer and the marked ones."""
        self._keep_filter(expression)
        self.apply()
        self._table.action_first()
        self.entitle()

    def scopes(self) -> dict[str, NDArray[np.int64]]:
        """Rows of all neurons, of those that the table shows, and of the marked ones, in the table's order."""
        order = self._table.order
        return {"all": order.matching(), "filtered": order.rows_now, "marked": order.matching(self._marked_mask())}

    # --- the borders -----------------------------------------------------------------------------------------

    def entitle(self) -> None:
        """Describe in the table's borders what it shows."""
        if self._trial is None:
            explorer_of(self._table).viewed(self._run, self.view())
        entitle_table(self._table, self.expression, self._layers.layer_shown, marked=self.only_marked)
