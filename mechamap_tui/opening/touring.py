"""The tour of the example: offered, begun, followed and ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mechamap_tui.start.target import Target
    from mechamap_tui.tour.tour import Tour

__all__ = ["Touring"]


class Touring:
    """Holds the tour as long as it goes on.

    Args:
        app: whose screens it follows.
        open_target: opens what a name means.
    """

    def __init__(self, app: App[None], open_target: Callable[[str], None]) -> None:
        self._app, self._open_target = app, open_target
        self._tour: Tour | None = None

    @property
    def goes_on(self) -> bool:
        return self._tour is not None

    def offer(self, target: Target) -> None:
        """Say how to take it, when the example was opened for the first time."""
        if target.kind == "example" and not self.goes_on:
            self._app.notify("Press ? and then t for a tour in six steps.", title="The example", timeout=15)

    def switch(self) -> None:
        """Begin it on the example, which is opened for it; or end it where it goes on."""
        if self._tour is not None:
            self._tour.end()
            self._tour = None
            return
        from mechamap.catalog.example_model import example_model_path
        from mechamap.runs.example.place import EXAMPLE
        from mechamap_tui.browse.screen import BrowseScreen
        from mechamap_tui.tour.tour import Tour

        self._tour = Tour(self._app, has_model=example_model_path().is_file())
        screen = self._app.screen
        if not (isinstance(screen, BrowseScreen) and screen.run.name == EXAMPLE):
            self._open_target(EXAMPLE)
        self._tour.begin()

    def go_on(self) -> None:
        """The next step; behind the last one the tour ends."""
        if self._tour is not None and not self._tour.go_on():
            self.switch()

    def saw(self, action: str | ActionParseResult) -> None:
        """Take note of an action that was performed, whatever screen it is of."""
        if self._tour is not None:
            name = action.partition("(")[0].rpartition(".")[2] if isinstance(action, str) else action[1]
            self._tour.saw(name)
