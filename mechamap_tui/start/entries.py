"""What can be opened from the start screen, as one line each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from mechamap.runs.example.place import EXAMPLE
from mechamap.wording.amounts import quantity
from mechamap_tui.terminal.terminal_text import clean, fit_ends

if TYPE_CHECKING:
    from mechamap.runs.library import RunSummary

__all__ = ["StartEntry", "age_text", "entries", "entry_line"]


_EXAMPLE_COLUMNS = (EXAMPLE, "SmolLM2-135M, scanned and confirmed", "opens at once, with a tour")


@dataclass(frozen=True, slots=True)
class StartEntry:
    """One line that can be opened: the example, a run, a model, or what was typed."""

    kind: Literal["example", "run", "model", "typed"]
    value: str  # what is opened: the run's folder, the model's name, the text
    columns: tuple[str, str, str]
    run: RunSummary | None = None

    def matches(self, text: str) -> bool:
        return all(word in " ".join((self.value, *self.columns)).lower() for word in text.lower().split())


def entries(runs: Iterable[RunSummary], models: Iterable[str]) -> list[StartEntry]:
    """Everything there is to open: the example, runs, newest first, then models."""
    runs = list(runs)
    unpacked = next((run for run in runs if run.name == EXAMPLE), None)
    listed = [StartEntry("example", EXAMPLE, _EXAMPLE_COLUMNS, unpacked)]
    listed += [
        StartEntry(
            "run",
            str(run.path),
            (run.name, _state(run), " · ".join(_age_and_model(run))),
            run,
        )
        for run in runs
        if run is not unpacked
    ]
    listed.append(StartEntry("model", "demo", ("demo", "", "the bundled model")))
    return listed + [StartEntry("model", model, (model, "", "in the local hub cache")) for model in models]


def _age_and_model(run: RunSummary) -> Iterator[str]:
    if age := age_text(run.created):
        yield age
    if not run.name.startswith(run.model):
        yield run.model


def _state(run: RunSummary) -> str:
    neurons = f"{run.neurons:,} neurons"
    so_far = run.so_far or f"{run.layers_complete}/{run.layers} layers"
    match run.state:
        case "complete":
            return neurons
        case "damaged":
            return "damaged"
        case "running":
            return f"scanning, {so_far}"
        case state:
            return f"{state}, {so_far}"


def age_text(created: str) -> str:
    """How long ago an ISO time was, in words; empty where it cannot be read."""
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return ""
    seconds = (datetime.now(UTC) - (moment if moment.tzinfo else moment.replace(tzinfo=UTC))).total_seconds()
    for size, unit in ((86_400 * 365, "year"), (86_400 * 30, "month"), (86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            return f"{quantity(int(seconds // size), unit)} ago"
    return "just now"


def entry_line(entry: StartEntry, sign: str = " ") -> Table:
    """An entry in three columns, with a sign in front of it."""
    name, description, more = (clean(column) for column in entry.columns)
    line = Table.grid(padding=(0, 2), expand=True)
    for _ in range(3):
        line.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    style = "red" if entry.run is not None and entry.run.state == "damaged" else ""
    line.add_row(_Name(f"{sign} {name}"), Text(description, style), Text(more, "dim"))
    return line


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that keeps its end where it is cut: runs of one model differ only by the number there."""

    text: str

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(fit_ends(self.text, options.max_width), no_wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(1, cell_len(self.text))
