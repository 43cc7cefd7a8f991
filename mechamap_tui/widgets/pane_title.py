"""Titles in the borders of panes: a number, what the pane shows, and its tabs, which can be clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.style import Style

from mechamap_tui.terminal.terminal_text import clean
from mechamap_tui.widgets.glyphs import TITLE_JOINT

__all__ = ["first_fitting", "pane_title"]


BORDER = 6  # cells that the border keeps for itself: a corner, a dash and a space at either end


def pane_title(
    *parts: str,
    tabs: Sequence[str] = (),
    current: str = "",
    compact: bool = False,
    short: Mapping[str, str] | None = None,
) -> Content:
    """``2 Neurons ── category food``; with ``tabs``, the ``current`` one marked.

    A click on a tab runs the pane's action ``tab``, as in ``tab('lens')``;
    ``short`` are names for tabs that have no room for their own.
    """
    title = Content(TITLE_JOINT.join(clean(part) for part in parts if part))
    if not tabs:
        return title
    pieces: list[Content | tuple[str, Style]] = [title, Content(" ─ " if compact else TITLE_JOINT)]
    for place, tab in enumerate(tabs):
        style = Style.from_meta({"@click": f"tab({tab!r})"})
        style += Style(bold=True, underline=True) if tab == current else Style(dim=True)
        if place:
            pieces.append(Content("|" if compact else " | "))
        pieces.append(((short or {}).get(tab, tab), style))
    return Content.assemble(*pieces)


def first_fitting(width: int, *titles: Content) -> Content:
    """The first of the titles that a pane ``width`` cells wide shows whole; the last one where none does."""
    return next((title for title in titles if title.cell_length <= width - BORDER), titles[-1])
