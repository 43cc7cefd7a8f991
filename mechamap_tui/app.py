"""The explorer: which screen is shown when, the jobs that run beside it, and failures that the rest outlives."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import WorkerFailed

from mechamap.system.log import start_log
from mechamap_tui.data.first_view import FirstView
from mechamap_tui.explorer import ExplorerApp
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.opening.failures import Failures, shown_error
from mechamap_tui.opening.screens import Opening
from mechamap_tui.start.target import Target
from mechamap_tui.terminal.columns_in_place import ColumnsInPlace
from mechamap_tui.terminal.keys_in_order import KeysInOrder
from mechamap_tui.terminal.own_keys import OwnKeys
from mechamap_tui.terminal.pasted_lines import PastedLines
from mechamap_tui.terminal.textual_internals import Blame, MortalApp

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mechamap_tui.engine.client import EngineClient

__all__ = ["MechaMapApp"]

MOST_PROBLEMS = 4  # lines of a file of keys that are told at once


class MechaMapApp(KeysInOrder, OwnKeys, PastedLines, ColumnsInPlace, MortalApp, ExplorerApp):
    """The explorer.

    Args:
        target: what to open first.
        config: a config file for scans.
        first: what to show first of a run.
        engine: the client to use; one of its own where not given.
    """

    explorer: Opening

    TITLE = "MechaMap"
    CSS_PATH = Path(__file__).with_name("app.tcss")  # absolute, so that a subclass elsewhere finds it
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "question_mark,f1", "help_here", "help", tooltip="what the keys of this screen do, and what words mean"
        ),
        Binding("colon", "command_palette", "palette", tooltip="choose among all that can be done here, by name"),
        Binding("ctrl+p", "command_palette", "palette in a line too", id="palette_anywhere", show=False, priority=True),
        Binding("f2", "copy_report", "copy a report of what failed", id="copy_report", priority=True, show=False),
        Binding("f8", "picture", "screenshot", show=False, tooltip="save the screen as an SVG file"),
        Binding("f9", "go_on", "next step of the tour", id="tour_step", show=False, priority=True),
        Binding("ctrl+q", "quit", "quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "to the shell", show=False),  # not where a text takes it as undo
    ]

    def __init__(
        self,
        target: Target | None = None,
        config: Path | None = None,
        engine: EngineClient | None = None,
        first: FirstView | None = None,
    ) -> None:
        super().__init__()
        self.target = target or Target("nothing")
        self._first = first or FirstView()
        self.explorer = Opening(self, ScanDraft(config=str(config) if config else ""), engine)
        self.failures = Failures(self, self.explorer.show_error)

    def on_mount(self) -> None:
        # Textual's own default screen stays below: a screen that was never pushed can neither be switched nor has
        # its own style read.
        self.explorer.open_first(self.target, self._first)

    def on_ready(self) -> None:
        start_log("explorer")  # here, since looking for its folder would delay the first frame
        self._tell_key_problems()
        if not gc.isenabled():  # run_explorer switched it off for the time up to here
            gc.freeze()
            gc.enable()

    def _tell_key_problems(self) -> None:
        if self.key_error is not None:
            self.explorer.show_error(self.key_error)
        elif self.key_problems:
            told, more = self.key_problems[:MOST_PROBLEMS], len(self.key_problems) - MOST_PROBLEMS
            rest = f"... and {more} more." if more > 0 else ""
            text = "\n".join([*told, *([rest] if rest else []), "The default keys stay for these."])
            self.notify(text, title="keys.yaml", severity="warning", timeout=20, markup=False)

    # --- actions ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action in ("cancel_scan", "cancel_check"):
            job = self.explorer.job
            return job is not None and job.is_scan == (action == "cancel_scan")
        if action == "copy_report":
            return bool(self.failures.report)
        if action == "go_on":
            return self.explorer.touring.goes_on
        return True

    def action_back(self) -> Any:  # Textual's is a coroutine; this one is done when it returns
        self.explorer.back()

    async def action_cancel_scan(self) -> None:
        await self.explorer.cancel_job()

    async def action_cancel_check(self) -> None:
        await self.explorer.cancel_job()

    def action_help_here(self) -> None:
        from mechamap_tui.dialogs.help import HelpScreen

        screen = self.screen
        if not isinstance(screen, HelpScreen):
            name = screen.title or type(screen).__name__.removesuffix("Screen")
            self.push_screen(HelpScreen(name, screen.active_bindings.values()))

    def action_go_on(self) -> None:
        self.explorer.touring.go_on()

    def action_picture(self) -> None:
        from mechamap_tui.terminal.picture import save_picture

        path = save_picture(self.export_screenshot(title="MechaMap"), self.screen)
        self.notify(str(path), title="Screenshot saved", markup=False)

    def action_copy_report(self) -> None:
        from mechamap_tui.terminal.clipboard import copy_text

        where = copy_text(self.screen.app, self.failures.report)
        self.notify(f"A report of what failed is copied {where}.", markup=False)

    async def action_quit(self) -> None:
        """Quit; asks while a scan or a check runs."""
        job = self.explorer.job
        if job is None:
            self.exit()
            return
        from mechamap_tui.dialogs.confirm import ConfirmScreen

        if isinstance(self.screen, ConfirmScreen):
            return
        question = f"{job.title} is running. Quitting stops it; {job.kept}."
        screen = ConfirmScreen("Quit?", question, yes="Quit", no="Stay")
        self.push_screen(screen, lambda yes: self.exit() if yes else None)

    def get_system_commands(self, screen: Screen[Any]) -> Iterable[SystemCommand]:
        from mechamap_tui.palette import palette_commands

        return palette_commands(self.explorer, screen)

    # --- what goes wrong -------------------------------------------------------------------------------------

    async def run_action(
        self,
        action: str | ActionParseResult,
        default_namespace: DOMNode | None = None,
        namespaces: Mapping[str, DOMNode] | None = None,
    ) -> bool:
        """Perform an action; one that fails becomes a dialog, and the app lives on."""
        try:
            handled = await super().run_action(action, default_namespace, namespaces)
        except Exception as error:
            self.failures.in_action(self.blame(error), error, str(action))
            return True
        if handled:
            self.explorer.touring.saw(action)
        return handled

    def worker_failed(self, error: WorkerFailed) -> None:
        self.failures.in_worker(error)

    def part_failed(self, blame: Blame, error: Exception) -> bool:
        return self.failures.in_part(blame, error)

    def last_words(self, error: Exception) -> str:
        return f"mechamap-tui: {shown_error(error, 'in the explorer')}"
