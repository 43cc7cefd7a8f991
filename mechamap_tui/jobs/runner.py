"""The jobs of the explorer: started, followed onto the screens that show them, and brought to an end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from textual.widgets import Input, TextArea

from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap.figures.findings import confirmed
from mechamap.protocol.messages import Ablation, CausesEstimated, Confirmed, read_ablation
from mechamap.wording.amounts import duration, quantity
from mechamap_tui.browse.screen import BrowseScreen
from mechamap_tui.dialogs.ablation import AblationScreen
from mechamap_tui.jobs import job as live_check
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.job import MATCH, LiveCheck, LiveScan, busy_with, refuse_unless_checkable
from mechamap_tui.report.compare import MATCHED, CompareScreen
from mechamap_tui.scan.screen import ScanScreen
from mechamap_tui.start.screen import StartScreen
from mechamap_tui.widgets.progress import ScanProgress

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap.runs.run import Run
    from mechamap.tables.table import Report
    from mechamap_tui.engine.process import EngineCall
    from mechamap_tui.opening import Opening

__all__ = ["CheckWatch", "MatchWatch", "ScanWatch"]


class MatchWatch:
    """Runs one search for an app, as one of its checks: ``app.checking`` while it runs."""

    def __init__(self, explorer: Opening) -> None:
        self.explorer, self.app = explorer, explorer.app

    def start(self, runs: tuple[Run, Run], words: int | None, judged_by: tuple[str | None, float | None]) -> None:
        """Begin; what is found is shown on every screen that compares these runs.

        Raises:
            UsageError: a scan or a check is running.
        """
        app = self.app
        if busy := busy_with(self.explorer):
            raise UsageError(f"{busy} is running; the engine does one thing at a time.", "Wait for it, or press x.")
        a, b = runs
        assert a.path is not None and b.path is not None
        self.explorer.checking = check = LiveCheck(MATCH, a, other=b)

        def progressed(progress: Progress) -> None:
            if self.explorer.checking is check:
                check.progress = progress
                self.explorer.checks.show(check)

        check.call = self.explorer.engine.match(
            (a.path, b.path), words=words, by=judged_by[0], threshold=judged_by[1], on_progress=progressed
        )
        self.explorer.checks.show(check)
        app.refresh_bindings()
        app.run_worker(self._follow(check, judged_by), group="check")

    async def _follow(self, check: LiveCheck, by: tuple[str | None, float | None]) -> None:
        assert check.call is not None
        app = self.app
        try:
            report = await check.call.answer
        except Cancelled:
            app.notify(f"{check.title} was cancelled.", markup=False)
        except MechaMapError as error:
            self.explorer.show_error(error)
        else:
            self._show(check, report, by)
        finally:
            self.explorer.checking = None
            self.explorer.checks.show(None)
            app.refresh_bindings()

    def _show(self, check: LiveCheck, report: Report, by: tuple[str | None, float | None]) -> None:
        shown = False
        for screen in self.app.screen_stack:
            if isinstance(screen, CompareScreen) and [run.path for run in screen.of_runs] == check.paths:
                shown = shown or screen is self.app.screen
                if (screen.view.by, screen.view.threshold) == by:
                    screen.show_report(report, MATCHED)
                else:
                    screen.load()
        if not shown:
            told = f"Closest neurons of {' and '.join(path.name for path in check.paths)} are found."
            self.app.notify(f"{told} They are among the tables of the comparison.", timeout=10, markup=False)


class ScanWatch:
    """Runs one scan at a time for an app; ``app.live`` is the one that runs."""

    def __init__(self, explorer: Opening) -> None:
        self.explorer, self.app = explorer, explorer.app

    def start(self, model: str, changes: Mapping[str, object], draft: ScanDraft) -> None:
        """Begin a scan and show its progress; its run takes that place with its first layers.

        Raises:
            UsageError: another one is running.
        """
        app = self.app
        live, check = self.explorer.live, self.explorer.checking
        if live is not None:
            raise UsageError(f"A scan of {live.model} is running.", "Wait for it, or cancel it with x.")
        if check is not None:
            raise UsageError(f"{check.title} is running.", "Wait for it, or cancel it with x where the run is.")
        self.explorer.live = live = LiveScan(model, draft)
        live.call = self.explorer.engine.scan(
            model, changes, config_file=draft.config_file, on_progress=lambda progress: self._progressed(live, progress)
        )
        app.push_screen(ScanScreen(live))
        app.run_worker(self._follow(live), group="scan")
        app.refresh_bindings()

    async def cancel(self) -> None:
        """Stop the running scan; its finished layers are kept."""
        live = self.explorer.live
        if live is not None and live.call is not None and not live.cancelling:
            live.cancelling = True
            self.show(live.progress)
            await self.explorer.engine.cancel(live.call.id)

    def show(self, progress: Progress | None) -> None:
        """Tell every line that shows the scan, on screens that are covered too; None: it is over."""
        for screen in self.app.screen_stack:
            for line in screen.query(ScanProgress):
                line.show(progress)
            if isinstance(screen, ScanScreen) and screen.is_mounted:
                screen.show()

    async def _follow(self, live: LiveScan) -> None:
        assert live.call is not None
        error: MechaMapError | None = None
        try:
            result = await live.call.answer
            live.look(result.run)
        except MechaMapError as problem:
            error = problem
            if live.run_path is not None:
                live.look(live.run_path)
        finally:
            self.explorer.live = None
            self.show(None)
        self._refresh_run(live)
        self.app.refresh_bindings()
        self._tell_end(live, error)
        self._settle(live, ended=True)
        self._reload_start()
        if error is not None and not isinstance(error, Cancelled):
            self.explorer.show_error(error)

    def _progressed(self, live: LiveScan, progress: Progress) -> None:
        if self.explorer.live is not live:
            return
        news = live.follow(progress)
        self.show(progress)
        if news:
            self._refresh_run(live)
            self._settle(live, ended=False)
            self._reload_start()

    def _refresh_run(self, live: LiveScan) -> None:
        for screen in self.app.screen_stack:
            if not isinstance(screen, BrowseScreen) or live.run is None or screen.run.path != live.run.path:
                continue
            if screen.run is not live.run:
                screen.run.refresh()
            screen.call_after_refresh(screen.refresh_run)  # it may have been opened a moment ago

    def _settle(self, live: LiveScan, *, ended: bool) -> None:
        """Put the run, or the form again, in the place of the scan's progress once it is time."""
        if not ended and not live.can_be_browsed:
            return
        for screen in self.app.screen_stack:
            if isinstance(screen, ScanScreen) and screen.live is live:
                screen.settle(live.run if live.can_be_browsed else None)

    def _tell_end(self, live: LiveScan, error: MechaMapError | None) -> None:
        notify = self.app.notify
        if live.run is None:
            if isinstance(error, Cancelled):
                notify("Cancelled before the first layer.", markup=False)
            return
        done, layers = len(live.run.complete_layers), len(live.run.layers)
        if isinstance(error, Cancelled):
            notify(f"Cancelled; {done} of {layers} layers are kept in {live.run.name}.", markup=False)
        elif error is None and live.run.record.problems:
            notify("\n".join(live.run.record.problems), severity="warning", timeout=15, markup=False)
        elif error is None and not self._is_shown(live):
            notify(f"{live.run.name} is complete.", markup=False)

    def _is_shown(self, live: LiveScan) -> bool:
        """Whether the scan or its run is what the user is looking at."""
        screen = self.app.screen
        if isinstance(screen, ScanScreen):
            return screen.live is live
        return isinstance(screen, BrowseScreen) and screen.run.path == live.run_path

    def _reload_start(self) -> None:
        if isinstance(self.app.screen, StartScreen):
            self.app.screen.reload()


