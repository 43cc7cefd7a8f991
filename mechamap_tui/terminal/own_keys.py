"""A user's own keys in place of the default, and chords: keys that are pressed one after another.

What this uses of Textual that is not public: a part's bindings, the chain of those that a key goes through, and the
question whether an action is enabled.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from textual import events
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import key_to_character
from textual.screen import Screen
from textual.widget import Widget

from mechamap.errors import ConfigError
from mechamap.system.paths import settings_folder
from mechamap_tui.terminal.textual_internals import MortalApp

__all__ = ["OwnKeys", "begun_chord"]


class OwnKeys(MortalApp):
    """An app whose bindings a file can change.

    Attributes:
        key_problems: the lines of the file that are wrong.
        key_error: why the file could not be read at all.
        begun: the keys of a chord that have been pressed so far.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.key_problems: tuple[str, ...] = ()
        self.key_error: ConfigError | None = None
        self.begun = ""
        self._keys: Mapping[tuple[str, str], tuple[str, ...]] = {}
        self._chords = False
        self._read_keys()

    def _read_keys(self) -> None:
        path = settings_folder() / "keys.yaml"
        if not os.path.isfile(path):  # noqa: PTH113 False for what may not be looked at
            return
        from mechamap.config.keys.key_file import read_keys  # yaml is not for a first frame without a file

        try:
            own = read_keys(path)
        except ConfigError as error:
            self.key_error = error
            return
        self._keys, self.key_problems = own.keys, tuple(map(str, own.problems))
        self._chords = any(" " in key for keys in own.keys.values() for key in keys)
        self._give_keys(self)

    def added(self, node: Widget) -> None:
        super().added(node)
        if self._keys:
            self._give_keys(node)
        if self._chords:
            _take_chords_by_first_key(node)

    def _give_keys(self, node: DOMNode) -> None:
        from mechamap_tui.terminal.key_sections import action_names, own_bindings

        names = action_names(type(node), type(self))
        if names:
            bindings = node._bindings.copy()
            bindings.key_to_bindings = own_bindings(bindings.key_to_bindings, names, self._keys)
            node._bindings = bindings

    # --- chords ----------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take the next key of a chord before whatever has the focus gets it."""
        if self.begun and isinstance(event, events.Key) and not event.is_forwarded:
            chord = f"{self.begun} {event.key}"
            self._begin("")
            await self._check_bindings(chord)
            return
        if self.begun and isinstance(event, events.MouseDown | events.Paste):
            self._begin("")
        await super().on_event(event)

    async def _check_bindings(self, key: str, priority: bool = False) -> bool:
        if self._chords and not priority and self._begins_chord(key):
            self._begin(key)
            return True
        return await super()._check_bindings(key, priority)

    def _begins_chord(self, key: str) -> bool:
        """Whether the first part on a key's way that knows it has it only in front of others."""
        for node, bindings in self.screen._modal_binding_chain:
            keys = [known for known, bound in bindings if self._check_action_state(bound.action, node)]
            if key in keys:
                return False
            if any(known.startswith(f"{key} ") for known in keys):
                return True
        return False

    def _begin(self, keys: str) -> None:
        self.begun = keys
        self.screen.refresh_bindings()  # footers show how it can go on

    # --- how keys are shown ----------------------------------------------------------------------------------

    def get_key_display(self, binding: Binding) -> str:
        """A key as a footer has it: ``^x s``, ``F1``."""
        if binding.key_display:
            return binding.key_display
        shown = [super(OwnKeys, self).get_key_display(binding.with_key(key)) for key in binding.key.split()]
        return " ".join(name.upper() if name[:1] == "f" and name[1:].isdigit() else name for name in shown)


def begun_chord(screen: Screen[Any]) -> str:
    """The keys of a chord that have been pressed so far."""
    return screen.app.begun if isinstance(screen.app, OwnKeys) else ""


def _take_chords_by_first_key(node: Widget) -> None:
    """Have a field that a letter is typed into keep the chords that begin with one."""
    takes = node.check_consume_key

    def takes_first(key: str, character: str | None = None) -> bool:
        first, _, rest = key.partition(" ")
        return takes(first, key_to_character(first)) if rest else takes(key, character)

    node.check_consume_key = takes_first  # type: ignore[method-assign]
