"""The ladder on the screen: a cursor over its steps, and below them what is known of the one under it."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from mechamap.protocol.steering import Ladder, LadderRow
from mechamap_tui.steer.lines import Line, row_line, step_lines, title_line
from mechamap_tui.terminal.terminal_text import clean, fit
from mechamap_tui.widgets.line_view import LineView

__all__ = ["LadderView"]


class LadderView(LineView):
    """Steps from the untouched model on; up and down move the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "step(1)", "down", show=False),
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("g,home", "step(-1000)", "first", show=False),
        Binding("G,end", "step(1000)", "last", show=False),
        Binding("pagedown,ctrl+d,space", "scroll_pages(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "scroll_pages(-1)", "page up", show=False),
    ]

    def __init__(self) -> None:
        super().__init__(id="ladder")
        self._ladder: Ladder | None = None
        self._message = ""
        self._lines: list[Line] = []
        self.cursor = 0

    def show(self, ladder: Ladder | None, message: str) -> None:
        """Show a ladder; ``message`` stands there while there is none."""
        if ladder is not self._ladder:
            steps = 0 if ladder is None else len(ladder.rows)
            new = self._ladder is None or len(self._ladder.rows) != steps
            self.cursor = steps if new else self.cursor
        self._ladder, self._message = ladder, message
        self.renew(keep_scroll=True)

    @property
    def step(self) -> LadderRow | None:
        """The step under the cursor."""
        return None if self._ladder is None else (self._ladder.untouched, *self._ladder.rows)[self.cursor]

    def measure(self, width: int) -> int:
        ladder = self._ladder
        if ladder is None:
            self._lines = [Line(fit(clean(self._message), width), "dim")]
            return 1
        rows = (ladder.untouched, *ladder.rows)
        self._lines = [Line(title_line(ladder, width), "title")]
        self._lines += [Line(row_line(row, ladder, width), "falling" if row.apart else "") for row in rows]
        self._lines.append(Line(""))
        self._lines += step_lines(rows[self.cursor], ladder, width)
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        line = self._lines[index]
        text = Text(fit(line.text, width), self.look(line.look) if line.look else "")
        if self._ladder is not None and index == self.cursor + 1:
            text.pad_right(max(width - text.cell_len, 0))
            text.stylize(self.look("cursor"))
        return text

    def action_step(self, steps: int) -> None:
        if self._ladder is not None:
            self.cursor = min(max(self.cursor + steps, 0), len(self._ladder.rows))
            self.renew(keep_scroll=True)
            place, height = self.cursor + 1, self.scrollable_content_region.height
            if not self.scroll_offset.y <= place < self.scroll_offset.y + height or place < height:
                self.scroll_to(y=0 if place < height else place - height + 1, animate=False)

    def on_click(self, event: events.Click) -> None:
        line = self.line_at(event)
        if self._ladder is not None and line is not None and 1 <= line <= len(self._ladder.rows) + 1:
            self.cursor = line - 1
            self.renew(keep_scroll=True)
