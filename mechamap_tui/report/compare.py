"""The comparison of runs or models; of two, also each neuron's closest one in the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from mechamap.compare.closest.settings import ENOUGH_WORDS, LEAST_WORDS, cannot_match, has_kept, usual_words
from mechamap.errors import UsageError
from mechamap.runs.run import Run
from mechamap.tables.table import Report
from mechamap.wording.amounts import duration
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.jobs.job import JobChanged
from mechamap_tui.jobs.match import MatchJob
from mechamap_tui.report.keys import JUDGING_KEYS, REPORT_KEYS, TABLE_KEYS
from mechamap_tui.report.screen import ReportScreen
from mechamap_tui.report.subject import ReportSubject
from mechamap_tui.report.view import ReportView
from mechamap_tui.widgets.prompt import Question

if TYPE_CHECKING:
    from mechamap.protocol.messages import Progress
    from mechamap_tui.engine.client import EngineClient

__all__ = ["CompareScreen"]


MATCHED = "matches_summary"  # the table that a comparison with closest neurons has


class CompareScreen(ReportScreen, inherit_bindings=False):
    """Compares two runs, or several in one table.

    Args:
        runs: two or more, each in a folder or a file; the first is the one that the others are compared with.
        view: what was looked at last time.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        *TABLE_KEYS,
        *JUDGING_KEYS,
        Binding("m", "match", "closest neurons", tooltip="look for each neuron's closest one in the other model"),
        Binding("x", "app.cancel_scan", "cancel scan", id="cancel"),
        Binding("x", "app.cancel_check", "cancel", id="cancel"),
        *REPORT_KEYS,
    ]

    def __init__(self, runs: Sequence[Run], view: ReportView) -> None:
        paths = [run.path for run in runs if run.path is not None]

        async def ask(engine: EngineClient, view: ReportView, listener: Callable[[Progress], None]) -> Report:
            return await engine.compare(paths, by=view.by, threshold=view.threshold, on_progress=listener)

        super().__init__(ReportSubject(tuple(runs), "comparing", "compared", ask), view)

    # --- closest neurons -------------------------------------------------------------------------------------

    @property
    def matched(self) -> bool:
        """Whether closest neurons were searched for."""
        return self.report is not None and self.report.table(MATCHED) is not None

    async def action_match(self) -> None:
        """Ask how many words the search for closest neurons uses."""
        a, b = self.of_runs
        if why := cannot_match(a, b):
            raise UsageError(f"These runs cannot be searched for closest neurons: {why}", "Scan the model itself.")
        words, placeholder = f"{self._usual_words()}", "the whole text if left empty"
        meaning = self._meaning_of_words
        await self.prompt.ask(
            Question("closest neurons over words", words, placeholder, meaning, self._match, hint=meaning(words))
        )

    def _meaning_of_words(self, text: str) -> str:
        words = _words(text)
        over = f"over up to {words:,} words" if words is not None else "over all words"
        return f"{self._cost()}, {over} of {self.of_runs[0].name}'s text"

    def _match(self, text: str) -> None:
        a, b = self.of_runs
        explorer_of(self).start(MatchJob((a, b), _words(text), self.view.by, self.view.threshold))

    def on_mount(self) -> None:
        follow_jobs(self, self._job_changed)

    def _job_changed(self, change: JobChanged) -> None:
        """Show the closest neurons found for these runs; ask again where neurons are judged differently by now."""
        job = change.job
        if not isinstance(job, MatchJob) or job.answer is None or job.paths != [run.path for run in self.of_runs]:
            return
        if (self.view.by, self.view.threshold) == (job.by, job.threshold):
            self.show_report(job.answer, MATCHED)
        else:
            self.load()

    def _usual_words(self) -> int:
        """How many words take a few seconds, at most about as many as the text has: a word is a token or more."""
        a, b = self.of_runs
        return min(usual_words(a.neurons, b.neurons), max(len(a.record.tokens.ids), LEAST_WORDS))

    def _cost(self) -> str:
        """What the search needs: models are run again unless their activations were kept."""
        again = [run for run in self.of_runs if not has_kept(run)]
        if not again:
            return "the activations were kept"
        seconds = sum(run.record.timings.get(name, 0.0) for run in again for name in ("load", "pass"))
        took = f" ({duration(seconds)} when scanned)" if seconds else ""
        return f"runs {' and '.join(dict.fromkeys(run.label for run in again))} again{took}"

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "match":
            return self.report is not None and len(self.of_runs) == 2 and not self.prompt.asking
        return super().check_action(action, parameters)


def _words(text: str) -> int | None:
    """The number of words that was typed; None where nothing was.

    Raises:
        UsageError: no whole number, or too few.
    """
    text = text.strip().replace(",", "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < LEAST_WORDS:
        raise UsageError(
            f"{text!r} is not a valid number of words.", f"Type {LEAST_WORDS} or more; {ENOUGH_WORDS} is a good number."
        )
    return int(text)
