"""Finding neurons in the browse screen: by a filter, by name, by layer, and among the marked ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from textual.content import Content

from mechamap.errors import MechaMapError
from mechamap.runs.layout import layout_of, side_labels
from mechamap_tui.browse.layer_line import LayerLine
from mechamap_tui.browse.layer_list import LayerList
from mechamap_tui.browse.panes import PaneScreen
from mechamap_tui.browse.table.order import sort_keys
from mechamap_tui.data.layer_counts import flag_words
from mechamap_tui.widgets.glyphs import DOWN, UP
from mechamap_tui.widgets.pane_title import first_fitting, pane_title
from mechamap_tui.widgets.prompt import Question

if TYPE_CHECKING:
    from mechamap.query.link import Link

__all__ = ["FindScreen"]


class FindScreen(PaneScreen):
    """Decides which neurons the table shows, and says so in its borders."""

    _expression = ""  # the filter that was entered
    _trial: str | None = None  # the one being typed
    _only_marked = False
    _filtered = False

    # --- filter and name -------------------------------------------------------------------------------------

    async def action_filter(self) -> None:
        routed = " and tokens >= 30" if self.run.has("tokens") else ""
        example = f"reads > .9 and layer >= 20{routed}, or a token: apple"
        await self.prompt.ask(
            Question("filter", self._expression, example, self._try_filter, self._keep_filter, self._leave_filter)
        )

    async def action_goto(self) -> None:
        routed = bool((self.run.expert_of >= 0).any())
        example = "L7.E3.N12, or 7.e3.12" if routed else "L27.N1520, or 27.1520"
        await self.prompt.ask(Question("go to neuron", "", example, self._whether_shown, self._go_to_name))

    def _try_filter(self, text: str) -> str:
        """How many neurons pass a filter, which the table already shows.

        Raises:
            MechaMapError: it makes no sense.
        """
        mask = self._mask(text)
        self._trial = text
        self.table.show_only("expression", mask)
        return f"{len(self.table.order):,} neurons" if mask is not None else "all neurons"

    def _keep_filter(self, text: str) -> None:
        self._expression, self._trial = text.strip(), None
        self.entitle_table()

    def _leave_filter(self) -> None:
        self._trial = None
        self.apply_filter()

    def _whether_shown(self, name: str) -> str:
        """What going to a neuron would change.

        Raises:
            MechaMapError: no neuron has that name.
        """
        if not name.strip() or self.table.order.place_of(self.run.row_of(name)) is not None:
            return ""
        return "not shown now; enter takes the filters away"

    def _go_to_name(self, name: str) -> None:
        if name.strip():
            self._go_to(self.run.row_of(name))

    def apply_filter(self) -> None:
        """Filter again, because the category or the run's rows have changed."""
        expression = self._expression if self._trial is None else self._trial
        try:
            mask = self._mask(expression)
        except MechaMapError as error:  # it made sense for the category it was written for
            mask, self._expression, self._trial = None, "", None
            self.tell(error)
        self.table.show_only("expression", mask)

    def _mask(self, expression: str) -> NDArray[np.bool_] | None:
        if not expression.strip():
            return None
        from mechamap.query.evaluate import matching

        return matching(self.run, expression, self.category or None)

    def _go_to(self, row: int) -> None:
        rows = self.run.layer_rows(int(self.run.layer_of[row]))
        if not rows.complete:
            self.notify(f"Layer {rows.layer} is not finished yet.", severity="warning", markup=False)
        elif not self.table.go_to(row):
            self.action_clear()
            self.table.go_to(row)
            self.notify("The filters hid it and were taken away.", markup=False)

    def show_link(self, link: Link) -> None:
        """Show the neurons behind a cell of a report, by their category and in their order."""
        if link.category in self.run.categories:
            self.category = link.category
            self.table.show_category(link.category)
        named = self._row_named(link.where)  # a neuron's name is no filter
        self._expression, self._trial = link.where.strip() if named is None else "", None
        if keys := sort_keys(link.sort, {column.key for column in self.table.columns}):
            self.table.order.sort(*keys)
            self.table.reordered()
        self.apply_filter()
        self.table.action_first()
        row = self._row_named(link.neuron) if link.neuron else named
        if row is not None:
            self._go_to(row)
        self.entitle_table()

    def _row_named(self, name: str) -> int | None:
        try:
            return self.run.row_of(name)
        except MechaMapError:
            return None

    def action_clear(self) -> None:
        """Take all filters away: the expression, the layer, the marked ones."""
        self._expression, self._trial, self._only_marked = "", None, False
        self.layers_pane.go_to(None)
        self.table.show_only("marked", None)
        self.apply_filter()

    # --- layers ----------------------------------------------------------------------------------------------

    def action_layer(self, steps: int) -> None:
        self.layers_pane.action_step(steps)

    def on_layer_list_layer_changed(self, event: LayerList.LayerChanged) -> None:
        layer = event.layer
        self.table.show_only("layer", None if layer is None else self.run.layer_of == layer)
        self.layer_line.show(self.category, layer)

    def on_layer_list_layer_chosen(self) -> None:
        self.to_neurons(unzoom=True)

    def on_layer_line_layer_clicked(self, event: LayerLine.LayerClicked) -> None:
        self.layers_pane.go_to(event.layer)

    # --- marks -----------------------------------------------------------------------------------------------

    def action_mark(self) -> None:
        """Mark the neuron under the cursor, or take its mark away."""
        row = self.table.cursor_row
        if row is None:
            return
        name = str(self.run.neuron_name(row))
        try:
            self.notes.mark(name, not self.notes.is_marked(name))
        except MechaMapError as error:
            self.tell(error)
        self.take_marks()
        self.detail.show(self.detail.row, self.category)

    def action_marked(self) -> None:
        """Show only the marked neurons, or all again."""
        if not self._only_marked and not self.table.marked:
            self.notify("No neuron is marked; m marks the one under the cursor.", markup=False)
            return
        self._only_marked = not self._only_marked
        self.take_marks()

    def take_marks(self) -> None:
        """Show the marks that the notes hold."""
        rows = set()
        for name in self.notes.marked:
            try:
                rows.add(self.run.row_of(name))
            except MechaMapError:
                continue  # a mark from a larger scan into the same folder: kept in the file, nothing to show here
        self.table.marked = rows
        self._only_marked = self._only_marked and bool(rows)
        self.table.show_only("marked", self.marked_mask() if self._only_marked else None)
        self.table.redraw()

    def marked_mask(self) -> NDArray[np.bool_]:
        mask = np.zeros(self.run.neurons, dtype=bool)
        mask[list(self.table.marked)] = True
        return mask

    # --- what the borders say --------------------------------------------------------------------------------

    def on_neuron_table_order_changed(self) -> None:
        self.entitle_table()
        filtered = bool(self.table.order.filters)
        if filtered != self._filtered:  # whether there is something to clear is all that the keys depend on
            self._filtered = filtered
            self.refresh_bindings()

    def on_resize(self) -> None:
        self.call_after_refresh(self.entitle_table)

    def entitle_table(self) -> None:
        """Say in the table's borders what it shows."""
        order, complete = self.table.order, len(self.run.complete_layers) == len(self.run.layers)
        count = f"{len(order):,} of {order.available:,}" + ("" if complete else " so far")
        arrows = [f"{self.table.column_title(k.column)} {DOWN if k.descending else UP}" for k in order.keys]
        by = ", then ".join(arrows)
        width = self.table.outer_size.width or self.app.size.width
        self.table.border_title = first_fitting(
            width,
            pane_title("2 Neurons", f"category {self.category}" if self.category else "", count, f"sorted by {by}"),
            pane_title("2 Neurons", self.category, count, f"by {by}"),
            pane_title("2", self.category, count, by),
        )
        self.table.border_subtitle = (
            first_fitting(width, self._only(whole=True), self._only()) if self._only() else None
        )

    def _only(self, *, whole: bool = False) -> Content:
        """Which neurons the table shows, where not all; with the ``whole`` of what there is to say of a layer."""
        layer = self.layers_pane.layer_shown
        about = ""
        if layer is not None and whole:
            rows = self.run.layer_rows(layer)
            side = side_labels(self.run.layers, self.run.record.proof).get(layer, "")
            said = (side, str(layout_of(rows)) if rows.experts else "", flag_words(self.run, rows))
            about = f" ({', '.join(part for part in said if part)})" if any(said) else ""
        shown = (
            f"layer {layer}{about}" if layer is not None else "",
            "marked" if self._only_marked else "",
            self._expression,
        )
        only = " and ".join(part for part in shown if part)
        return pane_title(f"only {only} (N clears)" if only else "")
