"""The explorer: which screen is shown when, the jobs that run beside it, and errors that never end it."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from rich.text import Text
from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.dom import DOMNode
from textual.screen import Screen
from textual.worker import WorkerFailed

from mechamap.errors import MechaMapError, UsageError
from mechamap.system.failures import record_failure
from mechamap.system.log import place_of, start_log
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.start.target import Target, read_target
from mechamap_tui.terminal.keys_in_order import KeysInOrder

if TYPE_CHECKING:
    from textual.actions import ActionParseResult

    from mechamap.protocol.messages import ExportOrder
    from mechamap.runs.run import Run
    from mechamap_tui.dialogs.export import ExportChoices
    from mechamap_tui.engine.client import EngineClient
    from mechamap_tui.jobs.job import LiveCheck, LiveScan
    from mechamap_tui.jobs.runner import CheckWatch, ScanWatch
    from mechamap_tui.opening import Reports

__all__ = ["MechaMapApp", "shown_error"]

_LOG = logging.getLogger(__name__)


class MechaMapApp(KeysInOrder):
    """The explorer.

    Args:
        target: what to open first.
        config: a config file for scans.
        engine: the client to use; one of its own where not given.
    """

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
        self.last_draft = ScanDraft(config=str(config) if config else "")
        self.live: LiveScan | None = None
        self.checking: LiveCheck | None = None
        self.export_choices: ExportChoices | None = None
        self._engine = engine

    @property
    def engine(self) -> EngineClient:
        """The engine process, which starts when it is first asked something."""
        if self._engine is None:
            from mechamap_tui.engine.client import EngineClient

            self._engine = EngineClient()
        return self._engine

    async def close_engine(self) -> None:
        if self._engine is not None:
            await self._engine.close()

    # --- what is shown ---------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        self.set_interval(1.0, self._look_at_run)
        # Textual's own default screen stays below: a screen that was never pushed can neither be switched nor has
        # its own style read.
        if self.target.kind == "run":
            try:
                self.push_screen(self._browse(self.target))
            except MechaMapError as error:
                self.push_screen(self._start())
                self.show_error(error)
            return
        self.push_screen(self._start())
        if self.target.kind != "nothing":
            self.call_after_refresh(self._open, self.target)

    def on_ready(self) -> None:
        start_log("explorer")  # here, since looking for its folder would delay the first frame
        if not gc.isenabled():  # run_explorer switched it off for the time up to here
            gc.freeze()
            gc.enable()

    def _start(self) -> Screen[Any]:
        from mechamap_tui.start.screen import StartScreen

        return StartScreen()

    def _browse(self, target: Target) -> Screen[Any]:
        from mechamap.runs.run import Run
        from mechamap_tui.browse.screen import BrowseScreen

        assert target.path is not None
        return BrowseScreen(Run.open(target.path))

    def open_target(self, given: str) -> None:
        """Open whatever ``given`` means: a run, a CSV, or a model, which is scanned."""
        self._open(read_target(given))

    def _open(self, target: Target) -> None:
        match target.kind:
            case "run":
                from mechamap.runs.run import Run

                assert target.path is not None
                self.open_run(Run.open(target.path))
            case "csv":
                self._open_csv(target)
            case "model":
                draft = self.last_draft.with_field("model", target.given)
                try:
                    self.start_scan(target.given, draft.changes(), draft=draft)
                except MechaMapError as error:
                    self.show_form(draft)
                    self.show_error(error)

    def _open_csv(self, target: Target) -> None:
        from mechamap.runs.run import Run
        from mechamap_tui.start.reading import ReadingScreen

        def opened(found: Run | MechaMapError | None) -> None:
            if isinstance(found, Run):
                self.open_run(found)
            elif found is not None:
                self.show_error(found)

        assert target.path is not None
        self.push_screen(ReadingScreen(target.path), opened)

    def open_run(self, run: Run) -> None:
        """Show a run, in place of the progress of the scan that made it."""
        from mechamap_tui.browse.screen import BrowseScreen
        from mechamap_tui.scan.screen import ScanScreen

        if isinstance(self.screen, ScanScreen):
            self.switch_screen(BrowseScreen(run))
        else:
            self.push_screen(BrowseScreen(run))

    def show_form(self, draft: ScanDraft) -> None:
        """Show the form of a scan, filled in; in place of the progress of a scan that failed."""
        from mechamap_tui.scan.form import ScanFormScreen
        from mechamap_tui.scan.screen import ScanScreen

        self.last_draft = draft
        if isinstance(self.screen, ScanScreen):
            self.action_back()
        self.push_screen(ScanFormScreen(draft))

    def show_error(self, error: MechaMapError) -> None:
        """Show an error as a dialog."""
        from mechamap_tui.dialogs.error import ErrorScreen

        _LOG.info("an error is shown: %s from %s", type(error).__name__, place_of(error))
        self.push_screen(ErrorScreen(error))

    def action_back(self) -> Any:  # Textual's is a coroutine; this one is done when it returns
        """To the screen below; from the last one to the start screen."""
        if len(self.screen_stack) > 2:
            self.pop_screen()
        else:
            self.switch_screen(self._start())

    # --- scans -----------------------------------------------------------------------------------------------

    @cached_property
    def scans(self) -> ScanWatch:
        from mechamap_tui.jobs.runner import ScanWatch

        return ScanWatch(self)

    def start_scan(self, model: str, changes: Mapping[str, object], *, draft: ScanDraft | None = None) -> None:
        """Scan ``model`` with the config keys that ``changes`` names; its run opens with its first layers.

        Args:
            draft: the form that this was filled in with, to come back to when it fails.
        """
        draft = draft or ScanDraft(model=model)
        try:
            self.scans.start(model, changes, draft)
        except UsageError as error:
            self.show_error(error)
        else:
            self.last_draft = draft

    def _look_at_run(self) -> None:
        from mechamap_tui.jobs.run_changes import look_at_run

        look_at_run(self)

    # --- checks ----------------------------------------------------------------------------------------------

    @cached_property
    def checks(self) -> CheckWatch:
        from mechamap_tui.jobs.runner import CheckWatch

        return CheckWatch(self)

    def start_check(self, kind: str, run: Run, neuron: str = "") -> None:
        """Confirm ``run``, estimate its causes, or measure those of one neuron.

        Raises:
            UsageError: it cannot be done to this run, or not now.
        """
        self.checks.start(kind, run, neuron)

    # --- reports ---------------------------------------------------------------------------------------------

    @cached_property
    def reports(self) -> Reports:
        from mechamap_tui.opening import Reports

        return Reports(self)

    # --- actions ---------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "cancel_scan":
            return self.live is not None
        if action == "cancel_check":
            return self.checking is not None
        return True

    def action_new_scan(self, model: str = "") -> None:
        draft = self.last_draft
        if model:
            draft = draft.with_field("model", model)
        elif not draft.model and (run := getattr(self.screen, "run", None)) is not None:
            draft = draft.with_field("model", run.record.model.name)
        self.show_form(draft)

    async def action_cancel_scan(self) -> None:
        """Stop the running scan; its finished layers are kept."""
        if self.live is not None:
            await self.scans.cancel()

    async def action_cancel_check(self) -> None:
        """Stop the running check of a run; the run stays as it was."""
        if self.checking is not None:
            await self.checks.cancel()

    def action_export(self) -> None:
        from mechamap_tui.browse.screen import BrowseScreen
        from mechamap_tui.dialogs.export import ExportChoices, ExportScreen

        screen = self.screen
        if isinstance(screen, BrowseScreen):
            choices = self.export_choices or ExportChoices()
            self.push_screen(ExportScreen(screen.run, screen.scopes(), screen.category, choices))

    def export(self, order: ExportOrder) -> None:
        """Write an export through the engine, and say where it went."""
        self.run_worker(self._export(order), group="export")

    async def _export(self, order: ExportOrder) -> None:
        try:
            written = await self.engine.export(order)
        except MechaMapError as error:
            self.show_error(error)
        else:
            told = f"{written.path}\n{written.neurons:,} neurons, {written.rows:,} rows"
            self.notify(told, title=f"Exported {written.path.name}", timeout=10, markup=False)

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
        if self.live is not None:
            question = (
                f"The scan of {self.live.model} is running. Quitting stops it; layers that are finished are kept."
            )
        elif self.checking is not None:
            question = f"{self.checking.title} is running. Quitting stops it; the run stays as it was."
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
            self.show_error(shown_error(error, f"on the action {action}"))
        return True

    def _handle_exception(self, error: Exception) -> None:
        """A worker's failure becomes a dialog; a widget that failed is dead, so the app ends, saying where the log is.

        Textual's own would print a traceback with local variables over the user's terminal.
        """

        if isinstance(error, WorkerFailed):
            if self._running and not self._exit:  # else it met what is being taken down around it
                self.show_error(shown_error(error, "in the explorer"))
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
