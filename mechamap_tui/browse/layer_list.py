"""The layers of a run: how many of their neurons count for the category, and which layers are still to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from mechamap.runs.layout import layout_of, side_labels
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap_tui.data.layer_counts import LayerCounts, flag_words
from mechamap_tui.terminal.terminal_text import fit, pad
from mechamap_tui.widgets.glyphs import BARS, CURSOR, FLAG, PENDING
from mechamap_tui.widgets.line_view import LineView

__all__ = ["LayerList"]


WIDTH = 26  # of the pane, for a number, a bar for each of eight categories and a count
LAYOUTS_FROM = 150  # cells of a terminal in which there is room for more
COUNT = 6
FLAG_LEAST = 12  # cells from which there is room to say what is wrong with a layer


class LayerList(LineView):
    """One line for all layers and one for each; the line under the cursor is the layer that the table shows."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", "next layer", show=False),
        Binding("up,k", "step(-1)", "previous layer", show=False),
        Binding("pagedown,ctrl+d", "step(8)", "eight layers down", show=False),
        Binding("pageup,ctrl+u", "step(-8)", "eight layers up", show=False),
        Binding("g,home", "step(-1000000)", "all layers", show=False),
        Binding("G,end", "step(1000000)", "last layer", show=False),
        Binding("enter,space", "chosen", "to the neurons"),
    ]

    @dataclass
    class LayerChanged(Message):
        """Another layer was chosen; None: all of them."""

        layer: int | None

    @dataclass
    class LayerChosen(Message):
        """Enter was pressed on a layer."""

    def __init__(self, run: Run, category: str) -> None:
        super().__init__(id="layers", classes="pane")
        self.border_title = "1 Layers"
        self.run = run
        self.counts = LayerCounts(run)
        self.category = category
        self._cursor = 0  # 0: all layers
        self._sides = side_labels(run.layers, run.record.proof)
        self._side_width = max((len(label) + 1 for label in self._sides.values()), default=0)
        layouts = [str(layout_of(rows)) for rows in run.layers] if any(rows.experts for rows in run.layers) else []
        self._layout_width = max(map(len, layouts), default=0)

    def fitting_width(self, terminal: int) -> int:
        """The pane's width, border included, in a terminal of a width: enough for the layers' layouts, if possible."""
        layouts = self._layout_width + 2 if self._layout_width and terminal >= LAYOUTS_FROM else 0
        return WIDTH + self._side_width + layouts

    @property
    def layer_shown(self) -> int | None:
        """The layer under the cursor; None: all."""
        return None if self._cursor == 0 else self.run.layers[self._cursor - 1].layer

    def show_new(self) -> None:
        """Layers or figures have arrived: count again, and say what is counted."""
        self.counts.renew()
        self.border_subtitle = self.counts.counted or None
        self.renew(keep_scroll=True)

    def show_category(self, category: str) -> None:
        self.category = category
        self.renew(keep_scroll=True)

    def go_to(self, layer: int | None) -> None:
        """Put the cursor on a layer (None: all)."""
        index = 0 if layer is None else 1 + [rows.layer for rows in self.run.layers].index(layer)
        self.action_step(index - self._cursor)

    def action_step(self, lines: int) -> None:
        index = min(max(self._cursor + lines, 0), len(self.run.layers))
        if index == self._cursor:
            return
        self._cursor = index
        height = self.scrollable_content_region.height
        if index < self.scroll_offset.y:
            self.scroll_to(y=index, animate=False)
        elif index >= self.scroll_offset.y + height:
            self.scroll_to(y=index - height + 1, animate=False)
        self._drawn.clear()
        self.refresh()
        self.post_message(self.LayerChanged(self.layer_shown))

    def action_chosen(self) -> None:
        self.post_message(self.LayerChosen())

    def on_click(self, event: events.Click) -> None:
        index = self.line_at(event)
        if index is not None and index <= len(self.run.layers):
            self.action_step(index - self._cursor)
            if event.chain == 2:
                self.action_chosen()

    # --- lines -----------------------------------------------------------------------------------------------

    def measure(self, width: int) -> int:
        return 1 + len(self.run.layers)

    def line(self, index: int, width: int) -> Text:
        cursor = index == self._cursor
        text = Text().append(CURSOR if cursor else " ", self.look("strong"))
        if index == 0:
            text.append(pad("all", 4), self.look("strong"))
            text.append(self._count(None, width - 5).rjust(width - 5))
        else:
            text = self._layer_line(text, self.run.layers[index - 1], width)
        if cursor:
            text.stylize(self.look("cursor"))
        return text

    def _layer_line(self, text: Text, rows: LayerRows, width: int) -> Text:
        text.append(f"{rows.layer:>3} ", self.look("strong" if rows.complete else "dim"))
        text.append(self._sides.get(rows.layer, "").ljust(self._side_width), self.look("dim"))
        if not rows.complete:
            return text.append(fit(PENDING, width - text.cell_len), self.look("dim"))
        counts = self.counts.of(rows.layer)
        if counts is None:
            layout = str(layout_of(rows)) if rows.experts else ""
            size = layout if layout and len(layout) <= width - text.cell_len else f"{rows.width:,}"
            return text.append(size.rjust(width - text.cell_len), self.look("dim"))
        flag = FLAG if rows.flags else " "
        room = width - text.cell_len - COUNT
        if len(counts) <= room:
            highest = max(self.counts.highest(), 1)
            current = self.run.category_index(self.category)
            for category, count in enumerate(counts.tolist()):
                bar = BARS[-(-8 * count // highest)]
                text.append(bar, self.look("rising" if category == current else "dim"))
        text.append(flag, self.look("falling"))
        room = width - text.cell_len
        layout, trouble = str(layout_of(rows)) if self._layout_width else "", flag_words(self.run, rows)
        if self._layout_width and room >= COUNT + self._layout_width + 2:
            text.append(self._count(rows.layer, 5).rjust(COUNT - 1), self.look("strong"))
            text.append(f"  {layout.ljust(self._layout_width)}", self.look("dim"))
        else:
            text.append(self._count(rows.layer, 5).rjust(room if not trouble else COUNT - 1), self.look("strong"))
        room = width - text.cell_len
        if trouble and room > FLAG_LEAST:
            text.append(f"  {fit(trouble, room - 2)}", self.look("falling"))
        return text

    def _count(self, layer: int | None, width: int) -> str:
        if not (self.counts.counted and self.category):
            return f"{self.run.neurons:,}"
        count = self.counts.count(layer, self.run.category_index(self.category))
        named = f"{self.category} {count:,}"
        return named if layer is None and len(named) <= width else f"{count:,}"
