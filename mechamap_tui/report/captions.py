"""The texts around a report's table: the cell under the cursor in its borders, the table's meaning beneath it."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap

from rich.cells import cell_len, set_cell_size
from rich.text import Text
from textual.content import Content
from textual.widgets import Static

from mechamap.query.link import Link
from mechamap.tables.numbers import is_number
from mechamap.tables.table import Report, Table
from mechamap.wording.amounts import quantity
from mechamap_tui.data.advice_text import report_text
from mechamap_tui.report.table.cell_text import cell_text
from mechamap_tui.report.view import CellPlace
from mechamap_tui.terminal.terminal_text import ELLIPSIS, clean, fit
from mechamap_tui.widgets.glyphs import TITLE_JOINT
from mechamap_tui.widgets.pane_title import BORDER, first_fitting, pane_title
from mechamap_tui.widgets.too_small import LEAST_HEIGHT, LEAST_WIDTH

__all__ = ["TableNote", "border_subtitle", "border_title", "link_at"]


_MORE = f" {ELLIPSIS} (i)"


def link_at(table: Table | None, place: CellPlace) -> Link | None:
    """The neurons behind a cell."""
    return table.link(place.row, place.column) if table is not None and table.rows else None


def border_title(table: Table, place: CellPlace, width: int) -> Content:
    """Which cell this is and what stands in it, in a border ``width`` cells wide."""
    title = clean(table.title)
    if not table.rows:
        return pane_title(title, "none")
    row, first, column = table.rows[place.row], table.columns[0], table.columns[place.column]
    label = cell_text(row[0], first.kind)
    if is_number(first.kind):
        label = f"{clean(first.title)} {label}"
    value = f"{clean(column.title)} {cell_text(row[place.column], column.kind)}"
    beside = value if place.column else ""
    return first_fitting(
        width,
        pane_title(title, label, beside),
        pane_title(table.key.replace("_", " "), label, beside),
        pane_title(fit(label, width // 3), fit(value, width // 3)),
    )


def border_subtitle(report: Report, table: Table, place: CellPlace, width: int) -> Content | None:
    """What is behind a cell, and how many rows there are."""
    if not table.rows:
        return None
    link = link_at(table, place)
    behind = "no neurons behind it" if link is None else f"enter: {clean(_behind(report, link))}"
    return Content(fit(f"{behind}{TITLE_JOINT}{quantity(len(table.rows), 'row')}", max(width - BORDER, 1)))


def _behind(report: Report, link: Link) -> str:
    """The neurons behind a cell, in the words of a filter, and of which run they are where there are several."""
    neurons = link.neuron if link.neuron and not link.where else link.where or "all neurons"
    if link.category and not link.where:
        neurons = f"{neurons}, by {link.category}"
    return f"{Path(report.runs[link.run]).name}: {neurons}" if len(report.runs) > 1 else neurons


class TableNote(Static):
    """Beneath the table, the full text of a cell that is cut, else how the table was worked out."""

    DEFAULT_CSS = """
    TableNote { display: none; height: auto; padding: 0 2; color: $foreground 80%; }
    """

    def __init__(self) -> None:
        super().__init__(id="told")
        self._shown = False, 0, ""  # whether it is shown, in how many lines, and its text

    def show(self, table: Table | None, cut_text: str) -> None:
        """Show it in the lines that the terminal can spare; ``cut_text`` is that of the cell under the cursor."""
        width, height = self.app.size
        if height < 20:
            most = 1
        elif height < 30:
            most = 2
        else:
            most = 4
        room = width - 4
        about = _lines(clean(report_text(table.about)), room) if table is not None else []
        text_columns = table is not None and any(column.kind in ("text", "tokens") for column in table.columns[1:])
        lines, more = (_lines(cut_text, room), ELLIPSIS) if cut_text else (about, _MORE)
        if len(lines) > most:
            lines[most - 1] = set_cell_size(lines[most - 1], room - len(more)).rstrip() + more
        display = bool(about or text_columns) and height >= LEAST_HEIGHT and width >= LEAST_WIDTH
        # It keeps its height for all cells of a table, and is written only when it changes: else the table would
        # jump, or be laid out again with every key.
        shown = display, most if text_columns else min(len(about), most), "\n".join(lines[:most])
        if shown != self._shown:
            self._shown = shown
            self.display, self.styles.height = display, shown[1]
            self.update(Text(shown[2], no_wrap=True))


def _lines(text: str, width: int) -> list[str]:
    """A text wrapped; a word that is longer than a line is cut into several."""
    wrapped = wrap(text, width)
    return wrapped if all(cell_len(line) <= width for line in wrapped) else [fit(line, width) for line in wrapped]
