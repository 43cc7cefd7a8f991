"""A neuron of a run, or what its table shows, copied as a command or as code, or written as a page."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.app import App

from mechamap.errors import MechaMapError

if TYPE_CHECKING:
    from mechamap.runs.run import Run

__all__ = ["take_away"]


_PAGE = "page"


def take_away(
    app: App[Any],
    run: Run,
    neuron: str,
    show_error: Callable[[MechaMapError], None],
    *,
    where: str,
    sort: str,
    category: str,
) -> None:
    """Ask for a form, and copy the text; or ask for the file of a page.

    See :meth:`mechamap_tui.explorer.Explorer.take_away`.
    """
    from mechamap.takeaway.reading import READING_FORMS, Reading
    from mechamap_tui.dialogs.pick import PickScreen
    from mechamap_tui.terminal.clipboard import copy_text

    def picked(form: str | None) -> None:
        if form is None:
            return
        if form == _PAGE:
            _ask_for_page(app, run, neuron, show_error, category)
            return
        what, write = READING_FORMS[form]
        try:
            text = write(Reading.of(run, neuron, where=where, sort=sort, category=category))
        except MechaMapError as error:
            show_error(error)
            return
        app.notify(f"{what[:1].upper()}{what[1:]}: copied {copy_text(app, text)}.", markup=False)

    choices = [(form, what) for form, (what, _) in READING_FORMS.items()]
    choices.append((_PAGE, "a page to share, as HTML or Markdown"))
    app.push_screen(PickScreen(f"Take {neuron} away", choices), picked)


def _ask_for_page(
    app: App[Any], run: Run, neuron: str, show_error: Callable[[MechaMapError], None], category: str
) -> None:
    from mechamap_tui.dialogs.file import FileDialog
    from mechamap_tui.dialogs.page import PageExport

    try:
        contents = PageExport(run, neuron, category)
    except MechaMapError as error:  # of damaged notes
        show_error(error)
        return
    app.push_screen(FileDialog(contents))
