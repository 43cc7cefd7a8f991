"""The command palette: every command that has a key on the current screen, and those without a key."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from textual.app import SystemCommand
from textual.screen import Screen

from mechamap_tui.browse.views.view_commands import view_commands
from mechamap_tui.dialogs.help import key_name

if TYPE_CHECKING:
    from mechamap_tui.browse.screen import BrowseScreen
    from mechamap_tui.opening.screens import Opening

__all__ = ["palette_commands"]


# Actions listed by their own lines below, under every name that a screen binds them by.
_SAID = frozenset(
    prefix + action
    for prefix in ("", "app.", "screen.")
    for action in ("new_scan", "export", "cancel_scan", "cancel_check", "command_palette", "picture", "quit")
)
# Of no use in a palette: no cursor is moved by typing a command's name.
_MOVES = (
    "cursor_",
    "page_",
    "scroll_",
    "move(",
    "page(",
    "column(",
    "table(",
    "app.focus_",
    "screen.focus_",
    "delete_",
    "first",
    "last",
)


def palette_commands(explorer: Opening, screen: Screen[Any]) -> Iterator[SystemCommand]:
    """Title, what it does, and what to call, for every command that can be given on ``screen``."""
    app, job, with_key = explorer.app, explorer.job, _KeyBehind(screen)
    yield SystemCommand("New scan", with_key("fill in a scan", "new_scan", "form"), explorer.open_new_form)
    browse = _browse_screen(screen)
    if browse is not None:
        yield SystemCommand("Export", with_key("write the neurons to a file", "export"), browse.action_export)
        yield SystemCommand("Log", "what this session did with the run", partial(explorer.logs.show, browse.run))
    if job is not None and job.is_scan:
        yield SystemCommand(
            "Cancel the scan", with_key(job.kept, "cancel_scan"), partial(app.run_action, "app.cancel_scan")
        )
    elif job is not None:
        yield SystemCommand(
            "Cancel the check", with_key(job.title, "cancel_check"), partial(app.run_action, "app.cancel_check")
        )
    yield SystemCommand("Open a run", "go to the start screen", explorer.to_start)
    if browse is not None:
        for category in browse.run.categories:
            yield SystemCommand(f"Category {category}", "show its scores", partial(browse.show_category, category))
        for title, does, give in view_commands(browse):
            yield SystemCommand(title, does, give)
    seen = set(_SAID)
    for active in screen.active_bindings.values():
        binding = active.binding
        if not active.enabled or binding.system or not binding.description or binding.action in seen:
            continue
        if binding.action.startswith(_MOVES):
            continue
        seen.add(binding.action)
        title = binding.description[:1].upper() + binding.description[1:]
        run_it = partial(app.run_action, binding.action, active.node)
        yield SystemCommand(title, f"key {key_name(binding.key)}", run_it)
    if explorer.engine_runs:
        yield SystemCommand("Free the model's memory", "it is loaded again when needed", explorer.free_model)
    yield SystemCommand("Theme", "change the colours", app.action_change_theme)
    yield SystemCommand("Screenshot", with_key("save an SVG file", "picture"), partial(app.run_action, "app.picture"))
    yield SystemCommand("Quit", with_key("end the explorer", "quit"), app.action_quit)


class _KeyBehind:
    """Puts the key of an action behind what it does, where it has one on the screen."""

    def __init__(self, screen: Screen[Any]) -> None:
        self._keys: dict[str, str] = {}
        for active in screen.active_bindings.values():
            self._keys.setdefault(active.binding.action.removeprefix("app."), key_name(active.binding.key))

    def __call__(self, does: str, *actions: str) -> str:
        key = next((self._keys[action] for action in actions if action in self._keys), "")
        return f"{does} ({key})" if key else does


def _browse_screen(screen: Screen[Any]) -> BrowseScreen | None:
    from mechamap_tui.browse.screen import BrowseScreen

    return screen if isinstance(screen, BrowseScreen) else None
