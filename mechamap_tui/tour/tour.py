"""The tour as it goes on: at which step it is, and whether that step's keys were pressed."""

from __future__ import annotations

from typing import Any

from rich.text import Text
from textual.app import App
from textual.screen import Screen

from mechamap_tui.tour.panel import TourPanel
from mechamap_tui.tour.steps import STEPS, Step

__all__ = ["Tour"]


class Tour:
    """Walks through the steps, on whatever screen is shown.

    Args:
        app: whose screens it follows.
        has_model: whether the model of the example is on this machine.
    """

    def __init__(self, app: App[None], *, has_model: bool) -> None:
        self._app = app
        self._has_model = has_model
        self.number = 0  # of the step, from 0
        self.done = False  # whether its keys were pressed
        app.screen_change_signal.subscribe(app, self._follow)

    def begin(self) -> None:
        """Show the first step."""
        self._show()

    def saw(self, action: str) -> None:
        """Take note of an action: it may do this step, or the next one where this one is done."""
        following = self.number + 1
        if self.done and following < len(STEPS) and action in STEPS[following].actions:
            self.number = following
        elif self.done or action not in STEPS[self.number].actions:
            return
        self.done = True
        self._show()

    def go_on(self) -> bool:
        """Go to the next step, whether this one was done or not; False where it was the last."""
        if self.number + 1 == len(STEPS):
            return False
        self.number, self.done = self.number + 1, False
        self._show()
        return True

    def end(self) -> None:
        """Take the panel away from all screens."""
        self._app.screen_change_signal.unsubscribe(self._app)
        for screen in self._app.screen_stack:
            screen.query(TourPanel).remove()

    # --- the panel -------------------------------------------------------------------------------------------

    def _follow(self, screen: Screen[Any]) -> None:
        self._show_on(screen)

    def _show(self) -> None:
        for screen in self._app.screen_stack[1:]:
            self._show_on(screen)

    def _show_on(self, screen: Screen[Any]) -> None:
        if not screen.is_attached or screen is self._app.screen_stack[0]:
            return
        panels = screen.query(TourPanel)
        panel = panels.first() if panels else TourPanel()
        panel.show(self.title, self.text)
        if not panels:
            screen.mount(panel)

    @property
    def step(self) -> Step:
        return STEPS[self.number]

    @property
    def title(self) -> str:
        """Which step it is, and how to go on."""
        last = self.number + 1 == len(STEPS)
        return f"Tour {self.number + 1}/{len(STEPS)}: {self.step.title} · F9 {'ends it' if last else 'goes on'}"

    @property
    def text(self) -> Text:
        """What to press, or what is to be seen now that it was pressed."""
        if self.done:
            return Text.assemble(("✓ ", "bold green"), "You pressed ", (self.step.keys, "bold"), ". ", self.step.after)
        parts: list[str | tuple[str, str]] = [("Press ", ""), (self.step.keys, "bold reverse"), ". ", self.step.before]
        if self.step.model:
            missing = "" if self._has_model else ", which is not on this machine; a message then says how to get it"
            parts.append((f" ({self.step.model}: that takes the model{missing}.)", "dim"))
        return Text.assemble(*parts)
