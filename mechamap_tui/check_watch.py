"""The checks of a run: one at a time, beside browsing; followed, and what was found shown where the run is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from textual.widgets import Input, TextArea

from mechamap.errors import Cancelled, MechaMapError, UsageError
from mechamap.findings import confirmed
from mechamap_tui import live_check
from mechamap_tui.engine_values import Ablation, CausesEstimated, Confirmed, read_ablation
from mechamap_tui.live_check import LiveCheck, busy_with, refuse_unless_checkable
from mechamap_tui.screens.ablation import AblationScreen
from mechamap_tui.screens.browse import BrowseScreen
from mechamap_tui.widgets.progress import ScanProgress, duration_text

if TYPE_CHECKING:
    from mechamap.run import Run
    from mechamap_tui.app import MechaMapApp
    from mechamap_tui.engine_process import EngineCall
    from mechamap_tui.engine_values import Progress

__all__ = ["CheckWatch"]


class CheckWatch:
    """Runs one check at a time for an app; ``app.checking`` is the one that runs."""

    def __init__(self, app: MechaMapApp) -> None:
        self.app = app

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
        if busy := busy_with(app):
            raise UsageError(f"{busy} is running; the engine does one thing at a time.", "Wait for it, or press x.")
        app.checking = check = LiveCheck(kind, run, neuron)
        check.call = self._asked(check)
        self.show(check)
        self._refresh(check)
        app.run_worker(self._follow(check), group="check")

    async def cancel(self) -> None:
        """Stop the running check; the run stays as it was."""
        check = self.app.checking
        if check is not None and check.call is not None and not check.cancelling:
            check.cancelling = True
            self.show(check)
            await self.app.engine.cancel(check.call.id)

    def show(self, check: LiveCheck | None) -> None:
        """Tell every progress line, on screens that are covered too; None: it is over."""
        for screen in self.app.screen_stack:
            for line in screen.query(ScanProgress):
                if check is None:
                    line.show(None)
                else:
                    line.show(check.progress, check.doing)

    def _asked(self, check: LiveCheck) -> EngineCall[Any]:
        engine, path = self.app.engine, check.run.path
        assert path is not None

        def progressed(progress: Progress) -> None:
            if self.app.checking is check:
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
            self.app.checking = None
            self.show(None)
        self._refresh(check)
        if isinstance(error, Cancelled):
            self.app.notify(f"{check.title} was cancelled; the run is as it was.", markup=False)
        elif error is not None:
            self.app.show_error(error)
        else:
            self._tell(check, answer)

    def _refresh(self, check: LiveCheck) -> None:
        """Read the run again wherever it is shown."""
        for screen in self.app.screen_stack:
            if isinstance(screen, BrowseScreen) and screen.run.path == check.run.path:
                try:
                    screen.run.refresh()
                except MechaMapError as error:  # removed meanwhile
                    self.app.show_error(error)
                screen.refresh_run()
        self.app.refresh_bindings()

    def _tell(self, check: LiveCheck, answer: object) -> None:
        notify = self.app.notify
        if isinstance(answer, Confirmed):
            notify(_confirmed_text(check.run, answer), title=f"{check.run.name} confirmed", timeout=15, markup=False)
        elif isinstance(answer, CausesEstimated):
            told = f"The causes of {check.run.neurons:,} neurons were estimated in {duration_text(answer.seconds)}."
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
    took = duration_text(answer.seconds)
    if not counts:
        return f"No neuron holds up in any category ({took}); i says how close they came."
    found = np.zeros(run.neurons, dtype=bool)
    for name in run.categories:
        found |= confirmed(run, name)
    neurons = int(np.count_nonzero(found)) or sum(count for count, _ in counts)
    listed = ", ".join(f"{name} {count:,}" for count, name in counts)
    return f"{neurons:,} neuron{'s' if neurons != 1 else ''} confirmed in {took}: {listed}"
