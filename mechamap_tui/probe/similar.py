"""The neurons most like one, over the screen."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from mechamap.errors import MechaMapError
from mechamap.protocol.messages import Progress
from mechamap.runs.run import Run
from mechamap_tui.data.advice_text import error_text
from mechamap_tui.explorer import explorer_of
from mechamap_tui.probe.asking import waiting_text
from mechamap_tui.probe.entries import similar_entries
from mechamap_tui.probe.listing import Listing
from mechamap_tui.terminal.key_hints import key_hints

__all__ = ["SimilarScreen"]


class SimilarScreen(ModalScreen[str | None]):
    """A list to choose from; dismissed with the name of the neuron to go to, or None.

    Args:
        run: on disk, with a model behind it.
        neuron: its name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "go to it"),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("escape,q", "close", "close"),
    ]

    DEFAULT_CSS = """
    SimilarScreen { align: center middle; }
    SimilarScreen > Listing { width: 90%; max-width: 100; height: 90%; border: round $accent; padding: 0 1;
                              background: $surface; }
    """

    def __init__(self, run: Run, neuron: str) -> None:
        super().__init__()
        self.title = "Similar neurons"
        self._run, self._neuron = run, neuron
        self._list = Listing()
        self._list.border_title = f"Neurons most like {neuron}"

    def compose(self) -> ComposeResult:
        self._list.border_subtitle = key_hints(self, ("open", "goes to one"), ("close", "closes"))
        yield self._list

    def on_mount(self) -> None:
        job = explorer_of(self).job
        wait = f"{job.title} is running; they are looked for when it ends." if job is not None else ""
        self._list.show([wait or "Reading the run's text for correlations ..."], "", (), None)
        self.run_worker(self._fetch(), group="similar", exit_on_error=False)

    async def _fetch(self) -> None:
        assert self._run.path is not None

        def progressed(progress: Progress) -> None:
            if self.is_mounted and progress.stage:
                self._list.show([waiting_text(progress)], "", (), None)

        try:
            engine = explorer_of(self).engine
            similar = await engine.similar(self._run.path, self._neuron, on_progress=progressed)
        except MechaMapError as error:
            self._list.show([error_text(error)], "", (), None)
            return
        about, title, entries = similar_entries(similar)
        self._list.show(about, title, entries, 0)

    def action_move(self, lines: int) -> None:
        self._list.move(lines)

    def action_page(self, pages: int) -> None:
        self._list.move(pages * self._list.page)

    def action_open(self) -> None:
        if (key := self._list.key) is not None:
            self.dismiss(key)

    def on_listing_opened(self, event: Listing.Opened) -> None:
        self.dismiss(event.key)

    def action_close(self) -> None:
        self.dismiss(None)
