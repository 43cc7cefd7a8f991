"""A CSV being read as a run, which takes seconds if it is large; it can be cancelled at any time."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mechamap.errors import Cancelled, MechaMapError
from mechamap.runs.run import Run
from mechamap_tui.terminal.key_hints import key_hints

__all__ = ["ReadingScreen"]


class ReadingScreen(ModalScreen["Run | MechaMapError | None"]):
    """Reads a CSV in a thread and shows the progress; the answer is the run, the file's error, or None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,escape,x", "leave", "cancel")]

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self._share = 0.0
        self._left = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog") as dialog:
            dialog.border_title = "Reading"
            dialog.border_subtitle = key_hints(self, ("leave", "cancels"))
            yield Static(Text(str(self.path)))
            yield Static(id="share")

    def on_mount(self) -> None:
        self.set_interval(0.25, self._show)
        self.run_worker(self._read())

    def _show(self) -> None:
        self.query_one("#share", Static).update(f"{100 * self._share:.0f} %" if self._share else "")

    async def _read(self) -> None:
        from mechamap.csv_files.run import read_csv

        try:
            outcome: Run | MechaMapError | None = await asyncio.to_thread(read_csv, self.path, self._reached)
        except Cancelled:
            outcome = None
        except MechaMapError as error:
            outcome = error
        if not self._left:
            self.dismiss(outcome)

    def _reached(self, share: float) -> None:
        """Note the thread's progress; the thread stops once the dialog is closed."""
        self._share = share
        if self._left or not self.app.is_running:
            raise Cancelled("Reading was stopped.")

    def action_leave(self) -> None:
        self._left = True
        self.dismiss(None)
