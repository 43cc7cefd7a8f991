"""The layers on one line, where there is no room for a pane: a bar each, the chosen one marked."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text
from textual import events
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from mechamap.runs.layout import layout_of, side_labels
from mechamap.runs.record import LayerRows
from mechamap.runs.run import Run
from mechamap_tui.browse.layer_list import FLAG_LEAST
from mechamap_tui.data.layer_counts import LayerCounts, flag_words
from mechamap_tui.terminal.terminal_text import fit
from mechamap_tui.widgets.glyphs import BARS, FLAG, JOINT, PENDING

__all__ = ["LayerLine"]


LABEL = "layer "


class LayerLine(Widget):
    """A bar a layer, as high as the number of neurons that count for the category; a click chooses."""

    ALLOW_SELECT = False

    DEFAULT_CSS = """
    LayerLine { height: 1; padding: 0 1; color: $foreground 80%; }
    """

    @dataclass
    class LayerClicked(Message):
        """A layer's bar was clicked; None: all of them."""

        layer: int | None

    def __init__(self, run: Run, counts: LayerCounts, category: str) -> None:
        super().__init__(id="layer-line")
        self.run, self.counts, self.category = run, counts, category
        self._layer: int | None = None
        self._first = 0  # the first layer with a bar on the line
        self._bars_at = 0
        self._sides = side_labels(run.layers, run.record.proof)

    def show(self, category: str, layer: int | None) -> None:
        self.category, self._layer = category, layer
        self.refresh()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def render(self) -> Text:
        chosen = "all" if self._layer is None else str(self._layer)
        side = "" if self._layer is None else self._sides.get(self._layer, "")
        text = Text(LABEL, no_wrap=True, overflow="crop")
        text.append(f"{chosen} " if side else f"{chosen:<4}", "bold").append(f"{side}  " if side else "")
        self._bars_at = len(text)
        layers = self.run.layers
        category = self.run.category_index(self.category) if self.category else 0
        counted = ""
        if self.counts.counted and self.category:
            counted = f"  {self.counts.count(self._layer, category):,} for {self.category}, {self.counts.counted}"
        room = max(self.size.width - self._bars_at - len(counted) - 2, 8)
        chosen_index = next((index for index, rows in enumerate(layers) if rows.layer == self._layer), 0)
        self._first = min(max(chosen_index - room // 2, 0), max(len(layers) - room, 0))
        highest = max(self.counts.highest(), 1)
        for rows in layers[self._first : self._first + room]:
            text.append(self._bar(rows, category, highest), "reverse" if rows.layer == self._layer else "")
        text.append(counted)
        return text if self._layer is None else self._about(text, self.run.layer_rows(self._layer))

    def _bar(self, rows: LayerRows, category: int, highest: int) -> str:
        counts = self.counts.of(rows.layer)
        if not rows.complete:
            bar = PENDING
        elif counts is None:
            bar = BARS[1]
        else:
            bar = BARS[-(-8 * int(counts[category]) // highest)]
        return FLAG if rows.flags and not bar.strip() else bar

    def _about(self, text: Text, rows: LayerRows) -> Text:
        """Append what the layer consists of, and what is wrong with it, as far as there is room."""
        for remark in (str(layout_of(rows)) if rows.experts else "", flag_words(self.run, rows)):
            room = self.size.width - text.cell_len - 3
            if remark and room >= FLAG_LEAST:
                text.append(JOINT + fit(remark, room), "dim" if not rows.flags else "bold")
        return text

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        if offset is None:
            return
        index = self._first + offset.x - self._bars_at
        layers = self.run.layers
        if offset.x < self._bars_at:
            self.post_message(self.LayerClicked(None))
        elif index < len(layers):
            self.post_message(self.LayerClicked(layers[index].layer))
