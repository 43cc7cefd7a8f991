"""A footer that fits: the keys that matter least are left out where there is no room, instead of being cut off.

One widget for all keys: a widget per key, as Textual's footer has, would be a fifth of the screen's widgets and of the
time to its first frame.
"""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from mechamap_tui.terminal.own_keys import begun_chord

__all__ = ["KeyFooter"]


# The keys left out first where not all fit; the help has them all.
_DISPENSABLE = (
    "command_palette",
    "about",
    "copy",
    "goto",
    "estimate_causes",
    "mark",
    "new_scan",
    "confirm_run",
    "export",
    "export_report",
    "open",
    "ablate",
    "remove",
    "probe",
    "steer",
    "save",
    "text",
    "compare",
    "interpret",
    "category",
    "threshold",
    "figure",
)


class KeyFooter(Widget):
    """The keys that do something now, from the screen's bindings; a click presses one."""

    ALLOW_SELECT = False

    COMPONENT_CLASSES = {"footer--key", "footer--what"}  # noqa: RUF012

    DEFAULT_CSS = """
    KeyFooter {
        height: 1; background: $footer-background; color: $footer-foreground;
        & > .footer--key { color: $footer-key-foreground; text-style: bold; }
        & > .footer--what { color: $footer-description-foreground; }
    }
    """

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[tuple[str, str, str, str]] = []  # key, its display, its description, its action

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    def _changed(self, screen: Screen[object]) -> None:
        if screen is not self.screen:
            return
        begun = begun_chord(screen)
        keys = {
            binding.action: (binding.key, self._display(binding, begun), binding.description, binding.action)
            for _, binding, enabled, _ in reversed(screen.active_bindings.values())
            if enabled and (binding.key.startswith(f"{begun} ") if begun else binding.show)
        }
        shown = list(reversed(keys.values()))
        if shown != self.keys:
            self.keys = shown
            self.refresh()

    def _display(self, binding: Binding, begun: str) -> str:
        """A key as it is shown; of a chord that has begun, what is left of it."""
        rest = binding.key.removeprefix(f"{begun} ") if begun else ""
        return self.app.get_key_display(binding.with_key(rest) if rest else binding)

    @property
    def shown(self) -> list[tuple[str, str, str, str]]:
        """The keys that fit."""
        keys = self.keys
        for action in _DISPENSABLE:
            if sum(map(_width, keys)) <= self.size.width + 1:
                break
            keys = [key for key in keys if key[3].partition("(")[0] != action]
        return keys

    def render(self) -> Text:
        key_style, what_style = (self.get_component_rich_style(f"footer--{name}") for name in ("key", "what"))
        text = Text(no_wrap=True, overflow="crop")
        for _, display, description, _ in self.shown:
            text.append(display, key_style).append(f" {description} ", what_style)
        return text

    def on_click(self, event: events.Click) -> None:
        end = 0
        for shown in self.shown:
            end += _width(shown)
            if event.x < end:
                for key in shown[0].split():
                    self.app.simulate_key(key)
                return


def _width(shown: tuple[str, str, str, str]) -> int:
    return cell_len(shown[1]) + cell_len(shown[2]) + 2
