"""A scan under way, as the explorer follows it: what was asked, how far it is, and the run it writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mechamap.errors import RunError
from mechamap.run import Run
from mechamap_tui.client import EngineCall
from mechamap_tui.engine_values import Progress, ScanResult
from mechamap_tui.scan_draft import ScanDraft

__all__ = ["LiveScan"]


@dataclass(eq=False, slots=True)
class LiveScan:
    """One scan and the run it writes, which can be opened as soon as its first layers are complete."""

    model: str
    draft: ScanDraft
    changes: Mapping[str, object] = field(default_factory=dict)
    config_file: Path | None = None
    call: EngineCall[ScanResult] | None = None
    progress: Progress = field(default_factory=lambda: Progress("start"))
    run: Run | None = None
    cancelling: bool = False
    _layers_seen: int = -1

    def follow(self, progress: Progress) -> bool:
        """Take a progress report; True if the run has new layers to show."""
        self.progress = progress
        if progress.run is None or progress.layers_done == self._layers_seen:
            return False
        if not self.look(progress.run):
            return False
        # The writer commits layers together, so those just counted may come with a later look.
        assert self.run is not None
        if len(self.run.complete_layers) >= progress.layers_done:
            self._layers_seen = progress.layers_done
        return True

    def look(self, folder: Path) -> bool:
        """Open the run, or read it again; True if anything is new. Not there yet is no error."""
        try:
            if self.run is None:
                self.run = Run.open(folder)
                return True
            return self.run.refresh()
        except RunError:
            return False

    @property
    def run_path(self) -> Path | None:
        return self.run.path if self.run is not None else None

    @property
    def can_be_browsed(self) -> bool:
        return self.run is not None and bool(self.run.complete_layers)
