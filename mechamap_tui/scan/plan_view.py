"""What the scan in the form would take, requested from the engine while the form is filled in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath

from rich.text import Text
from textual.message import Message
from textual.timer import Timer
from textual.widgets import Static

from mechamap.errors import MechaMapError, ModelNotFound
from mechamap.protocol.planned import Planned, PlannedCorpus
from mechamap.wording.amounts import coarse_size, duration
from mechamap_tui.data.advice_text import hint_text
from mechamap_tui.explorer import explorer_of, follow_jobs
from mechamap_tui.jobs.draft import ScanDraft
from mechamap_tui.jobs.job import JobChanged
from mechamap_tui.terminal.terminal_text import clean

__all__ = ["PlanView", "plan_text"]


ASK_AFTER = 0.35  # seconds without a change before the engine is asked


@dataclass(frozen=True, slots=True)
class _Question:
    draft: ScanDraft
    fetch: bool

    @property
    def can_be_asked(self) -> bool:
        return bool(self.draft.model) and not self.draft.problems()


class PlanView(Static):
    """A few lines about the plan, in a warning's colour where the scan does not fit.

    One question at a time is on its way. What is typed meanwhile is asked when it is answered, and an answer to
    what is no longer in the form is not shown.
    """

    DEFAULT_CSS = """
    PlanView {
        height: auto; max-height: 4; margin-top: 1; color: $text-muted;
        &.-lacking { color: $text-warning; }
        &.-lines { text-wrap: nowrap; text-overflow: ellipsis; }
    }
    """

    @dataclass
    class Told(Message):
        """The view's text has changed; an empty one takes no room."""

        text: str

    def __init__(self) -> None:
        super().__init__(id="plan")
        self.display = False
        self._wanted = _Question(ScanDraft(), fetch=False)
        self._answered: _Question | None = None
        self._answer: Planned | MechaMapError | None = None
        self._asking = False
        self._rest: Timer | None = None

    def on_mount(self) -> None:
        follow_jobs(self, self._job_changed)

    def _job_changed(self, change: JobChanged) -> None:
        if change.job.ended:
            self._ask()

    def follow(self, draft: ScanDraft, *, fetch: bool) -> None:
        """Show the plan of what is in the form, once typing rests.

        Args:
            draft: what stands in the fields.
            fetch: whether the config of a model that is not in the cache may be fetched: not while its name is typed,
                since what is there so far may be the name of another one.
        """
        # The threshold of the listed findings does not change a plan.
        question = _Question(draft.with_field("threshold", ""), fetch)
        if question == self._wanted:
            return
        self._wanted = question
        if not question.can_be_asked:
            self._tell("")
        elif self._is_answered:
            self._show()
        else:
            if self._rest is not None:
                self._rest.stop()
            self._rest = self.set_timer(ASK_AFTER, self._ask)

    @property
    def _is_answered(self) -> bool:
        """Whether the last answer is about the form as it is now; a plan is, however its config was obtained."""
        if self._answered is None or self._answered.draft != self._wanted.draft:
            return False
        return isinstance(self._answer, Planned) or self._answered == self._wanted

    def _ask(self) -> None:
        if self._asking or self._is_answered or not self._wanted.can_be_asked:
            return
        if (job := explorer_of(self).job) is not None:
            self._tell(f"{job.title} is running; what this scan takes is worked out when it ends.")
            return
        if self._answered is None or self._answered.draft.model != self._wanted.draft.model:
            self._tell("Working out what it takes ...")
        self._asking = True
        self.run_worker(self._fetch(self._wanted), group="plan", exit_on_error=False)

    async def _fetch(self, question: _Question) -> None:
        draft = question.draft
        try:
            self._answer = await explorer_of(self).engine.plan(
                draft.model, draft.changes(), config_file=draft.config_file, fetch=question.fetch
            )
        except MechaMapError as error:
            self._answer = error
        finally:
            self._asking = False
        self._answered = question
        if self._is_answered:
            self._show()
        else:
            self._ask()

    def _show(self) -> None:
        """Show the engine's answer."""
        answer = self._answer
        if isinstance(answer, Planned):
            self._tell(plan_text(answer), lacking=not answer.fits, lines=True)
        elif isinstance(answer, ModelNotFound) and not self._wanted.fetch:
            self._tell("This model is not in the cache; it is looked up on the hub once you leave this line.")
        elif answer is not None:
            self._tell(answer.message, lacking=True)

    def _tell(self, text: str, *, lacking: bool = False, lines: bool = False) -> None:
        self.set_class(lacking, "-lacking")
        self.set_class(lines, "-lines")
        self.display = bool(text)
        self.update(Text("\n".join(clean(line) for line in text.splitlines())))
        self.post_message(self.Told(text))


def plan_text(plan: Planned) -> str:
    """The plan in two or three lines."""
    memory, dtype = plan.tightest, plan.packed or plan.dtype
    free = f" of {coarse_size(memory.free)} free" if memory.free is not None else ""
    time = f" · about {_duration(plan.seconds.total)}" if plan.seconds is not None else ""
    run = f"run {coarse_size(plan.run.total)}"
    lines = [
        f"{_count_text(plan.parameters)} parameters · {coarse_size(plan.weights.loaded)} {dtype} · needs "
        f"~{coarse_size(memory.needed)}{free}",
        f"{plan.neurons_scanned:,} neurons · {run}{time}",
    ]
    if plan.corpus is not None:
        lines.append(_corpus_text(plan.corpus))
    if not plan.fits:
        needs = f"Does not fit: needs ~{coarse_size(memory.needed)}{free} on {memory.device}"
        if memory.fits:
            needs = "Does not fit on its disk"
        lines = [f"{needs} · {_count_text(plan.parameters)} {dtype}", _remedy(plan)]
    return "\n".join([*lines, *plan.notes[:1]])


def _corpus_text(corpus: PlannedCorpus) -> str:
    """What is read in place of the text."""
    names = ", ".join(name if name.startswith("hf:") else PurePath(name).name for name in corpus.sources)
    if corpus.tokens is None or corpus.shards is None:
        return f"corpus {names} · length unknown"
    shards = "shard" if corpus.shards == 1 else "shards"
    return f"corpus {names} · ~{_count_text(corpus.tokens)} tokens · {corpus.shards:,} {shards}"


def _remedy(plan: Planned) -> str:
    would_fit = "Would fit: " + " · ".join(hint_text(option.hint) for option in plan.would_fit[:3])
    if plan.disk is not None and plan.run.most > plan.disk:
        short = f"The run takes {coarse_size(plan.run.most)}, but only {coarse_size(plan.disk)} is free on its disk."
        return f"{short} {would_fit}" if plan.would_fit else short
    return would_fit if plan.would_fit else "No setting in this form makes it fit."


def _duration(seconds: float) -> str:
    """Rounded: it is an estimate."""
    return f"{max(round(seconds), 1)} s" if seconds < 9.5 else duration(seconds)


def _count_text(count: int) -> str:
    """``124M``, ``1.7B``."""
    for unit, size in (("B", 1_000_000_000), ("M", 1_000_000)):
        if count >= size:
            amount = count / size
            return f"{amount:.1f}{unit}" if amount < 100 else f"{amount:,.0f}{unit}"
    return f"{count:,}"
