"""The explorer: which screen is shown when, the jobs that run beside it, and errors that never end it."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import WorkerFailed

from mechamap.errors import MechaMapError
from mechamap.system.failures import record_failure
from mechamap.system.log import start_log
from mechamap_tui.explorer import ExplorerApp
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.opening import Opening
from mechamap_tui.start.target import Target
from mechamap_tui.terminal.keys_in_order import KeysInOrder

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mechamap_tui.engine.client import EngineClient

__all__ = ["MechaMapApp", "shown_error"]


class MechaMapApp(KeysInOrder, ExplorerApp):
    """The explorer.

    Args:
        target: what to open first.
        config: a config file for scans.
        engine: the client to use; one of its own where not given.
    """

    explorer: Opening

    TITLE = "MechaMap"
    CSS_PATH = Path(__file__).with_name("app.tcss")  # absolute, so that a subclass elsewhere finds it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "help_here", "help", key_display="?"),
        Binding("colon", "command_palette", "palette", key_display=":"),
        Binding("ctrl+p", "command_palette", "palette", show=False, priority=True),
        Binding("f8", "picture", "picture of the screen", show=False),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
    ]

    def __init__(
        self, target: Target | None = None, config: Path | None = None, engine: EngineClient | None = None
    ) -> None:
        super().__init__()
        self.target = target or Target("nothing")
        self.explorer = Opening(self, ScanDraft(config=str(config) if config else ""), engine)

    def on_mount(self) -> None:
        self.set_interval(1.0, self._look_at_run)
        # Textual's own default screen stays below: a screen that was never pushed can neither be switched nor has
        # its own style read.
        self.explorer.open_first(self.target)

    def on_ready(self) -> None:
        start_log("explorer")  # here, since looking for its folder would delay the first frame
        if not gc.isenabled():  # run_explorer switched it off for the time up to here
            gc.freeze()
            gc.enable()

    def _look_at_run(self) -> None:
        from mechamap_tui.jobs.run_changes import look_at_run

        look_at_run(self.explorer)

    # --- actions ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel_scan":
            return self.explorer.live is not None
        if action == "cancel_check":
            return self.explorer.checking is not None
        return True

    def action_back(self) -> Any:  # Textual's is a coroutine; this one is done when it returns
        self.explorer.back()

    def action_new_scan(self) -> None:
        self.explorer.open_new_form()

    async def action_cancel_scan(self) -> None:
        await self.explorer.cancel_job()

    async def action_cancel_check(self) -> None:
        await self.explorer.cancel_job()

    def action_help_here(self) -> None:
        from mechamap_tui.dialogs.help import HelpScreen

        screen = self.screen
        if not isinstance(screen, HelpScreen):
            name = type(screen).__name__.removesuffix("Screen")
            self.push_screen(HelpScreen(name, screen.active_bindings.values()))

    def action_picture(self) -> None:
        from mechamap_tui.terminal.picture import save_picture

        path = save_picture(self.export_screenshot(title="MechaMap"), self.screen)
        self.notify(str(path), title="Picture saved", markup=False)

    async def action_quit(self) -> None:
        """Quit; asks while a scan or a check runs."""
        live, check = self.explorer.live, self.explorer.checking
        if live is not None:
            question = f"The scan of {live.model} is running. Quitting stops it; layers that are finished are kept."
        elif check is not None:
            question = f"{check.title} is running. Quitting stops it; the run stays as it was."
        else:
            self.exit()
            return
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        if isinstance(self.screen, ConfirmScreen):
            return
        screen = ConfirmScreen("Quit?", question, yes="Quit", no="Stay")
        self.push_screen(screen, lambda yes: self.exit() if yes else None)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        from mechamap_tui.palette import palette_commands

        return palette_commands(self, screen)

    # --- what goes wrong -------------------------------------------------------------------------------------

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Perform an action; one that fails becomes a dialog, and the app lives on."""
        try:
            return await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            self.explorer.show_error(shown_error(error, f"on the action {action}"))
        return True

    def _handle_exception(self, error: Exception) -> None:
        """A worker's failure becomes a dialog; a widget that failed is dead, so the app ends, saying where the log is.

        Textual's own would print a traceback with local variables over the user's terminal.
        """

        if isinstance(error, WorkerFailed):
            if self._running and not self._exit:  # else it met what is being taken down around it
                self.explorer.show_error(shown_error(error, "in the explorer"))
            return
        told = shown_error(error, "in the explorer")
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self._exit_renderables.append(Text(f"mechamap-tui: {told}"))
        self._return_code = 1
        self._close_messages_no_wait()


def shown_error(error: BaseException, where: str) -> MechaMapError:
    """The error itself where it is meant for users; else one that names the log its traceback went to."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    if isinstance(cause, MechaMapError):
        return cause
    file = record_failure(cause, where)
    hint = "This is a mistake in MechaMap" + (f"; the details are in {file}." if file else ".")
    return MechaMapError(f"{type(cause).__name__}: {cause}", hint)
