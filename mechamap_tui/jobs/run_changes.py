"""The run on the screen, when somebody else writes to its folder."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mechamap.errors import MechaMapError
from mechamap.runs.figure_names import LATER_FIGURES

if TYPE_CHECKING:
    from mechamap_tui.opening import Opening

__all__ = ["look_at_run"]


def look_at_run(explorer: Opening) -> None:
    """Show what another process has added to the run on top; a scan of our own reports by itself."""
    app = explorer.app
    run = getattr(app.screen, "run", None)
    if run is None or (explorer.live is not None and run is explorer.live.run):
        return
    before = run.record
    try:
        news = run.refresh()
    except MechaMapError:  # being replaced, or removed: what was read stays on the screen
        return
    if before.state != "running" and run.record.created != before.created:
        # Another scan has taken the folder: its rows are other neurons than those on the screen.
        run.record = replace(before, figures=tuple(name for name in before.figures if name not in LATER_FIGURES))
        app.notify(f"{run.name} was scanned anew; open it again to see that.", severity="warning", markup=False)
    show = getattr(app.screen, "refresh_run", None)
    if news and show is not None:
        show()
