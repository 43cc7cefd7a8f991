"""A report that judges neurons by a figure, from a threshold on: both can be changed where it is read."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from mechamap.errors import MechaMapError, UsageError
from mechamap.figures.figure import JudgedFigure
from mechamap.figures.of_run import default_figure, figures_of
from mechamap.query.link import Link
from mechamap.runs.run import Run
from mechamap.wording.amounts import quantity
from mechamap_tui.explorer import explorer_of
from mechamap_tui.report.screen import ReportScreen
from mechamap_tui.report.view import ReportView
from mechamap_tui.widgets.key_footer import KeyFooter
from mechamap_tui.widgets.prompt import Prompt

__all__ = ["JUDGED_KEYS", "JudgedScreen"]


JUDGED_KEYS: tuple[BindingType, ...] = (
    Binding("f", "figure(1)", "figure"),
    Binding("F", "figure(-1)", "previous figure", show=False),
    Binding("t,slash", "threshold", "threshold", key_display="t"),
)


class JudgedScreen(ReportScreen):
    """Asks again by another figure or from another threshold on.

    Args:
        runs: what it is about; not called ``run``, as none of them is refreshed while its report is read.
        view: what was looked at last time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*JUDGED_KEYS]

    def __init__(self, runs: Sequence[Run], view: ReportView) -> None:
        super().__init__(view)
        self.of_runs = tuple(runs)
        self._layers = self._layers_now()  # that each had when the report was asked for

    @property
    def figures(self) -> tuple[JudgedFigure, ...]:
        """The figures that all the runs have."""
        first, *others = (figures_of(run) for run in self.of_runs)
        return tuple(kind for kind in first if all(kind in its for its in others))

    @property
    def figure(self) -> JudgedFigure | None:
        """What neurons are judged by; None where the runs have nothing in common."""
        kinds = self.figures
        usual = {default_figure(run) for run in self.of_runs}
        name = self.view.by or (usual.pop() if len(usual) == 1 else "mean")
        return next((kind for kind in kinds if name in (kind.label, kind.name)), kinds[0] if kinds else None)

    # --- runs that grow --------------------------------------------------------------------------------------

    def _layers_now(self) -> tuple[int, ...]:
        return tuple(len(run.complete_layers) for run in self.of_runs)

    def note_layers(self) -> None:
        """Remember which layers there are: the report is asked for."""
        self._layers = self._layers_now()

    def open_of(self, at: int, link: Link) -> None:
        """Show the neurons behind a cell, of one of the runs; say so where it has grown since."""
        run, then = self.of_runs[at], self._layers[at]
        explorer_of(self).open_link(run, link)
        now = len(run.complete_layers)
        if link.where and now > then:
            self.notify(
                f"{run.name} had {quantity(then, 'layer')} when the report was asked for and has {now} "
                "now: there may be more neurons here than the report counts. In it, t and enter count again.",
                severity="warning",
                timeout=10,
                markup=False,
            )

    # --- the figure and the threshold ------------------------------------------------------------------------

    def action_figure(self, steps: int) -> None:
        """Judge by the next of the figures, at that one's own threshold."""
        kinds, now = self.figures, self.figure
        if now is not None and len(kinds) > 1:
            self._ask_again(kinds[(kinds.index(now) + steps) % len(kinds)].label, None)

    async def action_threshold(self) -> None:
        kind, given = self.figure, self.view.threshold
        if kind is not None:
            usual = kind.threshold(self.of_runs[0])
            text = "" if given is None else f"{given:g}"
            await self.ask("threshold", f"{kind.label} from", text, f"{usual:g} where nothing is said")

    async def ask(self, kind: str, label: str, text: str, placeholder: str) -> None:
        """Ask for something at the bottom of the screen."""
        if not self.prompt.is_attached:
            await self.mount(self.prompt, before=self.query_one(KeyFooter))
        self.prompt.ask(kind, label, text, placeholder)

    def meant(self, kind: str, text: str) -> str:
        """What a typed text would do.

        Raises:
            MechaMapError: it makes no sense.
        """
        threshold, figure = _threshold(text), self.figure
        if figure is None:
            return ""
        value = figure.threshold(self.of_runs[0]) if threshold is None else threshold
        sides = f" or ≤ {figure.mirrored(value):g}" if figure.two_sided else ""
        return f"neurons with {figure.label} {'≤' if figure.ascending else '≥'} {value:g}{sides}"

    def answered(self, kind: str, text: str) -> None:
        """Do what a typed text says."""
        self._ask_again(self.view.by, _threshold(text))

    def on_prompt_typed(self, event: Prompt.Typed) -> None:
        try:
            self.prompt.answer(self.meant(event.kind, event.text))
        except MechaMapError as error:
            self.prompt.refuse(error)

    def on_prompt_submitted(self, event: Prompt.Submitted) -> None:
        try:
            self.meant(event.kind, event.text)
        except MechaMapError as error:
            self.prompt.refuse(error)
            return
        self.prompt.close()
        self.cells.focus()
        self.answered(event.kind, event.text)

    def on_prompt_left(self) -> None:
        self.cells.focus()

    def _ask_again(self, by: str | None, threshold: float | None) -> None:
        self.view.by, self.view.threshold = by, threshold
        self.load()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "figure":
            return len(self.figures) > 1
        if action == "threshold":
            return self.figure is not None and not self.prompt.asking
        return super().check_action(action, parameters)


def _threshold(text: str) -> float | None:
    """The threshold that was typed; None where nothing was."""
    if not text.strip():
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise UsageError(f"{text.strip()!r} is no number.", "Such as 0.9; nothing for the usual one.")
    return value
