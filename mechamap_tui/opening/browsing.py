"""The screen of a run, as the run was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mechamap.runs.run import Run
    from mechamap_tui.browse.screen import BrowseScreen
    from mechamap_tui.data.first_view import FirstView

__all__ = ["browse_screen"]


def browse_screen(run: Run, first: FirstView | None = None) -> BrowseScreen:
    """A run's screen.

    Args:
        first: what is asked to be shown of it, in place of what was shown last.

    Raises:
        RunError: a figure's file is missing or damaged.
    """
    from mechamap_tui.browse.screen import BrowseScreen
    from mechamap_tui.browse.views.session import SessionFile

    return BrowseScreen(run, session=SessionFile.of(run), first=first)