class CheckWatch:
    """Runs one check at a time for an app; ``app.checking`` is the one that runs."""

    def __init__(self, explorer: Opening) -> None:
        self.explorer, self.app = explorer, explorer.app

    def start(self, kind: str, run: Run, neuron: str = "") -> None:
        """Begin a check; an ablation that the run holds already is shown instead of measured again.

        Raises:
            UsageError: a scan or another check is running, or the run cannot be checked.
            UnsupportedModel: what is asked for cannot mean anything for the run's model.
        """
        app = self.app
        refuse_unless_checkable(run, kind)
        if kind == live_check.ABLATE and (known := _kept_ablation(run, neuron)) is not None:
            app.push_screen(AblationScreen(known))
            return
        if busy := busy_with(self.explorer):
            raise UsageError(f"{busy} is running; the engine does one thing at a time.", "Wait for it, or press x.")
        self.explorer.checking = check = LiveCheck(kind, run, neuron)
        check.call = self._asked(check)
        self.show(check)
        self._refresh(check)
        app.run_worker(self._follow(check), group="check")

    async def cancel(self) -> None:
        """Stop the running check; the run stays as it was."""
        check = self.explorer.checking
        if check is not None and check.call is not None and not check.cancelling:
            check.cancelling = True
            self.show(check)
            await self.explorer.engine.cancel(check.call.id)

    def show(self, check: LiveCheck | None) -> None:
        """Tell every progress line, on screens that are covered too; None: it is over."""
        for screen in self.app.screen_stack:
            for line in screen.query(ScanProgress):
                if check is None:
                    line.show(None)
                else:
                    line.show(check.progress, check.doing)

    def _asked(self, check: LiveCheck) -> EngineCall[Any]:
        engine, path = self.explorer.engine, check.run.path
        assert path is not None

        def progressed(progress: Progress) -> None:
            if self.explorer.checking is check:
                check.progress = progress
                self.show(check)

        match check.kind:
            case live_check.CONFIRM:
                return engine.confirm(path, on_progress=progressed)
            case live_check.CAUSES:
                return engine.causes(path, on_progress=progressed)
            case _:
                return engine.ablate(path, [check.neuron], on_progress=progressed)

    async def _follow(self, check: LiveCheck) -> None:
        assert check.call is not None
        error: MechaMapError | None = None
        answer: object = None
        try:
            answer = await check.call.answer
        except MechaMapError as problem:
            error = problem
        finally:
            self.explorer.checking = None
            self.show(None)
        self._refresh(check)
        if isinstance(error, Cancelled):
            self.app.notify(f"{check.title} was cancelled; the run is as it was.", markup=False)
        elif error is not None:
            self.explorer.show_error(error)
        else:
            self._tell(check, answer)

    def _refresh(self, check: LiveCheck) -> None:
        """Read the run again wherever it is shown."""
        for screen in self.app.screen_stack:
            if isinstance(screen, BrowseScreen) and screen.run.path == check.run.path:
                try:
                    screen.run.refresh()
                except MechaMapError as error:  # removed meanwhile
                    self.explorer.show_error(error)
                screen.refresh_run()
        self.app.refresh_bindings()

    def _tell(self, check: LiveCheck, answer: object) -> None:
        notify = self.app.notify
        if isinstance(answer, Confirmed):
            notify(_confirmed_text(check.run, answer), title=f"{check.run.name} confirmed", timeout=15, markup=False)
        elif isinstance(answer, CausesEstimated):
            told = f"The causes of {check.run.neurons:,} neurons were estimated in {duration(answer.seconds)}."
            notify(f"{told} a measures one.", title=check.run.name, timeout=10, markup=False)
        elif isinstance(answer, tuple):
            for ablation in answer:
                self._show_ablation(check, ablation)

    def _show_ablation(self, check: LiveCheck, ablation: Ablation) -> None:
        """Open what was measured, unless the user is elsewhere or typing: then say how to open it."""
        screen = self.app.screen
        typing = isinstance(self.app.focused, Input | TextArea)
        if isinstance(screen, BrowseScreen) and screen.run.path == check.run.path and not typing:
            self.app.push_screen(AblationScreen(ablation))
        else:
            self.app.notify(f"{check.neuron} of {check.run.name} is measured; a on it shows the result.", markup=False)


def _kept_ablation(run: Run, neuron: str) -> Ablation | None:
    try:
        return read_ablation(run.record.causes["ablations"][f"{neuron} zero"])
    except (LookupError, TypeError, ValueError, AttributeError):  # not measured, or kept by another version
        return None


def _confirmed_text(run: Run, answer: Confirmed) -> str:
    """``37 neurons confirmed: food 9, animal 4``, the largest first."""
    counts = sorted(((count, name) for name, count in answer.confirmed.items() if count), reverse=True)
    took = duration(answer.seconds)
    if not counts:
        return f"No neuron holds up in any category ({took}); i says how close they came."
    found = np.zeros(run.neurons, dtype=bool)
    for name in run.categories:
        found |= confirmed(run, name)
    neurons = int(np.count_nonzero(found)) or sum(count for count, _ in counts)
    listed = ", ".join(f"{name} {count:,}" for count, name in counts)
    return f"{quantity(neurons, 'neuron')} confirmed in {took}: {listed}"
