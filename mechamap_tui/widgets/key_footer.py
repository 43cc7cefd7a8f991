"""A footer that fits: the keys that matter least are left out where there is no room, instead of being cut off."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

__all__ = ["KeyFooter"]

# What goes first where not all fit; everything is in the help.
_DISPENSABLE = ("command_palette", "copy", "goto", "mark", "new_scan", "export", "open", "category")


class KeyFooter(Footer):
    """Textual's footer, with as many keys as fit."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._made_for = 0

    def compose(self) -> ComposeResult:
        keys: list[Widget] = list(super().compose())
        self._made_for = self.size.width
        for action in _DISPENSABLE:
            if not self._made_for or sum(map(_width, keys)) <= self._made_for:
                break
            keys = [key for key in keys if not (isinstance(key, FooterKey) and key.action.partition("(")[0] == action)]
        self.styles.grid_size_columns = max(len(keys), 1)
        yield from keys

    async def on_resize(self, event: events.Resize) -> None:
        if event.size.width != self._made_for:
            await self.recompose()


def _width(key: Widget) -> int:
    return cell_len(key.key_display) + cell_len(key.description) + 2 if isinstance(key, FooterKey) else 0
