"""What a run's neurons say of its model: counts, depths, correlations, and the neurons behind them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType

from mechamap.errors import MechaMapError, UsageError
from mechamap.figures import FigureKind, default_figure, figures_of
from mechamap.run import Run
from mechamap.tables.table import Link, Report
from mechamap_tui.report_view import ReportView
from mechamap_tui.screens.report_screen import REPORT_KEYS, TABLE_KEYS, ReportScreen
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.prompt import Prompt

if TYPE_CHECKING:
    from mechamap_tui.app import MechaMapApp

__all__ = ["InterpretScreen"]


class InterpretScreen(ReportScreen, inherit_bindings=False):
    """Interprets one run, by whichever figure and from whichever threshold on.

    Args:
        run: the run; not called ``run`` here, as nothing of it is refreshed while it is interpreted.
        view: what was looked at last time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *TABLE_KEYS,
        Binding("f", "figure(1)", "figure"),
        Binding("F", "figure(-1)", "previous figure", show=False),
        Binding("t,slash", "threshold", "threshold", key_display="t"),
        *REPORT_KEYS,
    ]

    def __init__(self, run: Run, view: ReportView) -> None:
        super().__init__(view)
        self.of_run = run

    @property
    def doing(self) -> str:
        by = f" by {self.view.by}" if self.view.by else ""
        return f"interpreting{by}" if self.report is not None else f"Interpreting {self.of_run.name}{by}"

    @property
    def subject(self) -> str:
        return f"{self.of_run.name} interpreted"

    async def asked(self) -> Report:
        path = self.of_run.path
        if path is None:
            raise UsageError(f"{self.of_run.name} is in no file that the engine could read.")
        app = cast("MechaMapApp", self.app)
        return await app.engine.interpret(path, by=self.view.by, threshold=self.view.threshold)

    def link_opened(self, link: Link) -> None:
        cast("MechaMapApp", self.app).open_link(self.of_run, link)

    # --- the figure and its threshold ------------------------------------------------------------------------

    @property
    def figure(self) -> FigureKind:
        """What neurons are judged by."""
        name = self.view.by or default_figure(self.of_run)
        return next(kind for kind in figures_of(self.of_run) if name in (kind.label, kind.name))

    def action_figure(self, steps: int) -> None:
        """Judge by the next of the figures that the run has, at that one's own threshold."""
        kinds = figures_of(self.of_run)
        if len(kinds) > 1:
            self.show_by(kinds[(kinds.index(self.figure) + steps) % len(kinds)].label)

    def show_by(self, by: str) -> None:
        """Judge by a figure, at its own threshold."""
        self._ask_again(by, None)

    async def action_threshold(self) -> None:
        if not self.prompt.is_attached:
            await self.mount(self.prompt, before=self.query_one(KeyFooter))
        usual, given = self.figure.threshold(self.of_run), self.view.threshold
        text = "" if given is None else f"{given:g}"
        self.prompt.ask("threshold", f"{self.figure.label} from", text, f"{usual:g} where nothing is said")

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        try:
            self.prompt.answer(self._meant(_threshold(event.text)))
        except MechaMapError as error:
            self.prompt.refuse(error)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        try:
            threshold = _threshold(event.text)
        except MechaMapError as error:
            self.prompt.refuse(error)
            return
        self.prompt.close()
        self.cells.focus()
        self._ask_again(self.view.by, threshold)

    def on_prompt_left(self) -> None:
        self.cells.focus()

    def _meant(self, threshold: float | None) -> str:
        kind = self.figure
        value = kind.threshold(self.of_run) if threshold is None else threshold
        sides = f" or ≤ {kind.mirrored(value):g}" if kind.two_sided else ""
        return f"neurons with {kind.label} {'≤' if kind.ascending else '≥'} {value:g}{sides}"

    def _ask_again(self, by: str | None, threshold: float | None) -> None:
        self.view.by, self.view.threshold = by, threshold
        self.load()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "figure":
            return len(figures_of(self.of_run)) > 1
        return super().check_action(action, parameters)


def _threshold(text: str) -> float | None:
    """The threshold that was typed; None where nothing was."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not math.isfinite(value):
        raise UsageError(f"{text.strip()!r} is no number.", "Such as 0.9; nothing for the usual one.")
    return value
