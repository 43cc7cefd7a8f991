"""The contexts that a corpus scan kept of a neuron: the highest, the lowest, and some of each range of activations."""

from __future__ import annotations

import math
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType

from mechamap.figures.contexts import Context, ContextGroup, contexts_of, has_contexts
from mechamap.runs.run import Run
from mechamap.tables.numbers import magnitude
from mechamap_tui.browse.detail.tokens import in_context
from mechamap_tui.terminal.terminal_text import clean, fit, fit_right
from mechamap_tui.widgets.glyphs import CURSOR
from mechamap_tui.widgets.line_view import LineView

__all__ = ["NO_CONTEXTS", "ContextView", "document_name", "small_share"]


VALUE = 8
NAME_FROM = 56  # cells from which there is room for the document's name
LONGEST_NAME = 24
NO_CONTEXTS = "No figures yet: they come when the first shard of the corpus is read."
_SIDES = {"highest": "highest, each from another document", "lowest": "lowest, each from another document"}


class ContextView(LineView):
    """A heading for each group and a line for each context; enter opens the window of the one under the cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "whole window"),
        Binding("down,j", "step(1)", "down", show=False),
        Binding("up,k", "step(-1)", "up", show=False),
        Binding("pagedown,ctrl+d,space", "page(1)", "page down", show=False),
        Binding("pageup,ctrl+u", "page(-1)", "page up", show=False),
        Binding("g,home", "step(-1000000)", "start", show=False),
        Binding("G,end", "step(1000000)", "end", show=False),
    ]

    def __init__(self, run: Run, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._run = run
        self._row: int | None = None
        self._cursor = 0  # among the contexts
        self._lines: list[Context | str] = []
        self._places: list[int] = []  # the line of each context
        self._tokens: list[tuple[int, tuple[int, int] | None]] = []  # the group of each, and where it is in the corpus

    @property
    def context(self) -> Context | None:
        """The one under the cursor."""
        line = self._lines[self._places[self._cursor]] if self._cursor < len(self._places) else None
        return line if isinstance(line, Context) else None

    def show(self, row: int | None, category: str) -> None:
        """Show a neuron, whatever the category; the cursor stays on its context where it has been published anew."""
        same = row == self._row
        before = self._tokens[self._cursor] if same and self._cursor < len(self._tokens) else None
        self._row = row
        self._lines = self._made()
        self._places, self._tokens = [], []
        group = 0
        for place, line in enumerate(self._lines):
            if isinstance(line, Context):
                self._places.append(place)
                self._tokens.append((group, self._run.token_in_document(line.position)))
            else:
                group += 1
        last = max(len(self._places) - 1, 0)
        here = min(self._cursor, last) if same else 0
        self._cursor = self._tokens.index(before) if before in self._tokens else here
        self.renew(keep_scroll=same)

    def _made(self) -> list[Context | str]:
        if self._row is None:
            return []
        if not has_contexts(self._run):
            return [NO_CONTEXTS]
        lines: list[Context | str] = []
        for group in contexts_of(self._run, self._row):
            lines += [_heading(group), *group.contexts]
        return lines

    # --- lines -----------------------------------------------------------------------------------------------

    def measure(self, width: int) -> int:
        return len(self._lines)

    def line(self, index: int, width: int) -> Text:
        content = self._lines[index]
        if isinstance(content, str):
            return Text(fit(content, width), self.look("title"))
        under_cursor = bool(self._places) and index == self._places[self._cursor]
        text = Text(CURSOR if under_cursor else " ", self.look("strong"))
        look = self.look("falling" if content.value < 0 else "strong")
        text.append(magnitude(content.value).rjust(VALUE - 1) + " ", look)
        if width >= NAME_FROM:
            room = min(width // 4, LONGEST_NAME)
            name = fit_right(document_name(self._run, content.position), room)
            text.append(name.ljust(room) + " ", self.look("dim"))
        around = self._run.context(content.position, width)
        text.append(in_context(around, width - text.cell_len, self.look("strong"), self.look("dim")))
        if under_cursor:
            text.stylize(self.look("cursor"), 0, VALUE)
        return text

    # --- keys and clicks -------------------------------------------------------------------------------------

    def action_step(self, contexts: int) -> None:
        if not self._places:
            return
        self._cursor = min(max(self._cursor + contexts, 0), len(self._places) - 1)
        line, height = self._places[self._cursor], self.scrollable_content_region.height
        top = 0 if self._cursor == 0 else line  # the heading above the first one too
        if top < self.scroll_offset.y:
            self.scroll_to(y=top, animate=False)
        elif line >= self.scroll_offset.y + height:
            self.scroll_to(y=line - height + 1, animate=False)
        self._drawn.clear()
        self.refresh()

    def action_page(self, pages: int) -> None:
        self.action_step(pages * max(self.scrollable_content_region.height - 2, 1))

    def action_open(self) -> None:
        """Show the whole window of the context under the cursor, coloured by the neuron's activations."""
        from mechamap_tui.browse.detail.window import WindowPage

        context = self.context
        if context is not None and self._row is not None:
            self.app.push_screen(WindowPage(self._run, self._row, context))

    def on_click(self, event: events.Click) -> None:
        index = self.line_at(event)
        if index in self._places:
            self.action_step(self._places.index(index) - self._cursor)
            if event.chain == 2:
                self.action_open()


def document_name(run: Run, position: int) -> str:
    """What the document is called that a kept token is from."""
    names, number = run.document_names, run.document_at(position)
    return "" if names is None or number is None else clean(names[number])


def _heading(group: ContextGroup) -> str:
    if group.kind in _SIDES:
        return _SIDES[group.kind] if group.contexts else f"{group.kind}: none"
    drawn = f"{len(group.contexts)} drawn" if group.contexts else "none drawn"
    return f"{_bounds(group)}: {group.count:,} activations, {small_share(group.share)}; {drawn}"


def _bounds(group: ContextGroup) -> str:
    lower, upper = f"{group.lower:g}", f"{group.upper:g}"
    if math.isinf(group.upper):
        return f"from {lower} up" if math.isfinite(group.lower) else "all"
    return f"{lower} to {upper}" if math.isfinite(group.lower) else f"up to {upper}"


def small_share(part: float) -> str:
    """A part of the whole in percent, also a very small one."""
    if math.isnan(part):
        return "—"
    percent = 100 * part
    if percent >= 9.95 or percent == 0:
        return f"{percent:.0f}%"
    return f"{percent:.2g}%" if percent >= 0.001 else "<0.001%"
